"""db: the schema of the database."""

import argparse
from collections.abc import Callable
import contextlib
import os
import pathlib
from typing import Protocol
from typing import TypeVar

from cliff import command
from cliff import show
from oslo_config import cfg
import sqlalchemy as sa

from keymw import vault
from keymw.conf import ConfigError
from keymw.manage import own_files
from keymw.manage import row_seals
from keymw.manage import session
from keymw.manage import users
from keymw.storage.base import Outage
from keymw.storage.sql import engine
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database


class Sync(command.Command):
    """Upgrade the database to the version that this keymw needs.

    A missing SQLite file is made. A database of this version is not changed.
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        conf = session.of(self.app).conf
        _make_sqlite_file(conf)
        former = present(conf)
        with session.of(self.app).operation('db:sync', migrate.head()):
            migrate.check_known(former)
            migrate.sync(Database(conf))
        bound = _bind_former_rows(conf, former)
        print(
            f'The database is at version {migrate.head()}.'
            f'{users.note() if sqlite_file(conf) else ""}{bound}',
            file=self.app.stdout,
        )


class Version(show.ShowOne):
    """Show the version of the database and the one that keymw needs.

    The exit code is 1 if they differ.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[str | None, str]]:
        conf = session.of(self.app).conf
        self._found = present(conf), migrate.head()
        return ('Present', 'Needed'), self._found

    def run(self, parsed_args: argparse.Namespace) -> int:
        super().run(parsed_args)
        return int(len(set(self._found)) > 1)


# The first schema versions with global keys and with seals of their rows.
_GLOBAL_KEYS, _BOUND = '0002', '0004'


def _bind_former_rows(conf: cfg.ConfigOpts, former: str | None) -> str:
    """Seal the rows of an older keymw; return a sentence about them."""
    if former is None or not _GLOBAL_KEYS <= former < _BOUND:
        return ''
    if conf.storage.global_keys != 'sql':
        return ''
    try:
        keys = vault.load(conf.vault.key_repository)
    except ConfigError as error:
        return (
            ' Global keys that are there are refused until "keymw-manage '
            f'vault migrate --bind" has run: {error}.'
        )
    found = row_seals.bind(conf, keys, unsealed_only=True)
    return f' Rows bound to the vault: {found}.' if found else ''


def present(conf: cfg.ConfigOpts) -> str | None:
    """Return the schema version of the database; None without a schema.

    :raises Outage: the database cannot be reached.
    """
    file = sqlite_file(conf)
    if file is not None and not file.exists():
        return None
    return migrate.current(Database(conf))


class Store(Protocol):
    """A store of any family."""

    def check(self) -> None:
        """Return if the store can serve."""


T = TypeVar('T', bound=Store)


def ready(
    conf: cfg.ConfigOpts, option: str, load: Callable[[cfg.ConfigOpts], T]
) -> T:
    """Return the store that an option of [storage] names, ready to serve.

    :raises Outage: it cannot serve; the message says what to do.
    """
    if conf.storage[option] == 'sql':
        check_file(conf)
    found = load(conf)
    found.check()
    return found


def check_file(conf: cfg.ConfigOpts) -> None:
    """Check that the SQLite file exists; connecting would make it.

    :raises Outage: it does not; the message says what to do.
    """
    file = sqlite_file(conf)
    if file is not None and not file.exists():
        raise Outage(
            f'[database] connection: there is no file {file}: run '
            '"keymw-manage db sync"'
        )


def sqlite_file(conf: cfg.ConfigOpts) -> pathlib.Path | None:
    """Return the file of an SQLite database; None for any other database.

    :raises ConfigError: [database] connection is no URL.
    """
    url = connection_url(conf)
    in_memory = url.database in (None, '', ':memory:')
    if in_memory or url.get_backend_name() != 'sqlite':
        return None
    return pathlib.Path(str(url.database))


def connection_url(conf: cfg.ConfigOpts) -> sa.URL:
    """Return the URL of the database.

    :raises ConfigError: [database] connection is no URL.
    """
    return engine.parse(conf.database.connection)


def _make_sqlite_file(conf: cfg.ConfigOpts) -> None:
    file = sqlite_file(conf)
    if file is None or file.exists():
        return
    if file.is_symlink():
        # SQLite would make the target of the link, readable by others.
        raise ConfigError(
            f'[database] connection: {file} is a link to nothing: remove it'
        )
    users.check_may_make('[database] connection', file)
    try:
        with contextlib.suppress(FileExistsError):
            os.close(own_files.create(file))
    except OSError as error:
        raise ConfigError(
            f'[database] connection: {file} cannot be made: {error.strerror}'
        ) from None
