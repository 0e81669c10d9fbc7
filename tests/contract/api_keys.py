"""What keymw.storage.api_keys promises of an ApiKeyStore, as tests.

The test of a driver inherits ApiKeyStoreContract, and ApiKeyOutageContract
too where the store can be out of reach, and names its stores by two fixtures,
as that of a CredentialStore does.
"""

from collections.abc import Callable
import dataclasses
import datetime
from functools import partial
import time
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.api_keys import ALL
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import NameTaken
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.storage.api_keys import TooMany
from keymw.storage.api_keys import Use
from tests.contract.credentials import BORN
from tests.contract.credentials import HOSTILE
from tests.contract.credentials import LATER
from tests.contract.credentials import THREADS
from tests.contract.credentials import at_once
from tests.contract.global_keys import told_at_once

MICROSECOND = datetime.timedelta(microseconds=1)
HOUR = datetime.timedelta(hours=1)
PREVIOUS = Previous(b'visible before', LATER)


def key(key_id: str, **changes: Any) -> ApiKey:
    """A complete key whose members all tell of its id."""
    made = ApiKey(
        id=key_id,
        user_id='ann',
        name=f'name of {key_id}'[:255],
        description=f'about {key_id}'[:255],
        project_id='project',
        roles=frozenset({'reader', 'member'}),
        unrestricted=False,
        expires_at=LATER,
        allowed_cidrs=('10.0.0.0/8', '::/0'),
        secret=b'visible ' + key_id.encode(),
        created_at=BORN,
        updated_at=BORN,
        state=State.COMPLETE,
        trust_id='trust',
        trustee_id='trustee',
        trust_expires_at=LATER,
        former_trust_id='former',
        seal=b'seal of ' + key_id.encode(),
    )
    return dataclasses.replace(made, **changes)


def added(store: ApiKeyStore, *ids: str, **changes: Any) -> list[ApiKey]:
    """Keys with these ids, which are in the store now."""
    rows = [key(key_id, **changes) for key_id in ids]
    for row in rows:
        store.add(row)
    return rows


def swap(store: ApiKeyStore, before: ApiKey, **changes: Any) -> ApiKey:
    """A key after a swap that must succeed."""
    after = store.swap(before, dataclasses.replace(before, **changes))
    assert after is not None
    assert store.get(before.id) == after
    return after


def found(store: ApiKeyStore, **where: Any) -> list[str]:
    """The ids that a filter admits; page and count agree."""
    wanted = Filter(**where)
    ids = [row.id for row in store.page('', 100, wanted)]
    assert store.count(wanted) == len(ids)
    return ids


