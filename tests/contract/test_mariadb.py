"""The sql driver keeps the contract on MariaDB, and some more."""

from collections.abc import Iterator
import contextlib
from functools import partial
import pathlib
from typing import Any

import pytest
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.base import CredentialStore
from keymw.storage.sql import bulk
from keymw.storage.sql import migrate
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.database import Database
from tests.contract.credentials import credential
from tests.contract.sql_servers import SqlServerAccessListContract
from tests.contract.sql_servers import SqlServerApiKeysContract
from tests.contract.sql_servers import SqlServerContract
from tests.contract.sql_servers import SqlServerGlobalKeysContract
from tests.contract.sql_servers import SqlServerUsedNoncesContract
from tests.contract.sql_servers import differences
from tests.contract.sql_servers import emptied
from tests.contract.sql_servers import load
from tests.contract.sql_servers import soon
from tests.contract.sql_servers import sync_at_once
from tests.support.servers.mariadb import MariaDB

_CUT_OFF = (
    'DROP INDEX keymw_credential_name ON keymw_credential',
    'DROP TABLE keymw_credential',
    'DROP TABLE keymw_turn',
    'DROP INDEX keymw_api_key_state ON keymw_api_key',
    'DROP TABLE keymw_key_change, keymw_api_key',
    'DROP TABLE keymw_access_list, keymw_turn',
)


@pytest.fixture(scope='module')
def server() -> Iterator[MariaDB]:
    with MariaDB() as running:
        running.database()
        yield running


@pytest.fixture
def url(server: MariaDB) -> str:
    return emptied(server.url(server.name_of_database))


@pytest.fixture(
    params=[
        (1213, 'Deadlock found when trying to get lock'),
        (1205, 'Lock wait timeout exceeded'),
        (1020, 'Record has changed since last read in table'),
        (1047, 'WSREP has not yet prepared node for application use'),
    ],
    ids=lambda param: str(param[0]),
)
def passing(request: pytest.FixtureRequest) -> str:
    number, message = request.param
    return (
        f"SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = {number}, "
        f"MESSAGE_TEXT = '{message}'"
    )


class TestMariaDB(SqlServerContract):
    """The promises of every server."""


class TestGlobalKeysMariaDB(SqlServerGlobalKeysContract):
    """The same for global keys."""


class TestAccessListMariaDB(SqlServerAccessListContract):
    """The same for the access list."""


class TestApiKeysMariaDB(SqlServerApiKeysContract):
    """The same for API keys."""


class TestUsedNoncesMariaDB(SqlServerUsedNoncesContract):
    """The same for used nonces."""


def test_server_without_json_table_takes_many_keys(
    tmp_path: pathlib.Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB 10.5 and MySQL; neither is in the Debian of the tests."""
    monkeypatch.setattr(bulk, '_FIRST_JSON_TABLE', (99,))
    conf = load(tmp_path / 'keymw', url)
    migrate.sync(Database(conf))
    store = SqlCredentials(conf)
    SqlServerContract().test_put_all_of_many_is_put_of_each(store)


@pytest.mark.parametrize('charset', ['', 'charset=utf8', 'charset=gbk'])
def test_names_are_exact_whatever_the_charset_of_the_client(
    tmp_path: pathlib.Path, url: str, charset: str
) -> None:
    conf = load(tmp_path / 'keymw', url + charset)
    migrate.sync(Database(conf))
    store: CredentialStore = SqlCredentials(conf)
    for name in ('\U0001f511', 'Ωmega', "縗' OR 1=1 -- "):
        ann = credential(name, username=name, secret=b"\xbf' OR 1=1 -- ")
        store.put(ann)
        assert store.find('default', name) == store.get(name) == ann


@pytest.mark.parametrize('driver', ['mysql', 'mariadb', 'mariadb+pymysql'])
def test_driver_need_not_be_named(
    tmp_path: pathlib.Path, url: str, driver: str
) -> None:
    conf = load(tmp_path / 'keymw', url.replace('mysql+pymysql', driver))
    migrate.sync(Database(conf))
    SqlCredentials(conf).check()


def test_sync_goes_on_where_it_was_cut_off(
    tmp_path: pathlib.Path, url: str
) -> None:
    database = Database(load(tmp_path / 'keymw', url))
    migrate.sync(database)
    for rest in _CUT_OFF:
        database.change_schema(partial(_leave, rest))
        migrate.sync(database)
        assert database.read(differences) == []


def _leave(statement: str, connection: sa.Connection) -> None:
    connection.exec_driver_sql(statement)
    connection.exec_driver_sql('DELETE FROM keymw_version')


def test_sync_that_comes_second_leaves_one_version(
    tmp_path: pathlib.Path, server: MariaDB, url: str
) -> None:
    conf = load(tmp_path / 'keymw', url)
    migrate.sync(Database(conf))
    Database(conf).change_schema(_forget_version)
    with _before('INSERT INTO keymw_version', server, _WRITE_VERSION):
        assert sync_at_once([conf]) == [1]
    assert migrate.current(Database(conf)) == migrate.head()
    migrate.sync(Database(conf))


_WRITE_VERSION = f"INSERT INTO keymw.keymw_version VALUES ('{migrate.head()}')"


def _forget_version(connection: sa.Connection) -> None:
    connection.exec_driver_sql('DELETE FROM keymw_version')


@contextlib.contextmanager
def _before(beginning: str, server: MariaDB, statement: str) -> Iterator[None]:
    """Let another do a statement before each that begins so."""

    def listen(_on: Any, _cursor: Any, text: str, *_more: Any) -> None:
        if text.startswith(beginning):
            server.ask(statement)

    sa.event.listen(sa.Engine, 'before_cursor_execute', listen)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, 'before_cursor_execute', listen)


def test_server_that_hangs_is_an_outage(
    tmp_path: pathlib.Path, server: MariaDB, url: str
) -> None:
    conf = load(tmp_path / 'keymw', f'{url}read_timeout=1')
    migrate.sync(Database(conf))
    store = SqlCredentials(conf)
    store.put(credential('ann'))
    server.freeze()
    try:
        with soon(), pytest.raises(base.Outage):
            store.get('ann')
    finally:
        server.thaw()
    assert store.get('ann') == credential('ann')
