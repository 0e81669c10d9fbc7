"""check() names the faults of a directory, and changes nothing in it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
from typing import TYPE_CHECKING

import pytest

from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage
from tests.contract.credentials import credential
from tests.support import manage

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect
    from tests.support.deployment import Deployment
    from tests.support.servers.slapd import Slapd


@pytest.fixture(autouse=True)
def ann(person: Callable[..., str]) -> str:
    """The DN of a user without a key."""
    return person('ann')


@contextlib.contextmanager
def configured(
    slapd: Slapd, undone: str | None, **values: str | list[str]
) -> Iterator[None]:
    """The database configured otherwise, for a while."""
    was = {name: slapd.configured(name) or undone for name in values}
    slapd.configure(**values)
    try:
        yield
    finally:
        slapd.configure(**was)


def first(rule: str, slapd: Slapd) -> list[str]:
    """The rules of access with another one before them."""
    rules = [old.partition('}')[2] for old in slapd.configured('olcAccess')]
    return [f'{{{n}}}{text}' for n, text in enumerate([rule, *rules])]


def says(store: CredentialStore) -> str:
    """The fault, in one line."""
    with pytest.raises(Outage) as outage:
        store.check()
    assert '\n' not in str(outage.value)
    return str(outage.value)


def test_check_changes_nothing(
    store: CredentialStore, slapd: Slapd, ann: str
) -> None:
    before = slapd.entry(ann, '*', '+')
    store.check()
    store.put(credential('1', username='ann'))
    store.check()
    store.delete('1')
    after = slapd.entry(ann, '*')
    for name in ('keymwChangedUserId', 'keymwChangedAt'):
        del after[name]
    after['objectClass'].remove(b'keymwChange')
    assert after == {name: before[name] for name in after}


def test_base_that_is_not_there(connect: Connect, tree: str) -> None:
    missing = connect(user_tree_dn=f'ou=missing,{tree}')
    assert says(missing) == '[ldap] user_tree_dn: No such object'
    with pytest.raises(Outage, match='user_tree_dn: No such object'):
        missing.get('1')


def test_directory_without_our_schema(connect: Connect) -> None:
    assert says(connect(credential_objectclass='missing')) == (
        '[ldap] credential_objectclass: the directory has no object class '
        '"missing": load etc/openldap/keymw.ldif or '
        'etc/389ds/99keymw.ldif'
    )


def test_object_class_without_an_attribute(connect: Connect) -> None:
    assert '"keymwCredential" has no attribute "description"' in says(
        connect(credential_username_attribute='description')
    )


def test_database_that_is_read_only(
    store: CredentialStore, slapd: Slapd
) -> None:
    with configured(slapd, 'FALSE', olcReadOnly='TRUE'):
        assert says(store) == '[ldap] url: the directory is read-only'
        with pytest.raises(Outage):
            store.put(credential('1', username='ann'))
        assert store.get('1') is None
    store.check()


def test_database_that_is_read_only_where_every_user_has_a_key(
    store: CredentialStore, slapd: Slapd, ann: str
) -> None:
    store.put(credential('1', username='ann'))
    before = slapd.entry(ann)
    with configured(slapd, 'FALSE', olcReadOnly='TRUE'):
        assert says(store) == '[ldap] url: the directory is read-only'
    store.check()
    assert slapd.entry(ann) == before


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'olcReadOnly': 'TRUE'}, '[ldap] url: the directory is read-only'),
        (
            {'olcLimits': ['users size=2']},
            '[ldap] user: Size limit exceeded',
        ),
    ],
)
def test_doctor_tells_what_would_fail_at_the_first_need(
    deploy_on: Callable[..., Deployment],
    person: Callable[..., str],
    store: CredentialStore,
    slapd: Slapd,
    options: dict[str, str | list[str]],
    said: str,
) -> None:
    made = deploy_on(page_size='2')
    for name in ('bob', 'cyd'):
        person(name)
    for name in ('ann', 'bob', 'cyd'):
        store.put(credential(name, username=name))

    def line() -> str:
        out = manage.run(made.conf_file, 'doctor').out
        (found,) = [x for x in out.splitlines() if ' credentials: ' in x]
        return found

    assert line().startswith('ok')
    with configured(slapd, 'FALSE', **options):
        assert line().startswith(f'FAILED  credentials: {said}')


def test_replica_that_refers_to_its_master(
    store: CredentialStore, slapd: Slapd
) -> None:
    with configured(
        slapd,
        None,
        olcSyncrepl='rid=1 provider=ldap://127.0.0.1:9 searchbase='
        '"dc=example,dc=com" type=refreshOnly interval=00:23:59:59',
        olcUpdateRef='ldap://127.0.0.1:9',
    ):
        assert says(store) == '[ldap] url: the directory is read-only'
        with pytest.raises(Outage):
            store.put(credential('1', username='ann'))
    store.check()


@pytest.mark.parametrize(
    'hidden', ['keymwSecret', 'objectClass', 'keymwUpdatedAt']
)
def test_user_that_may_not_write(
    store: CredentialStore, slapd: Slapd, hidden: str
) -> None:
    rule = f'to attrs={hidden} by * read'
    with configured(slapd, None, olcAccess=first(rule, slapd)):
        assert says(store).startswith('[ldap] user: may not write keymwUserId')
        with pytest.raises(Outage, match='user: Insufficient access'):
            store.put(credential('1', username='ann'))
    store.check()


def test_user_that_may_not_read(
    store: CredentialStore, slapd: Slapd, ann: str
) -> None:
    store.put(credential('1', username='ann'))
    rule = 'to attrs=keymwSecret by * =w'
    with configured(slapd, None, olcAccess=first(rule, slapd)):
        assert says(store).startswith(f'[ldap] the key on {ann} is incomplete')
        with pytest.raises(Outage):
            store.get('1')


def test_referral_in_the_tree_is_not_followed(
    connect: Connect, slapd: Slapd, tree: str
) -> None:
    slapd.add(
        f'ou=elsewhere,{tree}',
        objectClass=['referral', 'extensibleObject'],
        ou='elsewhere',
        ref='ldap://127.0.0.1:9/dc=example,dc=com',
    )
    store = connect(query_scope='sub')
    store.put(credential('1', username='ann'))
    assert store.page('', 10) == [credential('1', username='ann')]
    store.check()


def test_base_that_is_a_referral_is_an_outage(
    connect: Connect, slapd: Slapd, tree: str
) -> None:
    slapd.add(
        f'ou=elsewhere,{tree}',
        objectClass=['referral', 'extensibleObject'],
        ou='elsewhere',
        ref='ldap://127.0.0.1:9/dc=example,dc=com',
    )
    store = connect(user_tree_dn=f'ou=elsewhere,{tree}')
    with pytest.raises(Outage, match='Referral'):
        store.get('1')


def test_schema_that_forbids_a_key_is_an_outage(
    connect: Connect, slapd: Slapd
) -> None:
    store = connect(credential_domain_id_attribute='serialNumber')
    assert 'has no attribute "serialNumber"' in says(store)
    rule = 'to attrs=serialNumber by * write'
    with (
        configured(slapd, None, olcAccess=first(rule, slapd)),
        pytest.raises(Outage, match='objectclass: Object class violation'),
    ):
        store.put(credential('1', username='ann'))
    assert store.get('1') is None
