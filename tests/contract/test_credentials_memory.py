"""The memory driver keeps the contract."""

from oslo_config import cfg
import pytest

from keymw.storage.base import CredentialStore
from keymw.storage.memory import MemoryCredentials
from tests.contract.credentials import CredentialStoreContract


class TestMemory(CredentialStoreContract):
    @pytest.fixture
    def store(self) -> CredentialStore:
        return MemoryCredentials(cfg.ConfigOpts())
