"""The sql driver keeps the contract of global keys on SQLite."""

import pathlib

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.storage import base
from keymw.storage import load
from keymw.storage.base import GlobalKeyStore
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.contract.global_keys import GlobalKeyOutageContract
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.deployment import Deployment


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
