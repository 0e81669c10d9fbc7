"""The steps of the database come to the tables that the code uses."""

import contextlib
import pathlib
import sqlite3

from alembic import autogenerate
from alembic import script
from alembic.runtime import migration
import pytest
import sqlalchemy as sa

from keymw import conf
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql import migrations
from keymw.storage.sql import tables
from tests.support.deployment import Deployment


@pytest.fixture
def db(tmp_path: pathlib.Path) -> database.Database:
    made = Deployment(tmp_path / 'keymw')
    return database.Database(conf.load(str(made.conf_file)))


def differences(
    file: pathlib.Path, metadata: sa.MetaData
) -> list[tuple[object, ...]]:
    engine = sa.create_engine(f'sqlite:///{file}')
    with engine.connect() as connection:
        context = migration.MigrationContext.configure(
            connection,
            opts={
                'version_table': migrate.VERSION_TABLE,
                'compare_type': True,
            },
        )
        found = autogenerate.compare_metadata(context, metadata)
    engine.dispose()
    return list(found)


def test_never_set_up_has_no_version(db: database.Database) -> None:
    assert migrate.current(db) is None


def test_sync_makes_the_newest_version_and_may_be_repeated(
    db: database.Database,
) -> None:
    for _ in range(2):
        migrate.sync(db)
        assert migrate.current(db) == migrate.head()


def test_version_that_is_needed_is_the_last_step_of_alembic() -> None:
    steps = script.ScriptDirectory(str(migrations.__path__[0]))
    assert migrate.head() == steps.get_current_head()


def test_tables_are_those_of_the_code(
    db: database.Database, tmp_path: pathlib.Path
) -> None:
    migrate.sync(db)
    file = tmp_path / 'keymw' / 'keymw.db'
    assert differences(file, tables.METADATA) == []


def test_database_of_the_first_version_is_brought_on(
    db: database.Database, tmp_path: pathlib.Path
) -> None:
    migrate.sync(db)
    file = tmp_path / 'keymw' / 'keymw.db'
    row = ('ann', 'default', 'Ann', b'sealed', '2026-01-02', '2026-01-02')
    with contextlib.closing(sqlite3.connect(file)) as to, to:
        for table in set(tables.METADATA.tables) - {'keymw_credential'}:
            to.execute(f'DROP TABLE {table}')
        to.execute("UPDATE keymw_version SET version_num = '0001'")
        to.execute('INSERT INTO keymw_credential VALUES (?,?,?,?,?,?)', row)
    migrate.sync(db)
    assert migrate.current(db) == migrate.head()
    assert differences(file, tables.METADATA) == []
    with contextlib.closing(sqlite3.connect(file)) as to:
        assert to.execute('SELECT * FROM keymw_credential').fetchall() == [row]


def test_a_difference_would_be_seen(
    db: database.Database, tmp_path: pathlib.Path
) -> None:
    migrate.sync(db)
    other = sa.MetaData()
    for table in tables.METADATA.tables.values():
        table.to_metadata(other).append_column(sa.Column('new', sa.String(1)))
    found = differences(tmp_path / 'keymw' / 'keymw.db', other)
    assert [change[0] for change in found] == ['add_column'] * len(
        other.tables
    )


def test_every_table_is_named_as_ours() -> None:
    for name in (*tables.METADATA.tables, migrate.VERSION_TABLE):
        assert name.startswith('keymw_')
