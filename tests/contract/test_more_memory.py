"""The memory drivers keep the contracts of all that is not a credential."""

from collections.abc import Callable
import pathlib
from typing import Any

from oslo_config import cfg
import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage import load
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import GlobalKeyStore
from tests.contract.access_list import AccessListStoreContract
from tests.contract.api_keys import ApiKeyStoreContract
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.support.deployment import Deployment


def loaded(home: pathlib.Path, **drivers: str) -> cfg.ConfigOpts:
    """A configuration with drivers."""
    return conf.load(str(Deployment(home, {'storage': drivers}).conf_file))


class TestGlobalKeysMemory(GlobalKeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> GlobalKeyStore:
        return load.global_keys(loaded(tmp_path, global_keys='memory'))


class TestAccessListMemory(AccessListStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> AccessListStore:
        return load.access_list(loaded(tmp_path, global_keys='memory'))


class TestApiKeysMemory(ApiKeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: pathlib.Path) -> ApiKeyStore:
        return load.api_keys(loaded(tmp_path, api_keys='memory'))


@pytest.mark.parametrize(
    ('load_store', 'option', 'driver'),
    [
        (load.global_keys, 'global_keys', 'x'),
        (load.access_list, 'global_keys', 'x'),
        (load.used_nonces, 'global_keys', 'x'),
        (load.api_keys, 'api_keys', 'x'),
        (load.api_keys, 'api_keys', 'ldap'),
    ],
)
def test_driver_without_them_is_named(
    tmp_path: pathlib.Path,
    load_store: Callable[[cfg.ConfigOpts], Any],
    option: str,
    driver: str,
) -> None:
    told = loaded(tmp_path, **{option: driver})
    with pytest.raises(ConfigError) as refusal:
        load_store(told)
    line = str(refusal.value)
    assert line.startswith(f'[storage] {option}: ')
    assert f'"{driver}"' in line
    assert '\n' not in line
