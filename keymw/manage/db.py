"""db: the schema of the database."""

import argparse
import contextlib
import os
import pathlib

from alembic.util import CommandError
from cliff import command
from cliff import show
from oslo_config import cfg
import sqlalchemy as sa

from keymw import conf as configuration
from keymw.conf import ConfigError
from keymw.storage.base import Outage
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database


class Sync(command.Command):
    """Bring the database to the version that this keymw needs.

    An SQLite file is made where there is none. Nothing happens to a database
    that is at this version.
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        _make_sqlite_file(conf)
        try:
            migrate.sync(Database(conf))
        except CommandError as error:
            raise ConfigError(
                f'[database] connection: {error}: was it made by a newer '
                'keymw?'
            ) from None
        print(
            f'The database is at version {migrate.head()}.',
            file=self.app.stdout,
        )


class Version(show.ShowOne):
    """Show the version of the database, and the one that keymw needs.

    The exit code is 1 when they differ.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[str | None, str]]:
        conf = configuration.load(self.app.options.config_file)
        self._found = present(conf), migrate.head()
        return ('Present', 'Needed'), self._found

    def run(self, parsed_args: argparse.Namespace) -> int:
        super().run(parsed_args)
        return int(len(set(self._found)) > 1)


def present(conf: cfg.ConfigOpts) -> str | None:
    """The version of the database, None where it was never set up.

    :raises Outage: the database cannot be reached.
    """
    file = sqlite_file(conf)
    if file is not None and not file.exists():
        return None
    return migrate.current(Database(conf))


def check_file(conf: cfg.ConfigOpts) -> None:
    """Refuse a database whose SQLite file is not there: to ask would make it.

    :raises Outage: it is not; the message says what to do.
    """
    file = sqlite_file(conf)
    if file is not None and not file.exists():
        raise Outage(
            f'[database] connection: there is no file {file}: run '
            '"keymw-manage db sync"'
        )


def sqlite_file(conf: cfg.ConfigOpts) -> pathlib.Path | None:
    """The file of an SQLite database, None for any other database.

    :raises ConfigError: [database] connection is no URL.
    """
    url = connection_url(conf)
    in_memory = url.database in (None, '', ':memory:')
    if in_memory or url.get_backend_name() != 'sqlite':
        return None
    return pathlib.Path(str(url.database))


def connection_url(conf: cfg.ConfigOpts) -> sa.URL:
    """Where the database is.

    :raises ConfigError: [database] connection is no URL.
    """
    try:
        return sa.make_url(conf.database.connection)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(
            '[database] connection: it is no URL such as '
            'sqlite:////var/lib/keymw/keymw.db'
        ) from None


def _make_sqlite_file(conf: cfg.ConfigOpts) -> None:
    file = sqlite_file(conf)
    if file is None:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, flags, 0o600))
    except OSError as error:
        raise ConfigError(
            f'[database] connection: {file} cannot be made: {error.strerror}'
        ) from None
