"""Checks of the storage of API keys."""

import os

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.manage import credential
from keymw.manage import db
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped
from keymw.manage.doctor.check import mode


def _file(at: Installation) -> str:
    """Whether the SQLite file exists, is private and can be written."""
    file = db.sqlite_file(at.conf)
    if file is None or 'sql' not in _drivers(at.conf):
        raise Skipped('nothing is kept in one')
    db.check_file(at.conf)
    if mode(file) & 0o007:
        raise ConfigError(
            f'[database] connection: {file} is open to other users (mode '
            f'{mode(file):04o}): chmod 0600 it'
        )
    if not all(os.access(path, os.W_OK) for path in (file, file.parent)):
        raise ConfigError(
            f'[database] connection: this user may not write {file} and in '
            'its directory: run as the user that runs keymw, or change the '
            'owner'
        )
    return str(file)


def _drivers(conf: cfg.ConfigOpts) -> list[str]:
    if not conf.global_keys.enabled:
        return [conf.storage.credentials]
    return [conf.storage.credentials, conf.storage.global_keys]


def _store(at: Installation) -> str:
    # A directory reads all keys for this, within its limits.
    credential.store(at.conf).page('', 1)
    return f'driver "{at.conf.storage.credentials}" serves'


CHECKS = (
    Check('SQLite file', _file),
    Check('credentials', _store),
)
