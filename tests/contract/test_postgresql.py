"""The sql driver keeps the contract on PostgreSQL, and some more."""

from collections.abc import Iterator
import pathlib

import pytest
import sqlalchemy as sa

from keymw.storage.base import CredentialStore
from keymw.storage.sql import migrate
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.database import Database
from tests.contract.credentials import credential
from tests.contract.sql_servers import SqlServerAccessListContract
from tests.contract.sql_servers import SqlServerApiKeysContract
from tests.contract.sql_servers import SqlServerContract
from tests.contract.sql_servers import SqlServerGlobalKeysContract
from tests.contract.sql_servers import SqlServerUsedNoncesContract
from tests.contract.sql_servers import emptied
from tests.contract.sql_servers import load
from tests.support.servers import until
from tests.support.servers.postgresql import PostgreSQL


@pytest.fixture(scope='module')
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        running.database()
        yield running


@pytest.fixture
def url(server: PostgreSQL) -> str:
    return emptied(server.url(server.name_of_database))


@pytest.fixture(params=['40001', '40P01', 'killed'])
def passing(request: pytest.FixtureRequest) -> str:
    if request.param == 'killed':
        return 'SELECT pg_terminate_backend(pg_backend_pid())'
    message = 'deadlock detected' if request.param == '40P01' else ''
    return (
        f"DO $$ BEGIN RAISE SQLSTATE '{request.param}' "
        f"USING MESSAGE = '{message}'; END $$"
    )


class TestPostgreSQL(SqlServerContract):
    """The promises of every server."""


class TestGlobalKeysPostgreSQL(SqlServerGlobalKeysContract):
    """The same for global keys."""


class TestAccessListPostgreSQL(SqlServerAccessListContract):
    """The same for the access list."""


class TestApiKeysPostgreSQL(SqlServerApiKeysContract):
    """The same for API keys."""


class TestUsedNoncesPostgreSQL(SqlServerUsedNoncesContract):
    """The same for used nonces."""


def test_names_are_exact_whatever_the_encoding_of_the_client(
    tmp_path: pathlib.Path, url: str
) -> None:
    conf = load(tmp_path / 'keymw', f'{url}client_encoding=latin1')
    migrate.sync(Database(conf))
    store: CredentialStore = SqlCredentials(conf)
    ann = credential('\U0001f511', username='Ωmega')
    store.put(ann)
    assert store.find('default', 'Ωmega') == ann


def test_driver_need_not_be_named(tmp_path: pathlib.Path, url: str) -> None:
    conf = load(tmp_path / 'keymw', url.replace('+psycopg', ''))
    migrate.sync(Database(conf))
    SqlCredentials(conf).check()


def test_plan_for_a_small_table_is_not_kept_while_it_grows(
    tmp_path: pathlib.Path, url: str
) -> None:
    conf = load(tmp_path / 'keymw', url)
    database = Database(conf)
    migrate.sync(database)
    store = SqlCredentials(conf)
    store.put_all([credential(f'{n}') for n in range(48)])
    database.write(lambda on: on.exec_driver_sql('ANALYZE'))
    before = database.read(_scans)
    store.put_all([credential(f'new {n}') for n in range(500)])
    until(lambda: database.read(_updates) > 500)
    assert database.read(_scans) - before < 10


def _scans(connection: sa.Connection) -> int:
    return _told(connection, 'seq_scan')


def _updates(connection: sa.Connection) -> int:
    return _told(connection, 'n_tup_ins')


def _told(connection: sa.Connection, column: str) -> int:
    found = connection.exec_driver_sql(
        f'SELECT {column} FROM pg_stat_user_tables '
        "WHERE relname = 'keymw_credential'"
    )
    return int(found.scalar_one())
