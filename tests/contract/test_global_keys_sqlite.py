"""The sql driver keeps the contract of global keys on SQLite."""

import dataclasses
from functools import partial
import pathlib

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.storage import base
from keymw.storage import load
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.contract.global_keys import GlobalKeyOutageContract
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.contract.global_keys import key
from tests.support.deployment import Deployment


@pytest.fixture
def loaded(tmp_path: pathlib.Path) -> cfg.ConfigOpts:
    """A configuration that says nothing of the driver."""
    return conf.load(str(Deployment(tmp_path / 'keymw').conf_file))


class TestGlobalKeysSqlite(GlobalKeyStoreContract, GlobalKeyOutageContract):
    @pytest.fixture
    def store(self, loaded: cfg.ConfigOpts) -> GlobalKeyStore:
        migrate.sync(Database(loaded))
        return load.global_keys(loaded)

    @pytest.fixture
    def unreachable(
        self, loaded: cfg.ConfigOpts, tmp_path: pathlib.Path
    ) -> GlobalKeyStore:
        (tmp_path / 'keymw' / 'keymw.db').mkdir()
        return load.global_keys(loaded)


def test_database_that_was_never_set_up_says_what_to_do(
    loaded: cfg.ConfigOpts,
) -> None:
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        load.global_keys(loaded).check()


def test_what_a_dropped_key_seals_is_refused_and_the_rest_is_not(
    loaded: cfg.ConfigOpts,
) -> None:
    migrate.sync(Database(loaded))
    store = load.global_keys(loaded)
    store.add(key('one', ha1=b'gone of old'))
    load.credentials(loaded).retire(b'gone')
    with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
        store.add(key('two', ha1=b'gone and new'))
    with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
        store.reseal('one', b'gone of old', b'gone and new')
    with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
        store.update('one', partial(dataclasses.replace, ha1=b'gone again'))
    assert store.page(0, 9) == [key('one', ha1=b'gone of old')]
    assert store.update('one', partial(dataclasses.replace, description='x'))
    assert store.reseal('one', b'gone of old', b'here and new')
    store.add(key('two', ha1=b'here and new'))
