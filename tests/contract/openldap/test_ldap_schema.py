"""The files of etc/openldap load into OpenLDAP, and say the same."""

from __future__ import annotations

import pathlib
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.servers.slapd import Slapd

ETC = pathlib.Path(__file__).parents[3] / 'etc'


def test_both_files_say_the_same(slapd: Slapd) -> None:
    from tests.support.servers import slapd as server

    ours = slapd.schema('keymw')
    assert sorted(ours) == [
        'keymwChange',
        'keymwChangeChain',
        'keymwChangedAt',
        'keymwChangedUserId',
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


def test_directory_of_the_version_before_is_brought_on(slapd: Slapd) -> None:
    from tests.support.servers import slapd as server

    before, numbers = _before_changes(), re.compile(r'cn=\{4\}keymw')
    with server.Slapd() as old:
        old.fill()
        old.load_text(before)
        assert 'keymwChange' not in old.schema('keymw')
        changes = (server.OURS / 'keymw-changes.ldif').read_text()
        old.load_text(numbers.sub('cn={3}keymw', changes))
        assert old.schema('keymw') == slapd.schema('keymw')
        assert 'keymwChangedUserId eq' in old.configured('olcDbIndex')


def _before_changes() -> str:
    """The schema as it was before changes of keys were kept."""
    from tests.support.servers import slapd as server

    text = (server.OURS / 'keymw.ldif').read_text()
    objects = re.split('^(?=olc)', text, flags=re.MULTILINE)
    return ''.join(one for one in objects if "NAME 'keymwChange" not in one)


@pytest.mark.parametrize('kind', ['openldap', '389ds'])
def test_suffix_is_said_once(kind: str) -> None:
    """By the command that the file has for a directory of another suffix."""
    file = ETC / kind / 'keymw-database.ldif'
    (said,) = re.findall('sed "([^"]+)"', file.read_text())
    script = said.replace('$SUFFIX', 'o=other')
    done = subprocess.run(
        ['sed', script, file], capture_output=True, text=True, check=True
    )
    rules = [x for x in done.stdout.splitlines() if not x.startswith('#')]
    assert 'cn=keymw,o=other' in '\n'.join(rules)
    # Not even where a line is folded.
    assert 'example' not in ''.join(x.removeprefix(' ') for x in rules)


def test_objects_have_numbers_that_are_only_ours(slapd: Slapd) -> None:
    for said in slapd.schema('keymw').values():
        assert said.startswith(
            '( 2.25.249337509476543141676251425873590396384'
        )


def test_searches_are_indexed(slapd: Slapd) -> None:
    indexes = slapd.configured('olcDbIndex')
    assert 'keymwUserId,keymwUsername eq' in indexes
    assert 'keymwChangedUserId eq' in indexes


def test_others_see_nothing_of_a_key(slapd: Slapd, tree: str) -> None:
    import ldap

    dn = slapd.person(tree, 'ann', userPassword='secret')
    slapd.set(
        dn,
        objectClass=['inetOrgPerson', 'keymwCredential', 'keymwChange'],
        keymwChangedUserId='1',
        keymwChangedAt='20260101000000Z',
        keymwChangeChain='chain',
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
