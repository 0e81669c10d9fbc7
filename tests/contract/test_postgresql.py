"""The sql driver keeps the contract on PostgreSQL, and some more."""

from collections.abc import Iterator
import pathlib

import pytest

from keymw.storage.base import CredentialStore
from keymw.storage.sql import migrate
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.database import Database
from tests.contract.credentials import credential
from tests.contract.sql_servers import SqlServerAccessListContract
from tests.contract.sql_servers import SqlServerContract
from tests.contract.sql_servers import SqlServerGlobalKeysContract
from tests.contract.sql_servers import load
from tests.servers.postgresql import PostgreSQL


@pytest.fixture(scope='module')
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


@pytest.fixture
def url(server: PostgreSQL) -> str:
    return server.url(server.database())


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
