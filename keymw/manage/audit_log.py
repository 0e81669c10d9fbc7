"""Sends the audit lines of this program to the log of the service."""

import logging
import os
from urllib.parse import quote

from oslo_config import cfg
from paste import deploy

from keymw import conf as configuration
from keymw.conf import files
from keymw.manage import users
from keymw.observe import audit
from keymw.observe import logs

# Each of these options sets where a process logs.
_PLACES = {
    *('log_config_append', 'log_dir', 'log_file'),
    *('use_journal', 'use_syslog'),
}


def start(conf: cfg.ConfigOpts, console: logging.Handler) -> None:
    """Log to the place set in keymw.conf, else to that of Keystone.

    The latter is from keystone.conf, found by keymw-paste.ini beside
    keymw.conf. Without either, the console gets the audit lines and nothing
    else.

    :raises ConfigError: the place cannot be used.
    """
    found = place(conf)
    audit.LOG.setLevel(logging.INFO)
    has_handler = found or console in logging.getLogger().handlers
    audit.LOG.handlers = [] if has_handler else [console]
    if found:
        _log_to(found)


def place(conf: cfg.ConfigOpts) -> list[str]:
    """Return the files that set the log of the service; [] if unknown."""
    if _PLACES & set(configuration.log_options(conf)):
        return list(conf.config_file)
    of_keystone = _keystone_conf(os.path.dirname(conf.config_file[0]))
    return [of_keystone] if of_keystone else []


def file(config_files: list[str]) -> str:
    """Return the file or the directory of the log, or an empty text."""
    options = logs.read(config_files)
    return os.path.join(options.log_dir or '', options.log_file or '')


def _keystone_conf(directory: str) -> str | None:
    """Return the keystone.conf of the ini in a directory, if it sets a log."""
    ini = os.path.abspath(os.path.join(directory, 'keymw-paste.ini'))
    try:
        options = deploy.appconfig(f'config:{quote(ini)}', name='keystone')
        values = files.values([options['config_file']])
    except (OSError, LookupError, ValueError, cfg.ParseError):
        return None
    names = {n.replace('-', '_') for n in values.get(files.DEFAULT, {})}
    return options['config_file'] if names & _PLACES else None


def _log_to(config_files: list[str]) -> None:
    written = file(config_files)
    if written:
        users.check_may_make('[DEFAULT] log_file', written)
    others = logging.getLogger().handlers[:]
    logs.set_up(logs.read(config_files))
    for handler in others:
        logging.getLogger().addHandler(handler)
