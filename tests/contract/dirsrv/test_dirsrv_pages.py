"""A search is read to its end though the cookies of its pages repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from keymw import vault
from keymw.credentials.handlers import KIND
from tests.contract.credentials import credential
from tests.support import manage

if TYPE_CHECKING:
    from keymw.storage.base import CredentialStore
    from tests.contract.dirsrv.conftest import Connect
    from tests.support.deployment import Deployment
    from tests.support.servers.dirsrv import Dirsrv

USERS = [f'user-{number:02}' for number in range(47)]


def fill(
    store: CredentialStore, dirsrv: Dirsrv, tree: str, keys: vault.Vault
) -> None:
    """Give every user a key."""
    for user in USERS:
        dirsrv.person(tree, user)
        sealed = keys.seal(KIND, user, f'key of {user}')
        store.put(credential(user, username=user, secret=sealed))


@pytest.mark.parametrize('page_size', ['0', '1', '7', '46', '47', '48'])
def test_pages_of_any_size_find_every_key(
    deploy_on: Callable[..., Deployment],
    connect: Connect,
    dirsrv: Dirsrv,
    tree: str,
    page_size: str,
) -> None:
    made = deploy_on()
    made.set_up()
    keys = vault.load(str(made.home / 'vault'))
    fill(connect(), dirsrv, tree, keys)
    store = connect(page_size=page_size)
    assert [row.user_id for row in store.page('', 100)] == USERS
    assert [row.user_id for row in store.page(USERS[40], 100)] == USERS[41:]
    assert store.count() == len(USERS)


def test_a_key_is_dropped_when_all_secrets_were_sealed_anew(
    deploy_on: Callable[..., Deployment],
    connect: Connect,
    dirsrv: Dirsrv,
    tree: str,
) -> None:
    made = deploy_on(page_size='7')
    made.set_up()
    keys = vault.load(str(made.home / 'vault'))
    fill(connect(), dirsrv, tree, keys)

    def run(*words: str) -> manage.Result:
        return manage.run(made.conf_file, *words)

    listed = run('credential', 'list', '-f', 'value', '-c', 'User ID')
    assert listed.out.split() == USERS
    run('vault', 'rotate')
    assert 'still opens' in run('vault', 'drop', '1').failure
    assert run('vault', 'migrate').out == 'sealed anew 47\n'
    assert run('vault', 'drop', '1').out == 'dropped key 1\n'
    for row in connect().page('', 100):
        assert keys.open(KIND, row.user_id, row.secret)
