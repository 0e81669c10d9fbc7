"""What keymw.storage.base promises of a CredentialStore, as tests.

The test of a driver inherits CredentialStoreContract, and
CredentialOutageContract too where the store can be out of reach, and names
its stores by two fixtures:

    class TestMine(CredentialStoreContract):
        @pytest.fixture
        def store(self) -> base.CredentialStore:
            "An empty store, made as keymw makes it: driver(conf)."
"""

from collections.abc import Callable
from concurrent import futures
import dataclasses
import datetime
from functools import partial
import threading
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore

BORN = datetime.datetime(2026, 3, 1, 12, 30, 15, 123456, datetime.UTC)
LATER = BORN + datetime.timedelta(days=400, microseconds=1)
THREADS = 8
ROUNDS = 4

# Every two of these are different.
HOSTILE = [
    "o'hara",
    'o"hara',
    '100%',
    'a_b',
    'a\\b',
    "'; DROP TABLE keymw_credential; --",
    '*)(uid=*',
    'a,ou=b+c',
    '#hash',
    'bob',
    'Bob',
    'BOB',
    ' bob',
    'bob ',
    'bob  ',
    'two words',
    'two  words',
    'tab\tand\nline',
    '\x01\x7f',
    'nul',
    'nul\0',
    'nul\0\0',
    '\0nul',
    'ursula',
    'ürsula',
    'Ürsula',
    'u\u0308rsula',
    'strasse',
    'straße',
    '\u0131I',
    'iI',
    'ñ\u200b',
    'ñ',
    '\U0001f511 key',
    '\U0001f512 key',
    'x' * 255,
    '\U0001f511' * 255,
    'None',
    '0',
    '00',
    '1e1',
    '10',
]


def credential(user_id: str, **changes: Any) -> Credential:
    """A credential with members made from its user."""
    made = Credential(
        user_id=user_id,
        domain_id='default',
        username=f'name of {user_id}'[:255],
        secret=b'sealed ' + user_id.encode(),
        created_at=BORN,
        updated_at=BORN,
    )
    return dataclasses.replace(made, **changes)


def changed(store: CredentialStore, user_id: str) -> base.Change:
    """The last change of a key, which must be there."""
    found = store.change(user_id)
    assert found is not None
    return found


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What calls return that start at the same time, each in a thread."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        return call()

    with futures.ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


