"""Bring the database to the version this keymw needs."""

import pathlib

from alembic import command
from alembic import config
from alembic import script
from alembic.runtime import migration
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import database

VERSION_TABLE = 'keymw_version'
# Until the connection is closed; SQLite has one writer at a time anyway.
_LOCKS = {
    'mysql': "SELECT GET_LOCK('keymw db sync', 31536000)",
    'postgresql': 'SELECT pg_advisory_lock(7238123)',
}


def head() -> str:
    """The version that this keymw needs."""
    steps = script.ScriptDirectory.from_config(_config())
    return str(steps.get_current_head())


def current(db: database.Database) -> str | None:
    """The version a database is at, None when it was never set up.

    :raises Outage: the database cannot be reached.
    """
    return db.read(_current)


def _current(connection: sa.Connection) -> str | None:
    return migration.MigrationContext.configure(
        connection, opts={'version_table': VERSION_TABLE}
    ).get_current_revision()


def check(db: database.Database) -> None:
    """Answer when a database is at the version that this keymw needs.

    :raises Outage: it is not, or cannot be reached.
    """
    at, needed = current(db), head()
    if at != needed:
        raise base.Outage(
            f'[database] connection: the schema is at {at or "nothing"} '
            f'and keymw needs {needed}: run "keymw-manage db sync"'
        )


def sync(db: database.Database) -> None:
    """Make every step from the present version to head().

    Of two processes that do it at the same time one waits for the other.

    :raises Outage: the database cannot be reached or refuses a step.
    """
    db.change_schema(_sync)


def _sync(connection: sa.Connection) -> None:
    lock = _LOCKS.get(connection.dialect.name)
    if lock is not None:
        connection.exec_driver_sql(lock)
    command.upgrade(_config(connection), 'head')


def _config(connection: sa.Connection | None = None) -> config.Config:
    made = config.Config()
    here = pathlib.Path(__file__).parent
    made.set_main_option('script_location', str(here / 'migrations'))
    made.attributes['connection'] = connection
    return made
