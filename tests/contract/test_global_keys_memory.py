"""The memory driver keeps the contract of global keys."""

import pathlib

import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage import load
from keymw.storage.global_keys import GlobalKeyStore
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.support.deployment import Deployment


def global_keys(home: pathlib.Path, driver: str) -> GlobalKeyStore:
    made = Deployment(home, {'storage': {'global_keys': driver}})
    return load.global_keys(conf.load(str(made.conf_file)))


class TestGlobalKeysMemory(GlobalKeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> GlobalKeyStore:
        return global_keys(tmp_path, 'memory')


def test_driver_that_does_not_exist_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match=r'^\[storage\] global_keys: .*"x"'):
        global_keys(tmp_path, 'x')
