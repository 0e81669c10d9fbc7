"""The sql driver keeps the contract of API keys on SQLite."""

import dataclasses
import pathlib
import sqlite3

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.storage import base
from keymw.storage import load
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import State
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.contract.api_keys import ApiKeyOutageContract
from tests.contract.api_keys import ApiKeyStoreContract
from tests.contract.api_keys import key
from tests.support.deployment import Deployment


@pytest.fixture
def loaded(tmp_path: pathlib.Path) -> cfg.ConfigOpts:
    """A configuration that says nothing of the driver."""
    return conf.load(str(Deployment(tmp_path / 'keymw').conf_file))


@pytest.fixture
def store(loaded: cfg.ConfigOpts) -> ApiKeyStore:
    migrate.sync(Database(loaded))
    return load.api_keys(loaded)


class TestApiKeysSqlite(ApiKeyStoreContract, ApiKeyOutageContract):
    @pytest.fixture
    def unreachable(
        self, loaded: cfg.ConfigOpts, tmp_path: pathlib.Path
    ) -> ApiKeyStore:
        (tmp_path / 'keymw' / 'keymw.db').mkdir()
        return load.api_keys(loaded)


def test_database_that_was_never_set_up_says_what_to_do(
    loaded: cfg.ConfigOpts,
) -> None:
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        load.api_keys(loaded).check()


def test_what_a_dropped_key_seals_is_refused_and_the_rest_is_not(
    loaded: cfg.ConfigOpts, store: ApiKeyStore
) -> None:
    one = key('one', secret=b'gone of old')
    store.add(one)
    load.credentials(loaded).retire(b'gone')
    with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
        store.add(key('two', seal=b'gone and new'))
    with pytest.raises(base.Outage, match=r'\[vault\] key_repository'):
        store.swap(one, dataclasses.replace(one, seal=b'gone and new'))
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
    tmp_path: pathlib.Path, store: ApiKeyStore, column: str, value: object
) -> None:
    store.add(key('one'))
    store.add(key('two'))
    with sqlite3.connect(tmp_path / 'keymw' / 'keymw.db') as file:
        file.execute(
            f"UPDATE keymw_api_key SET {column} = ? WHERE id = 'one'", [value]
        )
    row = store.get('one')
    assert row is not None
    assert row.state in (State.PENDING, State.COMPLETE)
    assert row.allowed_cidrs is not None
    assert 'two' in [row.id for row in store.page('', 10)]
