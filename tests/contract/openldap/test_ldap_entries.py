"""The entry that gets a key, and the owner of the key on an entry."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import datetime
from typing import TYPE_CHECKING
from typing import Any

import pytest

from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage
from tests.contract.credentials import HOSTILE
from tests.contract.credentials import LATER
from tests.contract.credentials import changed
from tests.contract.credentials import credential

if TYPE_CHECKING:
    from tests.contract.openldap.conftest import Connect
    from tests.support.servers.slapd import Slapd

OURS = {
    'keymwUserId',
    'keymwDomainId',
    'keymwUsername',
    'keymwSecret',
    'keymwCreatedAt',
    'keymwUpdatedAt',
}


def named(user_id: str, name: str, **more: object) -> Credential:
    """The key of a user whom Keystone calls by a name."""
    return credential(user_id, username=name, **more)


def copied(slapd: Slapd, source: str, target: str) -> None:
    """Copy our attributes to another entry, as after a crash."""
    entry = slapd.entry(source)
    ours = {name: entry[name] for name in OURS & set(entry)}
    slapd.set(target, objectClass=['inetOrgPerson', 'keymwCredential'], **ours)


def ours(slapd: Slapd, dn: str) -> set[str]:
    """Our attributes on an entry, and our object class."""
    entry = slapd.entry(dn)
    found = {value.decode() for value in entry['objectClass']}
    return (OURS & set(entry)) | (found & {'keymwCredential'})


def test_key_is_on_the_entry_of_its_user(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('ann')
    before = slapd.entry(dn)
    store.put(named('1', 'ann'))
    entry = slapd.entry(dn)
    assert entry['keymwUserId'] == [b'1']
    assert entry['keymwSecret'] == [b'sealed 1']
    assert entry['keymwUpdatedAt'] == [b'20260301123015.123456Z']
    store.delete('1')
    entry = slapd.entry(dn)
    assert entry.pop('keymwChangedUserId') == [b'1']
    assert entry.pop('keymwChangedAt')
    entry['objectClass'].remove(b'keymwChange')
    assert entry == before


def test_changes_are_dated_by_the_directory(
    store: CredentialStore,
    person: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person('ann')
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    for wrong in (now - hour, now + hour):
        monkeypatch.setattr(
            'keymw.storage.ldap.writing._now', lambda wrong=wrong: wrong
        )
        for write in (
            lambda: store.put(named('1', 'ann')),
            lambda: store.delete('1'),
        ):
            write()
            assert abs(changed(store, '1').at - now) < hour / 60


def test_directory_that_does_not_show_its_time_is_no_obstacle(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    person('ann')
    was = slapd.configured('olcAccess')
    hidden = [rule.replace(',modifyTimestamp', '') for rule in was]
    slapd.configure(olcAccess=hidden)
    try:
        store.put(named('1', 'ann'), chain='mine')
        store.delete('1')
    finally:
        slapd.configure(olcAccess=was)
    assert changed(store, '1').chain is None


def test_change_is_of_the_user_and_not_of_the_entry(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    store.put(named('1', 'ann'))
    store.delete('1')
    store.put(named('2', 'ann'), chain='second')
    assert changed(store, '2').chain == 'second'


def test_change_moves_to_another_entry_with_its_key(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    person('anna')
    store.put(named('1', 'ann'), chain='first')
    store.put(named('1', 'anna'), chain='second')
    assert changed(store, '1').chain == 'second'


def test_users_without_a_key_have_none(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    assert store.get('ann') is None
    assert store.find('default', 'ann') is None
    assert store.page('', 10) == []


def test_reseal_changes_the_secret_alone(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('ann')
    store.put(named('1', 'ann'))
    before = slapd.entry(dn)
    assert not store.reseal('1', b'another', b'new')
    assert not store.reseal('2', b'sealed 1', b'new')
    assert slapd.entry(dn) == before
    assert store.reseal('1', b'sealed 1', b'new')
    assert slapd.entry(dn) == before | {'keymwSecret': [b'new']}


def test_entry_is_told_apart_by_case(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    small, large = person('one', uid='ann'), person('two', uid='Ann')
    store.put(named('1', 'Ann'))
    assert not ours(slapd, small)
    assert ours(slapd, large)


@pytest.mark.parametrize('name', HOSTILE)
def test_entry_is_found_by_a_hostile_name(
    store: CredentialStore, person: Callable[..., str], name: str
) -> None:
    for number, other in enumerate(HOSTILE):
        person(f'person {number}', uid=other)
    store.put(named('1', name))
    assert store.find('default', name) == named('1', name)


@pytest.mark.parametrize(
    'name',
    [
        ' lead',
        'trail ',
        '#hash',
        'a,b+c"d',
        'a\\b',
        '<a;b=c>',
        '*(a)',
        'ü',
        'a/b',
        'tab\tand\nline',
    ],
)
def test_entry_may_have_a_hostile_dn(
    store: CredentialStore, person: Callable[..., str], name: str
) -> None:
    person(name, uid='ann')
    store.put(named('1', 'ann'))
    assert store.get('1') == named('1', 'ann')
    assert store.delete('1')


@pytest.mark.parametrize('name', ['nobody', '*', 'a*', '', 'a\0', 'ann\0'])
def test_user_without_an_entry_is_an_outage(
    store: CredentialStore, person: Callable[..., str], name: str
) -> None:
    person('ann')
    with pytest.raises(Outage, match=r'user_name_attribute: no entries have'):
        store.put(named('1', name))
    assert store.page('', 10) == []


def test_two_entries_of_one_name_are_an_outage(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('one', uid='ann')
    person('two', uid=['bob', 'ann'])
    with pytest.raises(Outage, match=r'2 entries have uid = .ann., and exact'):
        store.put(named('1', 'ann'))
    store.put(named('2', 'bob'))


def test_entry_is_found_by_id(
    connect: Connect, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('someone', uid='1')
    person('ann')
    connect(user_id_attribute='uid').put(named('1', 'ann'))
    assert ours(slapd, dn)
    with pytest.raises(Outage, match='user_id_attribute: no entries have uid'):
        connect(user_id_attribute='uid').put(named('2', 'ann'))


def test_entry_is_found_by_the_id_of_the_directory(
    connect: Connect, person: Callable[..., str], slapd: Slapd
) -> None:
    slapd.grant('entryUUID')
    dn = person('ann')
    user_id = slapd.entry(dn, 'entryUUID')['entryUUID'][0].decode()
    store = connect(user_id_attribute='entryUUID')
    store.put(named(user_id, 'ann'))
    assert store.get(user_id) == named(user_id, 'ann')


def test_only_users_of_the_filter_are_given_keys(
    connect: Connect, person: Callable[..., str]
) -> None:
    store = connect(user_filter='(!(uid=bob))')
    person('ann')
    person('bob')
    store.put(named('1', 'ann'))
    with pytest.raises(Outage):
        store.put(named('2', 'bob'))


def test_key_of_a_user_who_left_the_filter_can_be_deleted(
    connect: Connect, person: Callable[..., str]
) -> None:
    person('ann')
    connect().put(named('1', 'ann'))
    store = connect(user_filter='(!(uid=ann))')
    assert store.page('', 10) == [named('1', 'ann')]
    assert store.delete('1')


@pytest.mark.parametrize(('scope', 'found'), [('one', False), ('sub', True)])
def test_scope(
    connect: Connect, slapd: Slapd, tree: str, scope: str, found: bool
) -> None:
    store = connect(query_scope=scope)
    slapd.add(f'ou=in,{tree}', objectClass='organizationalUnit', ou='in')
    slapd.person(f'ou=in,{tree}', 'ann')
    if found:
        store.put(named('1', 'ann'))
        assert store.get('1') == named('1', 'ann')
    else:
        with pytest.raises(Outage):
            store.put(named('1', 'ann'))


def test_entry_made_again_has_no_key(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('ann')
    store.put(named('1', 'ann'))
    slapd.remove_entry(dn)
    person('ann')
    assert store.get('1') is None
    assert store.find('default', 'ann') is None
    assert store.get('2') is None


def test_user_made_again_on_an_entry_that_stayed_has_no_key(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    store.put(named('1', 'ann'))
    assert store.get('2') is None
    again = named('2', 'ann', created_at=LATER, updated_at=LATER)
    store.put(again)
    assert store.get('1') is None
    assert store.get('2') == store.find('default', 'ann') == again


def test_key_stays_with_an_entry_that_is_renamed(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('ann')
    store.put(named('1', 'ann'))
    slapd.root().rename_s(dn, 'cn=anna')
    slapd.set(dn.replace('cn=ann,', 'cn=anna,'), uid='anna')
    assert store.get('1') == named('1', 'ann')
    store.put(named('1', 'anna'))
    assert store.page('', 10) == [named('1', 'anna')]


def test_user_who_moved_to_another_entry_has_one_key(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    old, new = person('ann'), person('anna')
    store.put(named('1', 'ann'))
    moved = named('1', 'anna', created_at=LATER, updated_at=LATER)
    store.put(moved)
    assert not ours(slapd, old)
    assert ours(slapd, new)
    kept = dataclasses.replace(moved, created_at=named('1', '').created_at)
    assert store.page('', 10) == [kept]


def test_key_without_a_name_is_written_where_it_is(
    store: CredentialStore, person: Callable[..., str]
) -> None:
    person('ann')
    store.put(named('1', 'ann'))
    store.put(credential('1', username=None, secret=b'new'))
    assert store.page('', 10) == [
        credential('1', username=None, secret=b'new')
    ]
    with pytest.raises(Outage, match='the user 2 has no name'):
        store.put(credential('2', username=None))


class TestAfterACrash:
    """One process may end between the modifications of two entries."""

    @pytest.fixture
    def twice(
        self,
        store: CredentialStore,
        person: Callable[..., str],
        slapd: Slapd,
    ) -> Credential:
        """A user whose older key is still on another entry."""
        old, ann = person('older'), person('ann')
        store.put(named('1', 'ann', secret=b'old'))
        copied(slapd, ann, old)
        new = named('1', 'ann', secret=b'new', updated_at=LATER)
        slapd.set(ann, keymwSecret=b'new', keymwUpdatedAt=_time(new))
        return new

    def test_newer_of_two_keys_is_the_key(
        self, store: CredentialStore, twice: Credential
    ) -> None:
        assert store.get('1') == twice
        assert store.find('default', 'ann') == twice
        assert store.page('', 10) == [twice]
        assert store.page('', 1) == [twice]

    def test_put_leaves_one(
        self,
        store: CredentialStore,
        twice: Credential,
        slapd: Slapd,
        tree: str,
    ) -> None:
        store.put(twice)
        assert store.page('', 10) == [twice]
        assert not ours(slapd, f'cn=older,{tree}')

    def test_reseal_is_of_the_newer(
        self, store: CredentialStore, twice: Credential
    ) -> None:
        assert store.reseal('1', b'new', b'sealed anew')
        assert store.get('1') == dataclasses.replace(
            twice, secret=b'sealed anew'
        )

    def test_delete_takes_both_away(
        self, store: CredentialStore, twice: Credential
    ) -> None:
        assert store.delete(twice.user_id)
        assert store.page('', 10) == []

    def test_newer_of_two_claims_to_a_name_holds_it(
        self,
        store: CredentialStore,
        person: Callable[..., str],
        slapd: Slapd,
    ) -> None:
        ann = person('ann')
        person('anna')
        store.put(named('1', 'ann', updated_at=LATER))
        store.put(named('2', 'anna'))
        slapd.set(f'cn=anna,{ann.partition(",")[2]}', keymwUsername='ann')
        assert store.find('default', 'ann') == named(
            '1', 'ann', updated_at=LATER
        )
        store.put(named('1', 'ann', updated_at=LATER))
        found = store.get('2')
        assert found is not None
        assert found.username is None


class Died(Exception):  # noqa: N818, it is what happened
    """The process ended here."""


@pytest.fixture
def dies_after(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """Let the process die after so many modifications."""
    from keymw.storage.ldap.session import Session

    @contextlib.contextmanager
    def dying(steps: int) -> Iterator[None]:
        modify, left = Session.modify, iter(range(steps))

        def until_it_dies(*args: Any) -> None:
            if next(left, None) is None:
                raise Died
            modify(*args)

        with monkeypatch.context() as patched, contextlib.suppress(Died):
            patched.setattr(Session, 'modify', until_it_dies)
            yield

    return dying


@pytest.mark.parametrize('steps', range(4))
def test_death_while_a_name_changes_hands(
    connect: Connect,
    person: Callable[..., str],
    dies_after: Callable[[int], contextlib.AbstractContextManager[None]],
    steps: int,
) -> None:
    store = connect(user_id_attribute='uid')
    person('1')
    person('2')
    ann, bob = named('1', 'ann'), named('2', 'bob')
    store.put(ann)
    store.put(bob)
    new = named('2', 'ann', secret=b'new', updated_at=LATER)
    with dies_after(steps):
        store.put(new)
    written = store.get('2') == new
    assert written or store.get('2') == bob
    assert store.find('default', 'ann') in ([new] if written else [ann, None])
    assert store.find('default', 'bob') in ([None] if written else [bob])
    store.put(new)
    nameless = dataclasses.replace(ann, username=None)
    assert store.page('', 10) == [nameless, new]
    assert store.find('default', 'ann') == new


@pytest.mark.parametrize('steps', range(4))
def test_death_while_a_key_moves_to_another_entry(
    store: CredentialStore,
    person: Callable[..., str],
    dies_after: Callable[[int], contextlib.AbstractContextManager[None]],
    steps: int,
) -> None:
    person('ann')
    person('anna')
    old = named('1', 'ann')
    store.put(old)
    new = named('1', 'anna', secret=b'new', updated_at=LATER)
    with dies_after(steps):
        store.put(new)
    found = store.get('1')
    assert found in (old, new)
    assert store.page('', 10) == [found]
    store.put(new)
    assert store.page('', 10) == [new]
    assert store.find('default', 'ann') is None


def _time(key: Credential) -> str:
    return f'{key.updated_at:%Y%m%d%H%M%S.%f}Z'


def test_key_that_was_spoilt_is_an_outage_that_names_its_entry(
    store: CredentialStore, person: Callable[..., str], slapd: Slapd
) -> None:
    dn = person('ann')
    store.put(named('1', 'ann'))
    slapd.set(dn, keymwUserId=b'\xff')
    with pytest.raises(Outage, match=f'the key on {dn} is incomplete'):
        store.page('', 10)


@pytest.mark.parametrize(
    'time',
    ['20260301123015Z', '20260301123015.0Z', '20260301143015+0200'],
)
def test_times_that_others_wrote_are_read(
    store: CredentialStore,
    person: Callable[..., str],
    slapd: Slapd,
    time: str,
) -> None:
    dn = person('ann')
    store.put(named('1', 'ann'))
    slapd.set(dn, keymwUpdatedAt=time)
    moment = named('1', 'ann').updated_at.replace(microsecond=0)
    assert store.get('1') == named('1', 'ann', updated_at=moment)
    person('bob')
    store.put(named('2', 'ann'))


class TestPaging:
    """A directory may refuse to tell everything at once."""

    @pytest.fixture
    def keys(
        self, connect: Connect, person: Callable[..., str]
    ) -> list[Credential]:
        store, made = connect(), [named(n, f'user {n}') for n in '1234567']
        for key in made:
            person(key.username)
            store.put(key)
        return made

    @pytest.fixture
    def limit(self, slapd: Slapd) -> Iterator[Callable[[str], None]]:
        was = slapd.configured('olcLimits')
        yield lambda said: slapd.configure(olcLimits=f'users {said}')
        slapd.configure(olcLimits=was)

    def test_page_size_2_finds_7(
        self,
        connect: Connect,
        keys: list[Credential],
        limit: Callable[[str], None],
    ) -> None:
        limit('size.hard=2 size.soft=2 size.pr=2 size.prtotal=unlimited')
        assert connect(page_size='2').page('', 10) == keys
        with pytest.raises(Outage, match='user: Size limit exceeded'):
            connect(page_size='0').page('', 10)

    def test_limit_of_the_directory_is_an_outage(
        self,
        connect: Connect,
        keys: list[Credential],
        limit: Callable[[str], None],
    ) -> None:
        limit('size.hard=5 size.soft=5')
        with pytest.raises(Outage, match='user: Size limit exceeded'):
            connect(page_size='2').page('', 10)
        assert connect(page_size='2').get('1') == keys[0]
        with pytest.raises(Outage, match='olcLimits'):
            connect().count()
        limit('size=unlimited')
        assert connect(page_size='2').count() == len(keys)

    def test_no_paging(self, connect: Connect, keys: list[Credential]) -> None:
        assert connect(page_size='0').page('', 10) == keys
