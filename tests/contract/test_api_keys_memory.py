"""The memory driver keeps the contract of API keys."""

import pathlib

import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage import load
from keymw.storage.api_keys import ApiKeyStore
from tests.contract.api_keys import ApiKeyStoreContract
from tests.support.deployment import Deployment


def api_keys(home: pathlib.Path, driver: str) -> ApiKeyStore:
    made = Deployment(home, {'storage': {'api_keys': driver}})
    return load.api_keys(conf.load(str(made.conf_file)))


class TestApiKeysMemory(ApiKeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> ApiKeyStore:
        return api_keys(tmp_path, 'memory')


@pytest.mark.parametrize('driver', ['x', 'ldap'])
def test_driver_without_them_is_named(
    tmp_path: pathlib.Path, driver: str
) -> None:
    with pytest.raises(ConfigError, match=r'^\[storage\] api_keys: ') as line:
        api_keys(tmp_path, driver)
    assert f'"{driver}"' in str(line.value)
    assert '\n' not in str(line.value)
