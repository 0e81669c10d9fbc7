"""The sql driver keeps the contract on a Galera cluster, and some more."""

from collections.abc import Iterator
from collections.abc import Sequence
import itertools
import pathlib
from typing import Any

from oslo_config import cfg
import pytest
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.base import CredentialStore
from keymw.storage.sql import migrate
from keymw.storage.sql.access_list import SqlAccessList
from keymw.storage.sql.api_keys import SqlApiKeys
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.database import Database
from keymw.storage.sql.global_keys import SqlGlobalKeys
from keymw.storage.sql.used_nonces import SqlUsedNonces
from tests.contract.access_list import AccessListStoreContract
from tests.contract.api_keys import ApiKeyStoreContract
from tests.contract.credentials import CredentialStoreContract
from tests.contract.credentials import credential
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.contract.sql_servers import Writer
from tests.contract.sql_servers import differences
from tests.contract.sql_servers import drop_everything
from tests.contract.sql_servers import emptied
from tests.contract.sql_servers import load
from tests.contract.sql_servers import soon
from tests.contract.sql_servers import sync_at_once
from tests.contract.used_nonces import UsedNonceStoreContract
from tests.support.servers import until
from tests.support.servers.galera import Galera


@pytest.fixture(scope='module')
def galera() -> Iterator[Galera]:
    with Galera() as running:
        running.nodes[0].database()
        yield running


@pytest.fixture
def conf(tmp_path: pathlib.Path, galera: Galera) -> cfg.ConfigOpts:
    """keymw on whichever node serves, its schema made."""
    first = galera.nodes[0]
    emptied(first.url(first.name_of_database))
    found = load(
        tmp_path / 'keymw',
        galera.url(first.name_of_database),
        mysql_wsrep_sync_wait='7',
    )
    migrate.sync(Database(found))
    return found


@pytest.fixture
def confs(
    tmp_path: pathlib.Path, galera: Galera, conf: cfg.ConfigOpts
) -> list[cfg.ConfigOpts]:
    """A keymw on each node."""
    database = str(sa.make_url(conf.database.connection).database)
    return [
        load(
            tmp_path / f'keymw-{number}',
            node.url(database),
            mysql_wsrep_sync_wait='7',
        )
        for number, node in enumerate(galera.nodes)
    ]


@pytest.fixture
def stores(confs: list[cfg.ConfigOpts]) -> list[CredentialStore]:
    """The credentials, through each node."""
    return [SqlCredentials(conf) for conf in confs]


class InTurn:
    """Calls one store after the other, as many keymw do."""

    def __init__(self, stores: Sequence[Any]) -> None:
        self._stores = itertools.cycle(stores)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._stores), name)


class TestGaleraEachNode(CredentialStoreContract):
    """The promises, through another node with every call."""

    @pytest.fixture
    def store(self, stores: list[CredentialStore]) -> Any:
        return InTurn(stores)


class TestGlobalKeysGaleraEachNode(GlobalKeyStoreContract):
    """The same for global keys."""

    @pytest.fixture
    def store(self, confs: list[cfg.ConfigOpts]) -> Any:
        return InTurn([SqlGlobalKeys(conf) for conf in confs])


class TestAccessListGaleraEachNode(AccessListStoreContract):
    """The same for the access list."""

    @pytest.fixture
    def store(self, confs: list[cfg.ConfigOpts]) -> Any:
        return InTurn([SqlAccessList(conf) for conf in confs])


class TestApiKeysGaleraEachNode(ApiKeyStoreContract):
    """The same for API keys; each call goes to the next node."""

    @pytest.fixture
    def store(self, confs: list[cfg.ConfigOpts]) -> Any:
        return InTurn([SqlApiKeys(conf) for conf in confs])


class TestUsedNoncesGaleraEachNode(UsedNonceStoreContract):
    """The same for used nonces."""

    @pytest.fixture
    def store(self, confs: list[cfg.ConfigOpts]) -> Any:
        return InTurn([SqlUsedNonces(conf) for conf in confs])


def test_killed_node_loses_nothing_and_another_is_asked(
    galera: Galera, conf: cfg.ConfigOpts, stores: list[CredentialStore]
) -> None:
    first, *others = galera.nodes
    writer = Writer(SqlCredentials(conf))
    with writer.writing():
        writer.wait_for(20)
        first.kill()
        writer.wait_for(20)
    assert writer.outages <= 1
    for store in stores[1:]:
        assert ids(store) >= set(writer.acknowledged)
    with pytest.raises(base.Outage):
        stores[0].get('ann')
    first.start()
    assert ids(stores[0]) == ids(stores[1]) >= set(writer.acknowledged)
    assert [node.state() for node in others] == ['Synced'] * 2


def test_node_out_of_sync_is_passed_over(
    galera: Galera, conf: cfg.ConfigOpts
) -> None:
    first = galera.nodes[0]
    first.ask('SET GLOBAL wsrep_desync = ON')
    try:
        until(lambda: first.state() != 'Synced')
        port = Database(conf).read(_port)
        assert port == galera.nodes[1].port
    finally:
        first.ask('SET GLOBAL wsrep_desync = OFF')
    until(lambda: first.state() == 'Synced')
    assert Database(conf).read(_port) == first.port


def test_nodes_without_a_majority_are_an_outage(
    galera: Galera, conf: cfg.ConfigOpts, stores: list[CredentialStore]
) -> None:
    *lost, left = galera.nodes
    store = SqlCredentials(conf)
    store.put(credential('ann'))
    for node in lost:
        node.kill()
    until(lambda: left.state() != 'Synced')
    for alone in (store, stores[2]):
        with soon(), pytest.raises(base.Outage):
            alone.put(credential('bob'))
        with soon(), pytest.raises(base.Outage):
            alone.get('ann')
    for node in lost:
        node.launch()
    for node in lost:
        node.wait()
    assert store.page('', 10) == [credential('ann')]


def test_sync_through_all_nodes_at_once_breaks_nothing(
    galera: Galera, conf: cfg.ConfigOpts, tmp_path: pathlib.Path
) -> None:
    Database(conf).change_schema(drop_everything)
    sync_at_once(
        [
            load(tmp_path / f'{node.port}', node.url('keymw'))
            for node in galera.nodes
        ]
    )
    # No lock holds on two nodes: who came second may have failed.
    migrate.sync(Database(conf))
    SqlCredentials(conf).check()
    assert Database(conf).read(differences) == []


def ids(store: CredentialStore) -> set[str]:
    return {row.user_id for row in store.page('', 100_000)}


def _port(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql('SELECT @@port').scalar_one())
