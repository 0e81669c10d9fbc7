"""The sql drivers of all that is not a credential, on SQLite."""

from collections.abc import Callable
import dataclasses
from functools import partial
import pathlib
import sqlite3
from typing import Any

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.storage import base
from keymw.storage import load
from keymw.storage.api_keys import State
from tests.contract import api_keys
from tests.contract import global_keys
from tests.contract.access_list import AccessListOutageContract
from tests.contract.access_list import AccessListStoreContract
from tests.contract.api_keys import ApiKeyOutageContract
from tests.contract.api_keys import ApiKeyStoreContract
from tests.contract.global_keys import GlobalKeyOutageContract
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.contract.used_nonces import UsedNonceOutageContract
from tests.contract.used_nonces import UsedNonceStoreContract
from tests.support.deployment import Deployment

Load = Callable[[cfg.ConfigOpts], Any]


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """A configuration that says nothing of the drivers."""
    return Deployment(tmp_path / 'keymw')


@pytest.fixture
def loaded(made: Deployment) -> cfg.ConfigOpts:
    return conf.load(str(made.conf_file))


class _OnSqlite:
    """A store on SQLite, and one whose file cannot be opened."""

    load: Load

    @pytest.fixture
    def store(self, made: Deployment, loaded: cfg.ConfigOpts) -> Any:
        made.make_database()
        return self.load(loaded)

    @pytest.fixture
    def unreachable(self, made: Deployment, loaded: cfg.ConfigOpts) -> Any:
        (made.home / 'keymw.db').mkdir()
        return self.load(loaded)


class TestGlobalKeysSqlite(
    _OnSqlite, GlobalKeyStoreContract, GlobalKeyOutageContract
):
    load = staticmethod(load.global_keys)


class TestAccessListSqlite(
    _OnSqlite, AccessListStoreContract, AccessListOutageContract
):
    load = staticmethod(load.access_list)


class TestApiKeysSqlite(_OnSqlite, ApiKeyStoreContract, ApiKeyOutageContract):
    load = staticmethod(load.api_keys)


class TestUsedNoncesSqlite(
    _OnSqlite, UsedNonceStoreContract, UsedNonceOutageContract
):
    load = staticmethod(load.used_nonces)


@pytest.mark.parametrize(
    'load_store',
    [load.global_keys, load.access_list, load.api_keys, load.used_nonces],
)
def test_database_that_was_never_set_up_says_what_to_do(
    loaded: cfg.ConfigOpts, load_store: Load
) -> None:
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        load_store(loaded).check()


def test_what_a_dropped_key_seals_is_refused_and_the_rest_is_not(
    made: Deployment, loaded: cfg.ConfigOpts
) -> None:
    made.make_database()
    store, key = load.global_keys(loaded), global_keys.key
    store.add(key('one', ha1=b'gone of old'))
    load.credentials(loaded).retire(b'gone')
    for call in (
        partial(store.add, key('two', ha1=b'gone and new')),
        partial(store.reseal, 'one', b'gone of old', b'gone and new'),
        partial(
            store.update, 'one', partial(dataclasses.replace, ha1=b'gone now')
        ),
    ):
        with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
            call()
    assert store.page(0, 9) == [key('one', ha1=b'gone of old')]
    assert store.update('one', partial(dataclasses.replace, description='x'))
    assert store.reseal('one', b'gone of old', b'here and new')
    store.add(key('two', ha1=b'here and new'))


def test_what_a_dropped_key_seals_of_api_keys_is_refused(
    made: Deployment, loaded: cfg.ConfigOpts
) -> None:
    made.make_database()
    store = load.api_keys(loaded)
    one = api_keys.key('one', secret=b'gone of old')
    store.add(one)
    load.credentials(loaded).retire(b'gone')
    new = dataclasses.replace(one, seal=b'gone and new')
    for call in (
        partial(store.add, api_keys.key('two', seal=b'gone and new')),
        partial(store.swap, one, new),
    ):
        with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
            call()
    assert store.swap(one, dataclasses.replace(one, seal=b'here and new'))


@pytest.mark.parametrize(
    ('column', 'value'),
    [
        ('state', 'x'),
        ('roles', '{'),
        ('allowed_cidrs', '['),
        ('unrestricted', 5),
        ('previous_expires_at', None),
    ],
)
def test_row_that_was_changed_does_not_hide_the_others(
    made: Deployment, loaded: cfg.ConfigOpts, column: str, value: object
) -> None:
    made.make_database()
    store = load.api_keys(loaded)
    store.add(api_keys.key('one'))
    store.add(api_keys.key('two'))
    with sqlite3.connect(made.home / 'keymw.db') as file:
        file.execute(
            f"UPDATE keymw_api_key SET {column} = ? WHERE id = 'one'", [value]
        )
    row = store.get('one')
    assert row is not None
    assert row.state in (State.PENDING, State.COMPLETE)
    assert row.allowed_cidrs is not None
    assert 'two' in [row.id for row in store.page('', 10)]
