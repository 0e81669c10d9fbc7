"""Upgrade the database schema to the version of this keymw.

Alembic is imported by sync() alone: its import logs several lines at INFO,
and takes time that each worker would pay.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import database

if TYPE_CHECKING:
    from alembic import config

VERSION_TABLE = 'keymw_version'
_VERSION = sa.table(VERSION_TABLE, sa.column('version_num'))
_MIGRATIONS = pathlib.Path(__file__).parent / 'migrations'
# Held until the connection is closed. SQLite has one writer at a time anyway.
_LOCKS = {
    'mysql': "SELECT GET_LOCK('keymw db sync', 31536000)",
    'postgresql': 'SELECT pg_advisory_lock(7238123)',
}


def head() -> str:
    """Return the schema version that this keymw needs."""
    return max(_known())


def _known() -> set[str]:
    """Return all versions; the file name of each migration starts with one."""
    steps = (_MIGRATIONS / 'versions').glob('[0-9]*.py')
    return {step.name.partition('_')[0] for step in steps}


def current(db: database.Database) -> str | None:
    """Return the schema version of a database; None without a schema.

    :raises Outage: the database cannot be reached.
    """
    return db.read(_current)


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(sa.select(_VERSION))
    return found


class NotSynced(base.Outage):
    """The database has no schema, or one of an older keymw."""


def check(db: database.Database) -> None:
    """Return if a database has the schema version of this keymw.

    :raises NotSynced: it has none, or an older one.
    :raises Outage: it has a newer one, or cannot be reached.
    """
    at, needed = current(db), head()
    check_known(at)
    if at != needed:
        raise NotSynced(
            f'[database] connection: the schema is at {at or "nothing"} '
            f'and keymw needs {needed}: run "keymw-manage db sync"'
        )


def check_known(version: str | None) -> None:
    """Return if this keymw knows a schema version; None: there is no schema.

    :raises Outage: it is that of a newer keymw.
    """
    if version is not None and version not in _known():
        raise base.Outage(
            f'[database] connection: the schema is at {version}, which is '
            'newer than this keymw: upgrade keymw'
        )


def sync(db: database.Database) -> None:
    """Run every migration from the present version to head().

    Of two processes that run it at the same time one waits for the other.

    :raises Outage: the database cannot be reached or refuses a migration.
    """
    db.change_schema(_sync)


def _sync(connection: sa.Connection) -> None:
    from alembic import command

    lock = _LOCKS.get(connection.dialect.name)
    if lock is not None:
        connection.exec_driver_sql(lock)
    command.upgrade(_config(connection), 'head')


def _config(connection: sa.Connection) -> config.Config:
    from alembic import config

    made = config.Config()
    made.set_main_option('script_location', str(_MIGRATIONS))
    made.attributes['connection'] = connection
    return made
