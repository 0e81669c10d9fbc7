"""The sql driver keeps the contract of the access list on SQLite."""

import pathlib

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.storage import base
from keymw.storage import load
from keymw.storage.global_keys import AccessListStore
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.contract.access_list import AccessListOutageContract
from tests.contract.access_list import AccessListStoreContract
from tests.support.deployment import Deployment


@pytest.fixture
def loaded(tmp_path: pathlib.Path) -> cfg.ConfigOpts:
    """A configuration that says nothing of the driver."""
    return conf.load(str(Deployment(tmp_path / 'keymw').conf_file))


class TestAccessListSqlite(AccessListStoreContract, AccessListOutageContract):
    @pytest.fixture
    def store(self, loaded: cfg.ConfigOpts) -> AccessListStore:
        migrate.sync(Database(loaded))
        return load.access_list(loaded)

    @pytest.fixture
    def unreachable(
        self, loaded: cfg.ConfigOpts, tmp_path: pathlib.Path
    ) -> AccessListStore:
        (tmp_path / 'keymw' / 'keymw.db').mkdir()
        return load.access_list(loaded)


def test_database_that_was_never_set_up_says_what_to_do(
    loaded: cfg.ConfigOpts,
) -> None:
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        load.access_list(loaded).check()
