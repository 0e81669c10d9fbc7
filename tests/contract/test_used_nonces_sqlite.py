"""The sql driver keeps the contract of used nonces on SQLite."""

import pathlib

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage import base
from keymw.storage import load
from keymw.storage.global_keys import UsedNonceStore
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.contract.used_nonces import UsedNonceOutageContract
from tests.contract.used_nonces import UsedNonceStoreContract
from tests.support.deployment import Deployment


@pytest.fixture
def loaded(tmp_path: pathlib.Path) -> cfg.ConfigOpts:
    """A configuration that says nothing of the driver."""
    return conf.load(str(Deployment(tmp_path / 'keymw').conf_file))


class TestUsedNoncesSqlite(UsedNonceStoreContract, UsedNonceOutageContract):
    @pytest.fixture
    def store(self, loaded: cfg.ConfigOpts) -> UsedNonceStore:
        migrate.sync(Database(loaded))
        return load.used_nonces(loaded)

    @pytest.fixture
    def unreachable(
        self, loaded: cfg.ConfigOpts, tmp_path: pathlib.Path
    ) -> UsedNonceStore:
        (tmp_path / 'keymw' / 'keymw.db').mkdir()
        return load.used_nonces(loaded)


def test_database_that_was_never_set_up_says_what_to_do(
    loaded: cfg.ConfigOpts,
) -> None:
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        load.used_nonces(loaded).check()


def test_driver_without_them_is_named(tmp_path: pathlib.Path) -> None:
    made = Deployment(tmp_path, {'storage': {'global_keys': 'x'}})
    with pytest.raises(ConfigError, match=r'^\[storage\] global_keys: .*"x"'):
        load.used_nonces(conf.load(str(made.conf_file)))
