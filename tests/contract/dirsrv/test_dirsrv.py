"""The ldap driver keeps the contract on 389 Directory Server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keymw.storage.base import CredentialStore
from tests.contract import directories
from tests.contract.credentials import CredentialOutageContract
from tests.contract.credentials import CredentialStoreContract
from tests.support.servers import ports

if TYPE_CHECKING:
    from tests.contract.dirsrv.conftest import Connect
    from tests.support.servers.dirsrv import Dirsrv


class TestDirsrv(CredentialStoreContract, CredentialOutageContract):
    @pytest.fixture
    def store(
        self,
        connect: Connect,
        dirsrv: Dirsrv,
        tree: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> CredentialStore:
        """A store whose users are in the directory when they are written."""
        made = connect(
            user_id_attribute='uid', page_size='2', operation_timeout='10'
        )
        return directories.enrol(made, dirsrv, tree, monkeypatch)

    @pytest.fixture
    def unreachable(self, connect: Connect) -> CredentialStore:
        return connect(url=f'ldap://127.0.0.1:{ports.free()}')
