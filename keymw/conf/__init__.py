"""keymw's own configuration: one file per option group."""

from collections.abc import Iterable

from oslo_config import cfg

from keymw.conf import database
from keymw.conf import global_keys
from keymw.conf import identity
from keymw.conf import kskey
from keymw.conf import ldap
from keymw.conf import limits
from keymw.conf import storage
from keymw.conf import vault

GROUPS = (
    database,
    global_keys,
    identity,
    kskey,
    ldap,
    limits,
    storage,
    vault,
)


class ConfigError(Exception):
    """keymw cannot start: one line that names the option and what to do."""


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo-config-generator."""
    return [(group.GROUP, list(group.OPTS)) for group in GROUPS]


def load(config_file: str) -> cfg.ConfigOpts:
    """Read a file into a ConfigOpts of our own, never the global CONF.

    :raises ConfigError: the file cannot be read or a value does not fit.
    """
    conf = cfg.ConfigOpts()
    for group, opts in list_opts():
        conf.register_opts(opts, group=group)
    try:
        conf(
            args=[],
            project='keymw',
            default_config_files=[config_file],
            default_config_dirs=[],
        )
        _read_all(conf, list_opts())
    except (cfg.Error, OSError, ValueError) as error:
        raise ConfigError(f'{config_file}: {error}') from None
    return conf


def _read_all(
    conf: cfg.ConfigOpts, groups: Iterable[tuple[str, list[cfg.Opt]]]
) -> None:
    # oslo.config checks a value when it is read: read each one now, so that
    # a bad one is told at start and not by the first request.
    for group, opts in groups:
        for opt in opts:
            conf[group][opt.dest]
