"""What keymw.storage.base promises of an AccessListStore, as tests.

The test of a driver inherits AccessListStoreContract, and
AccessListOutageContract too where the store can be out of reach, and names
its stores by two fixtures, as that of a CredentialStore does.
"""

from collections.abc import Callable
import dataclasses
import datetime
from functools import partial
import ipaddress
import time
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import LockedOut
from tests.contract.credentials import BORN
from tests.contract.credentials import HOSTILE
from tests.contract.credentials import LATER
from tests.contract.credentials import ROUNDS
from tests.contract.credentials import THREADS
from tests.contract.global_keys import Refused
from tests.contract.global_keys import refuse
from tests.contract.global_keys import slowly
from tests.contract.global_keys import told_at_once

ME = ipaddress.ip_address('10.1.2.3')
MINE = '10.0.0.0/8'
MINE_TOO = '10.1.0.0/16'
ELSEWHERE = '192.0.2.0/24'


def entry(id_: str, network: str = MINE, **changes: Any) -> AccessEntry:
    """An entry with members made from its id or its network."""
    made = AccessEntry(
        id=id_,
        cidr_block=network,
        network=network,
        description=f'network of {id_}'[:255],
        created_at=BORN,
        updated_at=BORN,
    )
    return dataclasses.replace(made, **changes)


def moved(network: str) -> Callable[[AccessEntry], AccessEntry]:
    """A change to another network."""
    return partial(
        dataclasses.replace,
        cidr_block=network,
        network=network,
        updated_at=LATER,
    )


def described(text: str) -> Callable[[AccessEntry], AccessEntry]:
    """A change of the description alone."""
    return partial(dataclasses.replace, description=text, updated_at=LATER)


