"""The files of etc/389ds load, and keep keys for keymw alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from keymw.storage.base import Outage
from tests.contract.credentials import credential
from tests.support.servers import until

if TYPE_CHECKING:
    from tests.contract.dirsrv.conftest import Connect
    from tests.support.servers.dirsrv import Dirsrv

_NUMBERS = {
    'keymwAttribute:': '2.25.249337509476543141676251425873590396384.1.',
    'keymwClass:': '2.25.249337509476543141676251425873590396384.2.',
}


def test_schema_is_that_for_openldap() -> None:
    from tests.support.servers import dirsrv
    from tests.support.servers import slapd

    wanted = (slapd.OURS / 'keymw.ldif').read_text()
    for name, number in _NUMBERS.items():
        wanted = wanted.replace(name, number)
    ours = (dirsrv.OURS / '99keymw.ldif').read_text()
    assert _definitions(ours) == _definitions(wanted)


def _definitions(text: str) -> list[tuple[str, str]]:
    """The kind of each object, and what is said of it."""
    found = re.findall(
        r'^(?:olc)?(attributeTypes|objectClasses): (\(.*(?:\n .*)*)',
        text,
        re.MULTILINE | re.IGNORECASE,
    )
    return [(kind.lower(), said) for kind, said in found]


def test_store_that_was_set_up_by_them_serves(
    connect: Connect, dirsrv: Dirsrv, tree: str
) -> None:
    ann = dirsrv.person(tree, 'ann')
    store = connect()
    store.check()
    store.put(credential('1', username='ann'))
    store.check()
    store.delete('1')
    assert b'keymwChange' in dirsrv.entry(ann)['objectClass']


_ALL_READ = (
    '(targetattr = "*")(version 3.0; acl "all read"; '
    'allow (read, search, compare) userdn = "ldap:///anyone";)'
)
_OWN = (
    '(targetattr = "*")(version 3.0; acl "own"; '
    'allow (write) userdn = "ldap:///self";)'
)


def test_who_may_not_write_is_told(
    connect: Connect, dirsrv: Dirsrv, tree: str
) -> None:
    dn = dirsrv.person(tree, 'ann', userPassword='secret')
    dirsrv.set(tree, aci=[_ALL_READ, _OWN])
    store = connect(user=dn, password='secret')
    with pytest.raises(Outage, match=r'\[ldap\] user'):
        store.check()


def test_others_see_nothing_of_a_key(
    connect: Connect, dirsrv: Dirsrv, tree: str
) -> None:
    """Also where a rule lets everybody read, and each write their own."""
    import ldap

    dn = dirsrv.person(tree, 'ann', userPassword='secret')
    connect().put(credential('1', username='ann'))
    dirsrv.set(tree, aci=[_ALL_READ, _OWN])
    connection = ldap.initialize(dirsrv.url)
    for who in (None, dn):
        connection.simple_bind_s(who, who and 'secret')
        # The server applies a new rule a moment after it took it.
        until(lambda: connection.search_s(dn, ldap.SCOPE_BASE))
        ((_dn, found),) = connection.search_s(dn, ldap.SCOPE_BASE)
        assert found['uid'] == [b'ann']
        assert not [name for name in found if name.startswith('keymw')]
        for wanted in ('(keymwUserId=1)', '(keymwChangedUserId=1)'):
            assert not connection.search_s(tree, ldap.SCOPE_SUBTREE, wanted)
    for name in ('keymwUserId', 'keymwSecret', 'keymwChangedAt'):
        with pytest.raises(ldap.INSUFFICIENT_ACCESS):
            connection.modify_s(dn, [(ldap.MOD_REPLACE, name, [b'2'])])