class CredentialStoreContract:
    """Promises that every driver keeps."""

    def test_serves(self, store: CredentialStore) -> None:
        store.check()

    def test_nothing_is_found_in_an_empty_store(
        self, store: CredentialStore
    ) -> None:
        assert store.get('ann') is None
        assert store.find('default', 'ann') is None
        assert store.page('', 10) == []

    def test_put_is_got_whole(self, store: CredentialStore) -> None:
        ann = credential('ann', updated_at=LATER)
        store.put(ann)
        assert store.get('ann') == ann
        assert store.find('default', 'name of ann') == ann
        assert store.page('', 10) == [ann]

    def test_times_are_utc_to_the_microsecond(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann', updated_at=LATER))
        found = store.get('ann')
        assert found is not None
        for moment, given in (
            (found.created_at, BORN),
            (found.updated_at, LATER),
        ):
            assert moment == given
            assert moment.utcoffset() == datetime.timedelta(0)

    @pytest.mark.parametrize('moment', [BORN.replace(microsecond=0), LATER])
    def test_whole_seconds_and_others_come_back(
        self, store: CredentialStore, moment: datetime.datetime
    ) -> None:
        ann = credential('ann', created_at=moment, updated_at=moment)
        store.put(ann)
        assert store.get('ann') == ann

    def test_secret_is_any_bytes(self, store: CredentialStore) -> None:
        for secret in (bytes(range(256)), b'\0', b'\xff' * 1024, b' x '):
            store.put(credential('ann', secret=secret))
            found = store.get('ann')
            assert found is not None
            assert found.secret == secret
            assert type(found.secret) is bytes

    def test_secret_is_not_shown(self, store: CredentialStore) -> None:
        store.put(credential('ann', secret=b'visible'))
        assert 'visible' not in f'{store.get("ann")} {store.get("ann")!r}'

    def test_put_replaces_all_but_created_at(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        new = Credential('ann', 'other', 'anna', b'new', LATER, LATER)
        store.put(new)
        assert store.get('ann') == dataclasses.replace(new, created_at=BORN)
        assert store.find('default', 'name of ann') is None
        assert store.find('other', 'anna') is not None
        assert len(store.page('', 10)) == 1

    def test_put_twice_is_put_once(self, store: CredentialStore) -> None:
        store.put(credential('ann'))
        store.put(credential('ann'))
        assert store.page('', 10) == [credential('ann')]

    def test_put_after_delete_is_new(self, store: CredentialStore) -> None:
        store.put(credential('ann'))
        store.delete('ann')
        later = credential('ann', created_at=LATER, updated_at=LATER)
        store.put(later)
        assert store.get('ann') == later

    def test_put_all_is_put_of_each_in_order(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        eve = credential('eve', username='name of ann')
        store.put_all([credential('bob'), eve, credential('bob', secret=b'2')])
        assert store.get('bob') == credential('bob', secret=b'2')
        assert store.find('default', 'name of ann') == eve
        assert store.get('ann') == credential('ann', username=None)
        store.put_all([])

    def test_put_all_of_many_is_put_of_each(
        self, store: CredentialStore
    ) -> None:
        many = [credential(f'{number:03}') for number in range(120)]
        old = credential('old', username=many[60].username)
        late = credential('late', username=many[70].username)
        store.put(old)
        store.put_all([*many, late])
        many[70] = dataclasses.replace(many[70], username=None)
        old = dataclasses.replace(old, username=None)
        assert store.page('', 200) == [*many, late, old]
        assert store.find('default', f'name of {60:03}') == many[60]
        assert store.find('default', f'name of {70:03}') == late
        assert changed(store, '119').at >= changed(store, 'old').at

    def test_reseal_replaces_what_it_was_told_and_nothing_else(
        self, store: CredentialStore
    ) -> None:
        ann = credential('ann')
        store.put(ann)
        assert store.reseal('ann', ann.secret, b'new') is True
        assert store.get('ann') == dataclasses.replace(ann, secret=b'new')
        assert store.reseal('ann', ann.secret, b'newer') is False
        assert store.get('ann') == dataclasses.replace(ann, secret=b'new')
        assert store.reseal('bob', b'new', b'newer') is False
        assert store.get('bob') is None

    def test_reseal_all_counts_what_it_replaced(
        self, store: CredentialStore
    ) -> None:
        for name in ('ann', 'bob', 'eve'):
            store.put(credential(name, secret=b'old'))
        store.put(credential('bob', secret=b'newest'))
        changes = [(n, b'old', b'new') for n in ('ann', 'bob', 'eve', 'zoe')]
        assert store.reseal_all(changes) == 2
        found = [row.secret for row in store.page('', 9)]
        assert found == [b'new', b'newest', b'new']

    def test_delete_tells_whether_there_was_one(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        store.put(credential('bob'))
        assert store.delete('ann') is True
        assert store.delete('ann') is False
        assert store.get('ann') is None
        assert store.find('default', 'name of ann') is None
        assert store.page('', 10) == [credential('bob')]

    def test_domain_may_be_empty(self, store: CredentialStore) -> None:
        ann = credential('ann', domain_id='')
        store.put(ann)
        assert store.get('ann') == ann
        assert store.find('', 'name of ann') == ann
        assert store.find('default', 'name of ann') is None

    def test_same_name_in_two_domains_is_two_names(
        self, store: CredentialStore
    ) -> None:
        ann = credential('ann', domain_id='one', username='a')
        bob = credential('bob', domain_id='two', username='a')
        store.put(ann)
        store.put(bob)
        assert store.find('one', 'a') == store.get('ann') == ann
        assert store.find('two', 'a') == store.get('bob') == bob

    def test_name_is_taken_away_from_who_had_it(
        self, store: CredentialStore
    ) -> None:
        ann = credential('ann', username='a')
        bob = credential('bob', username='a', updated_at=LATER)
        store.put(ann)
        store.put(bob)
        assert store.find('default', 'a') == bob
        assert store.get('ann') == dataclasses.replace(ann, username=None)

    def test_nobody_is_found_under_a_name_taken_away(
        self, store: CredentialStore
    ) -> None:
        for user_id in ('ann', 'bob', 'cyd'):
            store.put(credential(user_id, username='a'))
        store.delete('cyd')
        assert store.find('default', 'a') is None
        assert store.find('default', '') is None
        assert store.find('default', 'None') is None
        assert len(store.page('', 10)) == 2

    def test_name_comes_back_with_the_next_put(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann', username='a'))
        store.put(credential('bob', username='a'))
        store.put(credential('ann', username='b'))
        assert store.find('default', 'a') == credential('bob', username='a')
        assert store.find('default', 'b') == credential('ann', username='b')

    def test_names_are_swapped(self, store: CredentialStore) -> None:
        store.put(credential('ann', username='a'))
        store.put(credential('bob', username='b'))
        store.put(credential('ann', username='b'))
        store.put(credential('bob', username='a'))
        assert store.find('default', 'a') == credential('bob', username='a')
        assert store.find('default', 'b') == credential('ann', username='b')

    def test_put_without_a_name_takes_none_away(
        self, store: CredentialStore
    ) -> None:
        ann, bob = (credential(id_, username=None) for id_ in ('ann', 'bob'))
        store.put(credential('cyd'))
        for one in (ann, bob, ann):
            store.put(one)
        assert store.page('', 10) == [ann, bob, credential('cyd')]

    def test_hostile_ids_are_kept_apart(self, store: CredentialStore) -> None:
        rows = [
            credential(user_id, username=str(number), secret=b'%d' % number)
            for number, user_id in enumerate(HOSTILE)
        ]
        for row in rows:
            store.put(row)
        assert [store.get(user_id) for user_id in HOSTILE] == rows
        assert [store.delete(row.user_id) for row in rows] == [True] * len(
            rows
        )
        assert store.page('', 10) == []

    def test_hostile_names_are_kept_apart(
        self, store: CredentialStore
    ) -> None:
        rows = [
            credential(f'{number}', username=name)
            for number, name in enumerate(HOSTILE)
        ]
        for row in rows:
            store.put(row)
        assert [store.find('default', name) for name in HOSTILE] == rows

    def test_hostile_domains_are_kept_apart(
        self, store: CredentialStore
    ) -> None:
        rows = [
            credential(f'{number}', domain_id=domain_id, username='a')
            for number, domain_id in enumerate(HOSTILE)
        ]
        for row in rows:
            store.put(row)
        assert [store.find(domain_id, 'a') for domain_id in HOSTILE] == rows

    def test_patterns_find_nothing(self, store: CredentialStore) -> None:
        store.put(credential('ann', username='ann'))
        for pattern in ('%', '_nn', 'a%', '*', 'a*', '.*', '', "' OR '1'='1"):
            assert store.get(pattern) is None
            assert store.find('default', pattern) is None
            assert store.delete(pattern) is False
        assert store.get('ann') is not None

    def test_pages_are_in_the_order_of_code_points(
        self, store: CredentialStore
    ) -> None:
        # The last two are the other way round in UTF-16.
        ids = ['0', '10', '2', 'B', 'a', 'a ', 'aa', 'b', 'é', '\uff5a']
        ids.append('\U0001d4b3')
        for user_id in ids[::2] + ids[1::2]:
            store.put(credential(user_id))
        assert [row.user_id for row in store.page('', 100)] == ids
        for number, user_id in enumerate(ids):
            after = [row.user_id for row in store.page(user_id, 100)]
            assert after == ids[number + 1 :]

    def test_page_by_page_is_everything_once(
        self, store: CredentialStore
    ) -> None:
        rows = [credential(f'user-{number}') for number in range(7)]
        for row in rows:
            store.put(row)
        found: list[Credential] = []
        sizes = []
        while page := store.page(found[-1].user_id if found else '', 3):
            found += page
            sizes.append(len(page))
        assert found == rows
        assert sizes == [3, 3, 1]

    def test_page_goes_on_where_the_last_row_is_gone(
        self, store: CredentialStore
    ) -> None:
        for user_id in 'abcd':
            store.put(credential(user_id))
        store.delete('b')
        assert [row.user_id for row in store.page('b', 1)] == ['c']
        assert [row.user_id for row in store.page('bb', 10)] == ['c', 'd']
        assert store.page('a', 0) == []

    def test_writes_of_one_user_at_once(self, store: CredentialStore) -> None:
        for _ in range(ROUNDS):
            written = [
                credential(
                    'ann',
                    username=f'ann-{number}',
                    secret=b'%d' % number * 200,
                    updated_at=BORN + datetime.timedelta(seconds=number),
                )
                for number in range(THREADS)
            ]
            at_once(*(partial(store.put, row) for row in written))
            assert store.get('ann') in written
            assert len(store.page('', 10)) == 1

    def test_writes_of_many_users_at_once(
        self, store: CredentialStore
    ) -> None:
        written = [credential(f'user-{n}') for n in range(THREADS * ROUNDS)]
        for first in range(0, len(written), THREADS):
            batch = written[first : first + THREADS]
            at_once(*(partial(store.put, row) for row in batch))
        assert store.page('', 100) == sorted(
            written, key=lambda row: row.user_id
        )

    def test_renewal_replaces_what_was_read_or_nothing(
        self, store: CredentialStore
    ) -> None:
        row, other = credential('ann'), credential('bob')
        renewed = dataclasses.replace(row, secret=b'new', updated_at=LATER)
        for written in (row, other):
            store.put(written)
        before = changed(store, 'ann').at
        if store.renew(row, renewed, 'chain'):
            assert store.get('ann') == renewed
            assert changed(store, 'ann').chain == 'chain'
            assert changed(store, 'ann').at > before
        else:
            assert store.get('ann') == row
            assert changed(store, 'ann').at == before
        assert store.get('bob') == other

    @pytest.mark.parametrize('since', ['written', 'nameless', 'deleted'])
    def test_renewal_of_what_changed_since_does_nothing(
        self, store: CredentialStore, since: str
    ) -> None:
        row = credential('ann')
        store.put(row)
        if since == 'written':
            store.put(dataclasses.replace(row, secret=b'newer'))
        elif since == 'nameless':
            store.put(credential('bob', username=row.username))
        else:
            store.delete('ann')
        found, change = store.get('ann'), changed(store, 'ann')
        renewed = dataclasses.replace(row, secret=b'new', updated_at=LATER)
        assert not store.renew(row, renewed, 'chain')
        assert (store.get('ann'), changed(store, 'ann')) == (found, change)

    def test_rename_gives_the_name_and_changes_nothing_else(
        self, store: CredentialStore
    ) -> None:
        row, other = credential('ann'), credential('bob', username='new')
        store.put(row)
        store.put(other)
        store.rename(row, 'new')
        assert store.get('ann') == dataclasses.replace(row, username='new')
        assert store.find('default', 'new') == store.get('ann')
        assert store.get('bob') == dataclasses.replace(other, username=None)

    def test_rename_of_what_was_written_since_does_nothing(
        self, store: CredentialStore
    ) -> None:
        row, other = credential('ann'), credential('bob', username='new')
        newer = dataclasses.replace(
            row,
            secret=b'newer',
            updated_at=row.updated_at + datetime.timedelta(seconds=1),
        )
        for written in (row, newer, other):
            store.put(written)
        store.rename(row, 'new')
        assert store.get('ann') == newer
        assert store.get('bob') == other

    def test_rename_of_what_is_gone_does_nothing(
        self, store: CredentialStore
    ) -> None:
        row = credential('ann')
        store.put(row)
        store.delete('ann')
        store.rename(row, 'new')
        assert store.get('ann') is None
        assert store.find('default', 'new') is None

    def test_one_name_written_for_many_users_at_once(
        self, store: CredentialStore
    ) -> None:
        for _ in range(ROUNDS):
            written = [
                credential(f'user-{number}', username='a')
                for number in range(THREADS)
            ]
            at_once(*(partial(store.put, row) for row in written))
            named = [row for row in store.page('', 100) if row.username]
            assert len(named) == 1
            assert store.find('default', 'a') == named[0]

    def test_delete_and_put_at_once(self, store: CredentialStore) -> None:
        for number in range(ROUNDS * 3):
            row = credential('ann', secret=b'%d' % number)
            before = store.get('ann')
            _, deleted = at_once(
                partial(store.put, row), partial(store.delete, 'ann')
            )
            assert deleted or before is None
            assert store.get('ann') in (row, None)

    def test_deletes_at_once_succeed_once(
        self, store: CredentialStore
    ) -> None:
        for _ in range(ROUNDS):
            store.put(credential('ann'))
            deleted = at_once(*[partial(store.delete, 'ann')] * THREADS)
            assert sorted(deleted) == [False] * (THREADS - 1) + [True]

    def test_every_write_of_a_key_is_dated_by_the_store(
        self, store: CredentialStore
    ) -> None:
        assert store.change('ann') is None
        before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        for write in (
            partial(store.put, credential('ann')),
            partial(store.put, credential('ann', secret=b'new')),
            partial(store.put_all, [credential('ann')]),
            partial(store.delete, 'ann'),
            partial(store.put, credential('ann')),
        ):
            write()
            found = changed(store, 'ann').at
            assert before <= found.replace(microsecond=0)
            assert found.utcoffset() == datetime.timedelta(0)
            before = found.replace(microsecond=0)
        assert before <= datetime.datetime.now(datetime.UTC)

    def test_clock_of_the_store_is_the_one_that_dates(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        now = store.now()
        if now is None:
            pytest.skip('the store does not show its clock')
        past = now - changed(store, 'ann').at
        assert past < datetime.timedelta(seconds=5)
        assert now.utcoffset() == datetime.timedelta(0)

    def test_chain_is_that_of_the_last_change(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'), chain='first')
        assert changed(store, 'ann').chain == 'first'
        store.put_all([credential('ann'), credential('bob')])
        assert changed(store, 'ann').chain is None
        assert changed(store, 'bob').chain is None
        store.delete('ann', chain='second')
        assert changed(store, 'ann').chain == 'second'
        store.put(credential('ann'), chain='third')
        assert changed(store, 'ann').chain == 'third'

    def test_change_outlives_the_key(self, store: CredentialStore) -> None:
        store.put(credential('ann'), chain='added')
        store.delete('ann', chain='deleted')
        deleted = changed(store, 'ann')
        assert deleted.chain == 'deleted'
        assert store.delete('ann', chain='later') is False
        assert store.change('ann') == deleted
        assert store.get('ann') is None
        assert store.page('', 10) == []

    def test_old_changes_are_forgotten_and_no_key(
        self, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        store.put(credential('bob'), chain='a chain')
        store.delete('bob', chain='a chain')
        store.put(credential('carol'))
        dated = {
            name: changed(store, name).at for name in ('ann', 'bob', 'carol')
        }
        assert store.forget_changes(min(dated.values())) == 0
        later = max(dated.values()) + datetime.timedelta(seconds=2)
        assert store.forget_changes(later) == 3
        assert [store.change(name) for name in ('ann', 'bob', 'carol')] == [
            None
        ] * 3
        assert [row.user_id for row in store.page('', 9)] == ['ann', 'carol']
        assert store.forget_changes(later) == 0
        store.put(credential('bob'), chain='another')
        assert changed(store, 'bob').chain == 'another'

    def test_count_is_that_of_all_pages(self, store: CredentialStore) -> None:
        # The second is what a driver has that brings none of its own.
        for number, name in enumerate(('ann', 'bob', 'eve')):
            counts = (store.count(), CredentialStore.count(store))
            assert counts == (number, number)
            store.put(credential(name))
        store.delete('bob')
        assert (store.count(), CredentialStore.count(store)) == (2, 2)

    def test_secrets_are_counted_by_the_key_that_sealed_them(
        self, store: CredentialStore
    ) -> None:
        assert store.sealed_by() == {}
        for number, sealed in enumerate(
            (b"\0\xff'\\1", b"\0\xff'\\2", b'key2')
        ):
            store.put(credential(str(number), secret=sealed))
        assert store.sealed_by() == {b"\0\xff'\\": 2, b'key2': 1}

    def test_name_and_seal_are_no_change(self, store: CredentialStore) -> None:
        ann = credential('ann')
        store.put(ann, chain='first')
        dated = store.change('ann')
        store.rename(ann, 'anna')
        store.reseal('ann', ann.secret, b'new')
        store.reseal_all([('ann', b'new', b'newer')])
        store.put(credential('bob', username='anna'))
        assert store.change('ann') == dated

    def test_changes_of_hostile_ids_are_kept_apart(
        self, store: CredentialStore
    ) -> None:
        for number, user_id in enumerate(HOSTILE):
            store.put(credential(user_id, username=None), chain=f'{number}')
        assert [changed(store, user_id).chain for user_id in HOSTILE] == [
            f'{number}' for number in range(len(HOSTILE))
        ]
        for pattern in ('%', '_nn', '*', 'a*', ''):
            assert store.change(pattern) is None

    def test_no_read_sees_half_a_write(self, store: CredentialStore) -> None:
        one = credential('ann', username='one', secret=b'1' * 900)
        two = credential('ann', username='two', secret=b'2' * 900)
        store.put(one)

        def write() -> None:
            for _ in range(10):
                store.put(two)
                store.put(one)

        def read() -> list[Credential | None]:
            return [store.get('ann') for _ in range(50)]

        seen = at_once(write, read, read)[1:]
        assert all(row in (one, two) for rows in seen for row in rows)


class CredentialOutageContract:
    """Promises of a store that may be out of reach, by a fixture for it."""

    def test_every_method_tells_an_outage(
        self, unreachable: CredentialStore
    ) -> None:
        calls: list[Callable[[], Any]] = [
            unreachable.check,
            partial(unreachable.get, 'ann'),
            partial(unreachable.find, 'default', 'ann'),
            partial(unreachable.change, 'ann'),
            partial(unreachable.put, credential('ann', secret=b'visible')),
            partial(unreachable.delete, 'ann'),
            partial(unreachable.page, '', 10),
        ]
        for call in calls:
            with pytest.raises(base.Outage) as outage:
                call()
            assert str(outage.value)
            assert 'visible' not in str(outage.value)
