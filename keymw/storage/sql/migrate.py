"""Bring the database to the version this keymw needs."""

import pathlib

from alembic import command
from alembic import config
from alembic import script
from alembic.runtime import migration
import sqlalchemy as sa

from keymw.storage.sql import database

VERSION_TABLE = 'keymw_version'


def head() -> str:
    """The version that this keymw needs."""
    steps = script.ScriptDirectory.from_config(_config())
    return str(steps.get_current_head())


def current(db: database.Database) -> str | None:
    """The version a database is at, None when it was never set up.

    :raises Outage: the database cannot be reached.
    """
    with db.read() as connection:
        return migration.MigrationContext.configure(
            connection, opts={'version_table': VERSION_TABLE}
        ).get_current_revision()


def sync(db: database.Database) -> None:
    """Make every step from the present version to head().

    :raises Outage: the database cannot be reached or refuses a step.
    """
    with db.write() as connection:
        command.upgrade(_config(connection), 'head')


def _config(connection: sa.Connection | None = None) -> config.Config:
    made = config.Config()
    here = pathlib.Path(__file__).parent
    made.set_main_option('script_location', str(here / 'migrations'))
    made.attributes['connection'] = connection
    return made
