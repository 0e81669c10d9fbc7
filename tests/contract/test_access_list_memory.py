"""The memory driver keeps the contract of the access list."""

import pathlib

import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage import load
from keymw.storage.global_keys import AccessListStore
from tests.contract.access_list import AccessListStoreContract
from tests.support.deployment import Deployment


def access_list(home: pathlib.Path, driver: str) -> AccessListStore:
    made = Deployment(home, {'storage': {'global_keys': driver}})
    return load.access_list(conf.load(str(made.conf_file)))


class TestAccessListMemory(AccessListStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> AccessListStore:
        return access_list(tmp_path, 'memory')


def test_driver_that_does_not_exist_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match=r'^\[storage\] global_keys: .*"x"'):
        access_list(tmp_path, 'x')