class AccessListStoreContract:
    """Promises that every driver keeps."""

    def test_serves(self, store: AccessListStore) -> None:
        store.check()

    def test_nothing_is_found_in_an_empty_store(
        self, store: AccessListStore
    ) -> None:
        assert store.get('one') is None
        assert store.all() == store.page(0, 10) == []
        assert store.count() == 0
        assert store.update('one', refuse, ME) is None
        assert store.delete('one', ME) is False
        store.used('one', BORN)
        assert store.count() == 0

    @pytest.mark.parametrize(
        ('network', 'given'),
        [
            ('10.0.0.0/8', '10.1.2.3/8'),
            ('192.0.2.1/32', '192.0.2.1'),
            ('0.0.0.0/0', '0.0.0.0/0'),
            ('2001:db8::/48', '2001:0DB8:0::/48'),
            ('::1/128', '::1'),
        ],
    )
    def test_add_is_got_whole(
        self, store: AccessListStore, network: str, given: str
    ) -> None:
        one = entry('one', network, cidr_block=given, updated_at=LATER)
        store.add(one)
        assert store.get('one') == one
        assert store.all() == store.page(0, 10) == [one]
        assert store.count() == 1

    def test_times_are_utc_to_the_microsecond(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one', last_used_at=BORN, updated_at=LATER))
        (found,) = store.all()
        moments = found.created_at, found.updated_at, found.last_used_at
        assert moments == (BORN, LATER, BORN)
        for moment in moments:
            assert moment is not None
            assert moment.utcoffset() == datetime.timedelta(0)

    def test_add_replaces_nothing(self, store: AccessListStore) -> None:
        one = entry('one')
        store.add(one)
        for other in (
            entry('one', ELSEWHERE),
            entry('two', cidr_block='10.1.1.1/8'),
            one,
        ):
            with pytest.raises(base.Taken):
                store.add(other)
        assert store.all() == [one]

    def test_networks_may_overlap(self, store: AccessListStore) -> None:
        rows = [entry('one'), entry('two', MINE_TOO), entry('v6', '::/0')]
        for row in rows:
            store.add(row)
        assert store.all() == rows

    def test_network_is_free_after_delete_and_after_update(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one'))
        store.delete('one', None)
        store.add(entry('two'))
        store.update('two', moved(ELSEWHERE), None)
        store.add(entry('three'))
        assert store.count() == 2

    def test_update_writes_what_change_makes(
        self, store: AccessListStore
    ) -> None:
        for row in (entry('one'), entry('two', MINE_TOO)):
            store.add(row)
        given = []
        new = AccessEntry('one', '192.0.2.7/24', ELSEWHERE, 'x', BORN, LATER)

        def change(found: AccessEntry) -> AccessEntry:
            given.append(found)
            return new

        assert store.update('one', change, None) == new
        assert set(given) == {entry('one')}
        assert store.all() == [new, entry('two', MINE_TOO)]

    def test_update_may_keep_the_network(self, store: AccessListStore) -> None:
        store.add(entry('one'))
        found = store.update('one', described('new'), ME)
        assert found == described('new')(entry('one'))
        assert store.update('one', described('new'), ME) == found
        assert store.get('one') == found

    def test_update_takes_no_network_away(
        self, store: AccessListStore
    ) -> None:
        rows = [entry('one'), entry('two', ELSEWHERE)]
        for row in rows:
            store.add(row)
        with pytest.raises(base.Taken):
            store.update('two', moved(MINE), None)
        assert store.all() == rows

    def test_what_a_change_raises_passes(self, store: AccessListStore) -> None:
        store.add(entry('one'))
        with pytest.raises(Refused):
            store.update('one', refuse, ME)
        assert store.all() == [entry('one')]

    def test_delete_tells_whether_there_was_one(
        self, store: AccessListStore
    ) -> None:
        for row in (entry('one'), entry('two', ELSEWHERE)):
            store.add(row)
        assert store.delete('two', ME) is True
        assert store.delete('two', ME) is False
        assert store.get('two') is None
        assert store.all() == [entry('one')]

    def test_nobody_is_locked_out(self, store: AccessListStore) -> None:
        rows = [entry('one'), entry('two', ELSEWHERE)]
        for row in rows:
            store.add(row)
        for order in (
            partial(store.delete, 'one', ME),
            partial(store.update, 'one', moved('10.2.0.0/16'), ME),
            partial(store.update, 'one', moved('::/0'), ME),
        ):
            with pytest.raises(LockedOut):
                order()
        assert store.all() == rows

    @pytest.mark.parametrize(
        ('network', 'address'),
        [('2001:db8::/48', '2001:db8::1'), ('0.0.0.0/1', '0.0.0.0')],
    )
    def test_addresses_of_every_kind_are_kept(
        self, store: AccessListStore, network: str, address: str
    ) -> None:
        store.add(entry('one', network))
        store.add(entry('two', ELSEWHERE))
        with pytest.raises(LockedOut):
            store.delete('one', ipaddress.ip_address(address))
        assert store.count() == 2

    def test_entry_may_go_where_another_admits(
        self, store: AccessListStore
    ) -> None:
        for row in (entry('one'), entry('two', MINE_TOO)):
            store.add(row)
        assert store.update('one', moved(ELSEWHERE), ME) is not None
        assert store.delete('one', ME) is True

    def test_entry_may_be_narrowed_to_the_address(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one'))
        assert store.update('one', moved(f'{ME}/32'), ME) is not None

    def test_without_an_address_everything_may_go(
        self, store: AccessListStore
    ) -> None:
        for row in (entry('one'), entry('two', MINE_TOO)):
            store.add(row)
        assert store.update('two', moved(ELSEWHERE), None) is not None
        assert store.delete('one', None) is True
        assert store.delete('two', None) is True
        assert store.all() == []

    def test_last_use_is_the_latest_and_changes_nothing_else(
        self, store: AccessListStore
    ) -> None:
        rows = [entry('one'), entry('two', MINE_TOO)]
        for row in rows:
            store.add(row)
        between = BORN + datetime.timedelta(microseconds=1)
        for moment, latest in (
            (between, between),
            (BORN, between),
            (LATER, LATER),
            (LATER, LATER),
            (between, LATER),
        ):
            store.used('one', moment)
            used = dataclasses.replace(rows[0], last_used_at=latest)
            assert store.all() == [used, rows[1]]

    def test_update_leaves_the_last_use(self, store: AccessListStore) -> None:
        store.add(entry('one'))
        store.used('one', LATER)
        found = store.update('one', described('new'), ME)
        assert found is not None
        assert found.last_used_at == LATER
        assert store.get('one') == found

    def test_entries_are_oldest_first_then_by_id(
        self, store: AccessListStore
    ) -> None:
        # The last two are the other way round in UTF-16.
        ids = ['B', 'a', 'aa', 'b', 'é', '\uff5a', '\U0001d4b3']
        before = BORN - datetime.timedelta(microseconds=1)
        rows = [entry('z', '10.9.0.0/16', created_at=before)]
        rows += [entry(id_, f'10.{n}.0.0/16') for n, id_ in enumerate(ids)]
        rows += [entry('A', '10.8.0.0/16', created_at=LATER)]
        for row in rows[::2] + rows[1::2]:
            store.add(row)
        assert store.all() == store.page(0, 100) == rows
        for start in range(len(rows) + 2):
            assert store.page(start, 3) == rows[start : start + 3]
        assert store.page(0, 0) == []
        assert store.count() == len(rows)

    def test_hostile_texts_are_kept_apart(
        self, store: AccessListStore
    ) -> None:
        rows = [
            entry(
                text,
                f'10.0.{number}.0/24',
                cidr_block=text,
                description=text,
                created_at=BORN + datetime.timedelta(seconds=number),
            )
            for number, text in enumerate(HOSTILE)
        ]
        for row in rows:
            store.add(row)
        assert [store.get(text) for text in HOSTILE] == rows
        assert store.all() == rows
        deleted = [store.delete(text, None) for text in HOSTILE]
        assert deleted == [True] * len(HOSTILE)
        assert store.count() == 0

    def test_patterns_find_nothing(self, store: AccessListStore) -> None:
        store.add(entry('one'))
        for pattern in ('%', '_ne', 'o%', '*', 'o*', '.*', '', "' OR '1'='1"):
            assert store.get(pattern) is None
            assert store.update(pattern, refuse, None) is None
            assert store.delete(pattern, None) is False
        assert store.count() == 1

    def test_of_adds_of_a_network_at_once_one_succeeds(
        self, store: AccessListStore
    ) -> None:
        for turn in range(ROUNDS):
            rows = [
                entry(f'{turn}-{number}', f'10.{turn}.0.0/16')
                for number in range(THREADS)
            ]
            found = told_at_once(*(partial(store.add, row) for row in rows))
            assert found.count(base.Taken) == THREADS - 1
            assert store.get(rows[found.index(None)].id) is not None
        assert store.count() == ROUNDS

    def test_of_moves_to_a_network_at_once_one_succeeds(
        self, store: AccessListStore
    ) -> None:
        ids = [f'{number}' for number in range(THREADS)]
        for id_ in ids:
            store.add(entry(id_, f'10.{id_}.0.0/16'))
        move = slowly(moved(ELSEWHERE))
        found = told_at_once(
            *(partial(store.update, id_, move, None) for id_ in ids)
        )
        assert found.count(base.Taken) == THREADS - 1
        assert [e.network for e in store.all()].count(ELSEWHERE) == 1

    def test_one_of_the_last_two_that_admit_stays(
        self, store: AccessListStore
    ) -> None:
        for _ in range(ROUNDS):
            store.add(entry('one'))
            store.add(entry('two', MINE_TOO))
            away = slowly(moved(ELSEWHERE))
            found = told_at_once(
                partial(store.update, 'one', away, ME),
                partial(store.delete, 'two', ME),
            )
            assert found.count(LockedOut) == 1
            assert any(row.admits(ME) for row in store.all())
            for id_ in ('one', 'two'):
                store.delete(id_, None)

    def test_of_many_that_admit_and_go_at_once_one_stays(
        self, store: AccessListStore
    ) -> None:
        for _ in range(ROUNDS):
            ids = [f'{number}' for number in range(THREADS)]
            for number, id_ in enumerate(ids):
                store.add(entry(id_, f'10.0.0.0/{number + 8}'))
            found = told_at_once(
                *(partial(store.delete, id_, ME) for id_ in ids)
            )
            assert found.count(LockedOut) == 1
            (left,) = store.all()
            assert left.id == ids[found.index(LockedOut)]
            store.delete(left.id, None)

    def test_of_deletes_at_once_one_succeeds(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one'))
        found = told_at_once(*[partial(store.delete, 'one', None)] * THREADS)
        assert sorted(found) == [False] * (THREADS - 1) + [True]

    def test_updates_at_once_lose_nothing(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one', description=''))

        def lengthen(found: AccessEntry) -> AccessEntry:
            return described(found.description + 'x')(found)

        told_at_once(
            *[partial(store.update, 'one', slowly(lengthen), ME)] * THREADS
        )
        (found,) = store.all()
        assert found.description == 'x' * THREADS

    def test_uses_at_once_leave_the_latest(
        self, store: AccessListStore
    ) -> None:
        store.add(entry('one'))
        moments = [
            BORN + datetime.timedelta(seconds=number)
            for number in range(THREADS)
        ]
        told_at_once(*(partial(store.used, 'one', m) for m in moments))
        assert store.all() == [entry('one', last_used_at=moments[-1])]

    def test_update_and_use_at_once_lose_nothing(
        self, store: AccessListStore
    ) -> None:
        change = described('new')
        for turn in range(ROUNDS):
            one = entry(f'{turn}', f'10.{turn}.0.0/16')
            store.add(one)
            told_at_once(
                partial(store.update, one.id, slowly(change), None),
                partial(_use_in_between, store, one),
            )
            used = dataclasses.replace(one, last_used_at=LATER)
            assert store.get(one.id) == change(used)


def _use_in_between(store: AccessListStore, row: AccessEntry) -> None:
    time.sleep(0.01)
    store.used(row.id, LATER)


class AccessListOutageContract:
    """Promises of a store that may be out of reach, by a fixture for it."""

    def test_every_method_tells_an_outage(
        self, unreachable: AccessListStore
    ) -> None:
        for call in calls(unreachable).values():
            with pytest.raises(base.Outage) as outage:
                call()
            assert str(outage.value)


def calls(store: AccessListStore) -> dict[str, Callable[[], Any]]:
    """A call of every method of a store."""
    return {
        'check': store.check,
        'get': partial(store.get, 'one'),
        'add': partial(store.add, entry('one')),
        'update': partial(store.update, 'one', described('new'), None),
        'delete': partial(store.delete, 'nobody', None),
        'used': partial(store.used, 'one', LATER),
        'all': store.all,
        'page': partial(store.page, 0, 10),
        'count': store.count,
    }
