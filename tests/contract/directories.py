"""Stores on a private directory, as an operator names them."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keymw.storage.base import Credential
    from keymw.storage.base import CredentialStore
    from tests.support.servers.directory import Directory


def require_libraries() -> None:
    """Skip the test without the libraries for LDAP; fail where promised."""
    for name in ('ldap', 'ldappool'):
        if importlib.util.find_spec(name) is None:
            why = f'LDAP: the Python library {name} is not installed'
            if os.environ.get('KEYMW_REQUIRE_SERVERS') == '1':
                pytest.fail(why)
            pytest.skip(why)


def deploy(
    directory: Directory,
    tree: str,
    place: pathlib.Path,
    options: dict[str, str],
) -> Deployment:
    """Files of keymw for a directory, in a new place below one."""
    from tests.support.servers import directory as server

    given = {
        'url': directory.url,
        'user': server.USER,
        'password': server.PASSWORD,
        'user_tree_dn': tree,
        'user_name_attribute': 'uid',
        'operation_timeout': '1',
        'connection_timeout': '1',
    }
    home = place / f'keymw-{len(list(place.iterdir()))}'
    return Deployment(
        home, {'storage': {'credentials': 'ldap'}, 'ldap': given | options}
    )


def enrol(
    store: CredentialStore,
    directory: Directory,
    tree: str,
    monkeypatch: pytest.MonkeyPatch,
) -> CredentialStore:
    """Let users of a store be in the directory when they are written."""
    put, put_all = store.put, store.put_all
    known, lock = set[str](), threading.Lock()

    def enrol(credential: Credential) -> None:
        with lock:
            if credential.user_id not in known:
                name = str(len(known))
                directory.person(tree, name, uid=credential.user_id)
                known.add(credential.user_id)

    def put_enrolled(credential: Credential, chain: str | None = None) -> None:
        enrol(credential)
        put(credential, chain)

    def put_all_enrolled(credentials: Sequence[Credential]) -> None:
        for credential in credentials:
            enrol(credential)
        put_all(credentials)

    monkeypatch.setattr(store, 'put', put_enrolled)
    monkeypatch.setattr(store, 'put_all', put_all_enrolled)
    return store