class ApiKeyStoreContract:
    """Promises of a store, given by a fixture."""

    def test_empty_store_serves(self, store: ApiKeyStore) -> None:
        store.check()
        assert store.get('one') is None
        assert store.page('', 10, ALL) == []
        assert store.owners('', 10) == []
        assert store.count() == len(store.sealed_by()) == 0
        assert store.swap(key('one'), key('one', name='x')) is None
        assert not store.remove(key('one'))
        assert store.change('ann') is None
        store.used([Use('one', LATER, '::1')])
        assert store.get('one') is None

    def test_every_member_is_kept(self, store: ApiKeyStore) -> None:
        full = key(
            'one', previous=PREVIOUS, disabled_by='admin', enabled=False
        )
        bare = key(
            'two',
            project_id=None,
            roles=frozenset(),
            unrestricted=True,
            expires_at=None,
            allowed_cidrs=None,
            trust_id=None,
            trustee_id=None,
            trust_expires_at=None,
            former_trust_id=None,
            state=State.PENDING,
            seal=None,
        )
        none = key('three', allowed_cidrs=())
        for row in (full, bare, none):
            store.add(row)
            assert store.get(row.id) == row
        assert store.page('', 10, ALL) == [full, none, bare]

    def test_ids_and_names_are_exact(self, store: ApiKeyStore) -> None:
        rows = [
            key(f'{number:03}', name=name, description=name)
            for number, name in enumerate(HOSTILE)
        ]
        rows += [key(id_, name=id_) for id_ in ('Aa', 'aA', 'AA', 'aa ', 'aa')]
        for row in rows:
            store.add(row)
        assert store.page('', 100) == sorted(rows, key=lambda row: row.id)
        for row in rows:
            assert store.get(row.id) == row
            assert found(store, user_id='ann', name=row.name) == [row.id]
        assert store.get('AaA') is store.get('aa  ') is None

    def test_name_is_that_of_one_key_of_its_owner(
        self, store: ApiKeyStore
    ) -> None:
        pending, other = added(store, 'one', 'two', state=State.PENDING)
        added(store, 'three', user_id='bob', name=pending.name)
        with pytest.raises(NameTaken):
            store.add(key('four', name=pending.name))
        with pytest.raises(NameTaken):
            store.swap(other, dataclasses.replace(other, name=pending.name))
        with pytest.raises(base.Taken):
            store.add(key('one', name='another'))
        assert store.page('', 10, Filter(user_id='ann')) == []
        assert [row.id for row in store.page('', 10, ALL)] == [
            *('one', 'three', 'two')
        ]
        swap(store, other, name=pending.name.upper())

    def test_deleted_key_hides_and_frees_its_name_and_place(
        self, store: ApiKeyStore
    ) -> None:
        one, two = added(store, 'one', 'two')
        with pytest.raises(TooMany):
            store.add(key('three'), limit=2)
        deleted = swap(store, one, state=State.DELETED)
        assert found(store) == ['two']
        store.add(key('three', name=one.name), limit=2)
        second = swap(store, key('three', name=one.name), state=State.DELETED)
        store.add(key('four', name=one.name), limit=2)
        assert found(store, states=frozenset({State.DELETED})) == [
            *('one', 'three')
        ]
        assert store.owners('', 10) == ['ann']
        gone = key('five', name=two.name, state=State.DELETED)
        store.add(gone, limit=0)
        assert store.remove(gone)
        assert store.remove(deleted)
        assert store.remove(second)
        assert not store.remove(second)
        assert store.page('', 10, ALL) == [key('four', name=one.name), two]

    def test_of_names_taken_at_once_one_is(self, store: ApiKeyStore) -> None:
        (old,) = added(store, 'old')
        named = dataclasses.replace(old, name='name')
        calls: list[Callable[[], Any]] = [
            partial(store.add, key(f'{number}', name='name'))
            for number in range(THREADS)
        ]
        told = told_at_once(*calls, partial(store.swap, old, named))
        assert told.count(NameTaken) == THREADS
        assert len(found(store, name='name')) == 1

    def test_limit_is_exact_for_thirty_at_once(
        self, store: ApiKeyStore
    ) -> None:
        def is_added(key_id: str) -> bool:
            try:
                store.add(key(key_id, state=State.PENDING), 25)
            except TooMany:
                return False
            return True

        told = at_once(*(partial(is_added, f'{n}') for n in range(30)))
        assert sum(told) == 25
        assert store.count(ALL) == 25

    def test_no_update_is_lost(self, store: ApiKeyStore) -> None:
        added(store, 'one', description='0')

        def count() -> None:
            while True:
                before = store.get('one')
                assert before is not None
                more = str(int(before.description) + 1)
                after = dataclasses.replace(before, description=more)
                if store.swap(before, after) is not None:
                    return

        told_at_once(*[count] * THREADS)
        row = store.get('one')
        assert row is not None
        assert row.description == str(row.revision) == str(THREADS)

    def test_swap_of_a_row_that_changed_writes_nothing(
        self, store: ApiKeyStore
    ) -> None:
        one, two = added(store, 'one', 'two', unrestricted=True)
        renamed = swap(store, one, name='new')
        late = dataclasses.replace(one, state=State.DELETED, enabled=False)
        assert store.swap(one, late) is None
        assert not store.remove(one)
        assert store.get('one') == renamed
        assert store.change('ann') is None
        pairs = [(one, late), (two, dataclasses.replace(two, seal=b'new'))]
        assert store.swap_all(pairs) == 1
        assert store.get('one') == renamed
        assert store.remove(renamed)
        assert store.swap(renamed, one) is None

    def test_swap_keeps_owner_creation_and_last_use(
        self, store: ApiKeyStore
    ) -> None:
        (one,) = added(store, 'one', previous=PREVIOUS)
        store.used([Use('one', LATER, '::1', was_previous=True)])
        other = key(
            'other',
            user_id='bob',
            created_at=LATER,
            previous=dataclasses.replace(PREVIOUS, secret=b'sealed anew'),
        )
        assert store.swap(one, other)
        row = store.get('one')
        assert row is not None
        assert row == dataclasses.replace(
            other,
            id='one',
            user_id='ann',
            created_at=BORN,
            last_used_at=LATER,
            last_used_from='::1',
            previous=Previous(b'sealed anew', LATER, LATER),
            revision=1,
        )

    def test_last_use_is_the_latest_of_all_batches(
        self, store: ApiKeyStore
    ) -> None:
        one, two = added(store, 'one', 'two')
        store.used(
            [
                Use('one', LATER, '192.0.2.2'),
                Use('one', BORN, '192.0.2.1'),
                Use('gone', LATER, '192.0.2.1'),
                Use('two', BORN, '192.0.2.1', was_previous=True),
            ]
        )
        store.used([])
        store.used([Use('one', LATER - MICROSECOND, '192.0.2.3')])
        rows = store.page('', 10)
        assert [(row.last_used_at, row.last_used_from) for row in rows] == [
            (LATER, '192.0.2.2'),
            (BORN, '192.0.2.1'),
        ]
        assert rows[1].previous is None
        # Both were read before the uses.
        swap(store, rows[0], name='x')
        assert store.swap(two, dataclasses.replace(two, name='y'))
        assert store.page('', 10)[1].last_used_at == BORN
        assert one.revision == two.revision == 0

    def test_use_of_the_previous_secret_counts_since_the_rotation(
        self, store: ApiKeyStore
    ) -> None:
        added(store, 'one', previous=PREVIOUS, rotated_at=BORN)
        store.used([Use('one', BORN + HOUR, '::1', was_previous=True)])
        row = store.get('one')
        assert row is not None
        used = dataclasses.replace(PREVIOUS, last_used_at=BORN + HOUR)
        assert row.previous == used
        assert row.last_used_at == BORN + HOUR
        row = swap(store, row, previous=PREVIOUS, rotated_at=BORN + 2 * HOUR)
        assert row.previous == PREVIOUS
        # A batch of before the second rotation is written after it.
        store.used([Use('one', BORN + HOUR, '::1', was_previous=True)])
        assert store.get('one') == row
        assert swap(store, row, previous=None).previous is None

    def test_pages_follow_the_order_of_ids(self, store: ApiKeyStore) -> None:
        ids = ['0', '9', 'A', 'Z', 'a', 'z']
        added(store, *reversed(ids))
        added(store, 'Y', user_id='bob')
        in_order = sorted([*ids, 'Y'])
        for limit in (1, 3, 100):
            after, seen = '', []
            while page := store.page(after, limit):
                assert len(page) <= limit
                seen += [row.id for row in page]
                after = seen[-1]
            assert seen == in_order
        # The marker was deleted, or was never there.
        assert [row.id for row in store.page('Q', 2)] == ['Y', 'Z']
        assert store.owners('', 1) == ['ann']
        assert store.owners('ann', 10) == store.owners('b', 1) == ['bob']

    def test_filters(self, store: ApiKeyStore) -> None:
        added(store, 'a', expires_at=None)
        added(store, 'b', enabled=False, disabled_by='owner')
        added(store, 'c', user_id='bob', project_id=None)
        added(store, 'd', created_at=BORN + HOUR, expires_at=LATER - HOUR)
        added(store, 'e', state=State.PENDING, updated_at=BORN - HOUR)
        added(store, 'f', state=State.DELETED, updated_at=BORN + HOUR)
        store.used([Use('a', BORN + 2 * HOUR, '::1')])
        assert found(store) == ['a', 'b', 'c', 'd']
        assert found(store, user_id='bob') == ['c']
        assert found(store, project_id='project') == ['a', 'b', 'd']
        assert found(store, name='name of b') == ['b']
        assert found(store, enabled=False) == ['b']
        assert found(store, enabled=True) == ['a', 'c', 'd']
        assert found(store, unused_since=BORN) == []
        assert found(store, unused_since=BORN + HOUR) == ['b', 'c']
        assert found(store, unused_since=BORN + 3 * HOUR, user_id='ann') == [
            *('a', 'b', 'd')
        ]
        assert found(store, expires_before=LATER) == ['d']
        soon = LATER + MICROSECOND
        assert found(store, expires_before=soon) == ['b', 'c', 'd']
        unfinished = frozenset({State.PENDING, State.DELETED})
        assert found(store, states=unfinished, updated_before=BORN) == ['e']
        assert found(store, states=unfinished) == ['e', 'f']

    def test_change_of_an_unrestricted_key_is_dated(
        self, store: ApiKeyStore
    ) -> None:
        _, row = added(store, 'one', 'two', unrestricted=True)
        former = datetime.datetime.now(datetime.UTC) - HOUR
        for change in (
            {'enabled': False},
            {'rotated_at': BORN, 'secret': b'new'},
            {'state': State.DELETED},
        ):
            row = swap(store, row, name='x')
            assert store.forget_changes(LATER + 10_000 * HOUR) in (0, 1)
            assert store.change('ann') is None
            after = dataclasses.replace(row, **change)
            written = store.swap(row, after, 'chain')
            assert written is not None
            dated = store.change('ann')
            assert dated is not None
            assert dated.chain == 'chain'
            assert dated.at > former
            row = written
        assert store.change('bob') is None
        assert store.forget_changes(former) == 0
        assert store.forget_changes(LATER + 10_000 * HOUR) == 1

    def test_change_of_another_key_is_not_dated(
        self, store: ApiKeyStore
    ) -> None:
        (row,) = added(store, 'one')
        row = swap(store, row, enabled=False)
        row = swap(store, row, rotated_at=BORN)
        swap(store, row, state=State.DELETED)
        assert store.change('ann') is None

    def test_secrets_are_counted_by_sealing_key(
        self, store: ApiKeyStore
    ) -> None:
        added(store, 'one', previous=Previous(b'old-before', LATER))
        added(store, 'two', secret=b'new-x', state=State.PENDING, seal=None)
        assert store.sealed_by() == {
            b'visi': 1,
            b'old-': 1,
            b'seal': 1,
            b'new-': 1,
        }


class ApiKeyOutageContract:
    """Promises of a store that may be out of reach, by a fixture for it."""

    def test_every_method_tells_an_outage(
        self, unreachable: ApiKeyStore
    ) -> None:
        for call in calls(unreachable):
            with pytest.raises(base.Outage) as outage:
                call()
            assert str(outage.value)
            assert 'visible' not in str(outage.value)


def calls(store: ApiKeyStore) -> list[Callable[[], Any]]:
    """Every question to a store, and every order."""
    unrestricted = key('one', unrestricted=True)
    deleted = dataclasses.replace(unrestricted, state=State.DELETED)
    return [
        store.check,
        partial(store.get, 'one'),
        lambda: store.add(
            key(f'{time.monotonic()}', name=f'{time.time()}'), 9
        ),
        partial(store.swap, key('one'), key('one', name='x')),
        partial(store.swap, unrestricted, deleted),
        partial(store.swap_all, [(key('one'), key('one', name='x'))]),
        partial(store.remove, key('nobody')),
        partial(store.used, [Use('one', LATER, '::1')]),
        partial(store.page, '', 10),
        partial(store.owners, '', 10),
        store.count,
        store.sealed_by,
        partial(store.change, 'ann'),
        partial(store.forget_changes, BORN),
    ]
