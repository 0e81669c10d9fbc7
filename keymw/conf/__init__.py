"""keymw's own configuration: one file per option group."""

from collections.abc import Sequence
import functools
import os
from typing import Any

from oslo_config import cfg
from oslo_policy import opts as policy_opts
from stevedore import driver

from keymw.conf import api_keys
from keymw.conf import audit
from keymw.conf import client_address
from keymw.conf import database
from keymw.conf import files
from keymw.conf import global_keys
from keymw.conf import identity
from keymw.conf import kskey
from keymw.conf import ldap
from keymw.conf import limits
from keymw.conf import metrics
from keymw.conf import openapi
from keymw.conf import storage
from keymw.conf import vault

GROUPS = (
    api_keys,
    audit,
    client_address,
    database,
    global_keys,
    identity,
    kskey,
    ldap,
    limits,
    metrics,
    openapi,
    storage,
    vault,
)


# The options of one group, as conf.kskey.
Options = cfg.ConfigOpts.GroupAttr


class ConfigError(Exception):
    """A setting is not usable; one line names the option and the remedy."""


# keymw reads no other environment variable.
FILE_FROM_ENVIRONMENT = 'KEYMW_CONFIG_FILE'
_DEFAULT_FILE = '/etc/keymw/keymw.conf'


def default_file() -> str:
    """Return the file that is read if none is named."""
    return os.environ.get(FILE_FROM_ENVIRONMENT) or _DEFAULT_FILE


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options by group, for oslo-config-generator."""
    return [(group.GROUP, list(group.OPTS)) for group in GROUPS]


def load(config_file: str | Sequence[str]) -> cfg.ConfigOpts:
    """Read files into a ConfigOpts of our own, never the global CONF.

    files.expand turns names into files. The environment is not read: names
    such as OS_DATABASE__CONNECTION are for a service in the same process.

    :raises ConfigError: a file cannot be read or a value is invalid.
    """
    names = files.expand(config_file)
    conf = cfg.ConfigOpts()
    for group, opts in _known():
        conf.register_opts(opts, group=group)
    try:
        conf(
            args=[],
            project='keymw',
            default_config_files=names,
            default_config_dirs=[],
            use_env=False,
        )
    except cfg.ConfigFileParseError as error:
        raise ConfigError(_parse_error(error)) from None
    except (cfg.Error, OSError, ValueError) as error:
        raise ConfigError(f'{", ".join(names)}: {error}') from None
    _read_all(conf)
    return conf


def unknown(conf: cfg.ConfigOpts) -> list[str]:
    """Return one line for each unknown group or option in the files."""
    return files.unknown(conf, _known())


def deprecated(conf: cfg.ConfigOpts) -> list[str]:
    """Return one line for each option in the files with a former name."""
    return files.deprecated(conf, _known())


def log_options(conf: cfg.ConfigOpts) -> list[str]:
    """Return the names of the oslo.log options that the files set."""
    values = files.values(conf.config_file).get(files.DEFAULT, {})
    return sorted(
        opt.dest
        for _, opts in _of_oslo_log()
        for opt in opts
        if {opt.name, opt.dest} & values.keys()
    )


@functools.cache
def _known() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Return all options of keymw.conf, of keymw and of its libraries.

    They are kept, because oslo.policy copies its options for each call.
    """
    return [*list_opts(), *policy_opts.list_opts(), *_of_oslo_log()]


def _of_oslo_log() -> list[tuple[str | None, list[cfg.Opt]]]:
    # Registering the options in oslo.log itself would replace those of a
    # service in this process.
    name = 'oslo.log'
    manager: driver.DriverManager[Any]
    manager = driver.DriverManager('oslo.config.opts', name)
    found: list[tuple[str | None, list[cfg.Opt]]] = manager.driver()
    return found


def _parse_error(error: cfg.ConfigFileParseError) -> str:
    """Return the line number of an error; the line may hold a password."""
    cause = error.__context__
    if not isinstance(cause, cfg.ParseError):
        return f'{error.config_file}: it cannot be parsed'
    return f'{error.config_file}: line {cause.lineno}: {cause.msg}'


def _read_all(conf: cfg.ConfigOpts) -> None:
    # oslo.config checks a value when it is read. Read all now, so that a bad
    # one is reported at start and not at the first request.
    for group, opts in _known():
        of_group = conf if group is None else conf[group]
        for opt in opts:
            try:
                of_group[opt.dest]
            except (cfg.Error, ValueError) as error:
                raise ConfigError(
                    _value_error(conf, group or files.DEFAULT, opt, error)
                ) from None


def _value_error(
    conf: cfg.ConfigOpts, group: str, opt: cfg.Opt, error: Exception
) -> str:
    name = f'{", ".join(conf.config_file)}: [{group}] {opt.dest}'
    if not isinstance(error, ValueError):
        return f'{name}: a $ that is part of the value is written $$'
    # The message of the library may contain the value.
    if opt.secret:
        return f'{name}: its value does not fit'
    values = files.values(conf.config_file).get(group, {})
    text = values.get(opt.dest, values.get(opt.name, ''))
    return f'{name} = {text}: {_misfit(error)}'


def _misfit(error: Exception) -> str:
    """The reason in plain words; the library's own has those of Python."""
    cause = error.__context__ or error
    for start, words in _MISFITS.items():
        if str(cause).startswith(start):
            return words
    return str(cause)


# By the start of the library's message.
_MISFITS = {
    'invalid literal for int': 'is no whole number',
    'could not convert string to float': 'is no number',
    'Unexpected boolean value': 'is neither true nor false',
}
