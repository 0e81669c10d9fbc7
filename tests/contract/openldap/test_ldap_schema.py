"""The files of etc/openldap load into OpenLDAP, and say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers.slapd import Slapd


def test_both_files_say_the_same(slapd: Slapd) -> None:
    from tests.servers import slapd as server

    ours = slapd.schema('keymw')
    assert sorted(ours) == [
        'keymwCreatedAt',
        'keymwCredential',
        'keymwDomainId',
        'keymwSecret',
        'keymwUpdatedAt',
        'keymwUserId',
        'keymwUsername',
    ]
    with server.Classic() as classic:
        assert classic.schema('keymw') == ours


def test_objects_have_numbers_that_are_only_ours(slapd: Slapd) -> None:
    for said in slapd.schema('keymw').values():
        assert said.startswith(
            '( 2.25.249337509476543141676251425873590396384'
        )


def test_searches_are_indexed(slapd: Slapd) -> None:
    assert 'keymwUserId,keymwUsername eq' in slapd.configured('olcDbIndex')


def test_others_see_nothing_of_a_key(slapd: Slapd, tree: str) -> None:
    import ldap

    dn = slapd.person(tree, 'ann', userPassword='secret')
    slapd.set(
        dn,
        objectClass=['inetOrgPerson', 'keymwCredential'],
        keymwUserId='1',
        keymwSecret='sealed',
        keymwCreatedAt='20260101000000Z',
        keymwUpdatedAt='20260101000000Z',
    )
    connection = ldap.initialize(slapd.url)
    for who in (None, dn):
        connection.simple_bind_s(who, who and 'secret')
        ((_dn, found),) = connection.search_s(dn, ldap.SCOPE_BASE)
        assert not [name for name in found if name.startswith('keymw')]
        assert not connection.search_s(
            tree, ldap.SCOPE_SUBTREE, '(keymwUserId=1)'
        )
    with pytest.raises(ldap.INSUFFICIENT_ACCESS):
        connection.modify_s(dn, [(ldap.MOD_REPLACE, 'keymwUserId', [b'2'])])
