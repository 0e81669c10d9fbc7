"""The ldap driver keeps the contract on OpenLDAP."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore
from tests.contract.credentials import CredentialOutageContract
from tests.contract.credentials import CredentialStoreContract
from tests.servers import ports

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect
    from tests.servers.slapd import Slapd


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
        put, known, lock = made.put, set[str](), threading.Lock()

        def enrol(credential: Credential) -> None:
            with lock:
                if credential.user_id not in known:
                    name = str(len(known))
                    slapd.person(tree, name, uid=credential.user_id)
                    known.add(credential.user_id)
            put(credential)

        monkeypatch.setattr(made, 'put', enrol)
        return made

    @pytest.fixture
    def unreachable(self, connect: Connect) -> CredentialStore:
        return connect(url=f'ldap://127.0.0.1:{ports.free()}')
