"""The ldap driver keeps the contract on OpenLDAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keymw.storage.base import CredentialStore
from tests.contract import directories
from tests.contract.credentials import CredentialOutageContract
from tests.contract.credentials import CredentialStoreContract
from tests.support.servers import ports

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect
    from tests.support.servers.slapd import Slapd


class TestOpenLdap(CredentialStoreContract, CredentialOutageContract):
    @pytest.fixture
    def store(
        self,
        connect: Connect,
        slapd: Slapd,
        tree: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> CredentialStore:
        """A store whose users are in the directory when they are written."""
        made = connect(
            user_id_attribute='uid', page_size='2', operation_timeout='10'
        )
        return directories.enrol(made, slapd, tree, monkeypatch)

    @pytest.fixture
    def unreachable(self, connect: Connect) -> CredentialStore:
        return connect(url=f'ldap://127.0.0.1:{ports.free()}')
