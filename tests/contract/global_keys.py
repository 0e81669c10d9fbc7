"""What keymw.storage.base promises of a GlobalKeyStore, as tests.

The test of a driver inherits GlobalKeyStoreContract, and
GlobalKeyOutageContract too where the store can be out of reach, and names its
stores by two fixtures, as that of a CredentialStore does.
"""

from collections.abc import Callable
import dataclasses
import datetime
from functools import partial
import time
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import LastOwner
from keymw.storage.global_keys import LockedOut
from tests.contract.credentials import BORN
from tests.contract.credentials import HOSTILE
from tests.contract.credentials import LATER
from tests.contract.credentials import ROUNDS
from tests.contract.credentials import THREADS
from tests.contract.credentials import at_once

OWNER = frozenset({'GLOBAL_OWNER'})
READER = frozenset({'GLOBAL_READ_ONLY'})


class Refused(Exception):  # noqa: N818, it is what a test makes up
    """The exception of a change that refuses its argument."""


def key(id_: str, **changes: Any) -> GlobalKey:
    """An owner's key with members made from its id."""
    made = GlobalKey(
        id=id_,
        public_key=f'public {id_}'[:255],
        description=f'key of {id_}'[:255],
        roles=OWNER,
        ha1=b'sealed ' + id_.encode(),
        suffix=f'end of {id_}'[:255],
        created_at=BORN,
        updated_at=BORN,
    )
    return dataclasses.replace(made, **changes)


def reader(id_: str, **changes: Any) -> GlobalKey:
    """A key that is no owner's."""
    return key(id_, roles=READER, **changes)


def demoted(found: GlobalKey) -> GlobalKey:
    """A change that takes the role of an owner from a key."""
    return dataclasses.replace(found, roles=READER, updated_at=LATER)


def slowly(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change that leaves others the time to come between."""

    def take_time(found: Any) -> Any:
        time.sleep(0.02)
        return change(found)

    return take_time


def agree(_found: GlobalKey) -> None:
    """A check that likes everything."""


def refuse(_found: Any) -> Any:
    """A change or a check that likes nothing."""
    raise Refused


def told(call: Callable[[], Any]) -> Any:
    """The result of a call, or the kind of its refusal."""
    try:
        return call()
    except (base.Taken, LastOwner, LockedOut) as refusal:
        return type(refusal)


def told_at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The same of calls that start at the same time."""
    return at_once(*(partial(told, call) for call in calls))


class GlobalKeyStoreContract:
    """Promises that every driver keeps."""

    def test_serves(self, store: GlobalKeyStore) -> None:
        store.check()

    def test_nothing_is_found_in_an_empty_store(
        self, store: GlobalKeyStore
    ) -> None:
        assert store.get('one') is None
        assert store.find('public one') is None
        assert store.page(0, 10) == []
        assert store.count() == 0
        assert store.update('one', refuse) is None
        assert store.delete('one', refuse) is False
        assert store.reseal('one', b'old', b'new') is False

    def test_ha1_are_counted_by_the_key_that_sealed_them(
        self, store: GlobalKeyStore
    ) -> None:
        assert store.sealed_by() == {}
        for number, sealed in enumerate(
            (b"\0\xff'\\1", b"\0\xff'\\2", b'key2')
        ):
            store.add(key(str(number), ha1=sealed))
        assert store.sealed_by() == {b"\0\xff'\\": 2, b'key2': 1}

    def test_add_is_got_whole(self, store: GlobalKeyStore) -> None:
        one = key('one', updated_at=LATER)
        store.add(one)
        assert store.get('one') == store.find('public one') == one
        assert store.page(0, 10) == [one]
        assert store.count() == 1

    def test_times_are_utc_to_the_microsecond(
        self, store: GlobalKeyStore
    ) -> None:
        abroad = datetime.timezone(datetime.timedelta(hours=5))
        store.add(key('one', updated_at=LATER.astimezone(abroad)))
        found = store.get('one')
        assert found is not None
        assert (found.created_at, found.updated_at) == (BORN, LATER)

    def test_times_come_back_in_utc(self, store: GlobalKeyStore) -> None:
        store.add(key('one'))
        store.update('one', lambda k: dataclasses.replace(k, updated_at=LATER))
        found = store.get('one')
        assert found is not None
        for moment in (found.created_at, found.updated_at):
            assert moment.utcoffset() == datetime.timedelta(0)

    def test_ha1_is_any_bytes(self, store: GlobalKeyStore) -> None:
        values = (bytes(range(256)), b'\0', b'\xff' * 1024, b' x ')
        for number, ha1 in enumerate(values):
            store.add(key(f'{number}', ha1=ha1))
            found = store.get(f'{number}')
            assert found is not None
            assert found.ha1 == ha1
            assert type(found.ha1) is bytes

    def test_ha1_is_not_shown(self, store: GlobalKeyStore) -> None:
        store.add(key('one', ha1=b'visible'))
        assert 'visible' not in f'{store.get("one")} {store.get("one")!r}'

    @pytest.mark.parametrize(
        'roles', [(), ('A',), ('B', 'A', 'a', 'A '), HOSTILE]
    )
    def test_roles_are_any_set_of_names(
        self, store: GlobalKeyStore, roles: list[str]
    ) -> None:
        one = key('one', roles=frozenset(roles))
        store.add(one)
        assert store.get('one') == one

    def test_add_replaces_nothing(self, store: GlobalKeyStore) -> None:
        one = key('one')
        store.add(one)
        for other in (
            key('one', public_key='other'),
            key('two', public_key=one.public_key),
            one,
        ):
            with pytest.raises(base.Taken):
                store.add(other)
        assert store.page(0, 10) == [one]

    def test_what_was_taken_is_free_after_delete(
        self, store: GlobalKeyStore
    ) -> None:
        store.add(reader('one'))
        store.delete('one', agree)
        again = reader('two', public_key='public one')
        store.add(again)
        assert store.find('public one') == again

    def test_update_writes_what_change_makes(
        self, store: GlobalKeyStore
    ) -> None:
        for each in (key('one'), key('two')):
            store.add(each)
        given = []
        new = GlobalKey(
            'one', 'public one', 'new', READER, b'new', 'x', BORN, LATER
        )

        def change(found: GlobalKey) -> GlobalKey:
            given.append(found)
            return new

        assert store.update('one', change) == new
        assert set(given) == {key('one')}
        assert store.get('one') == store.find('public one') == new
        assert store.get('two') == key('two')

    def test_update_to_the_same_is_an_update(
        self, store: GlobalKeyStore
    ) -> None:
        store.add(key('one'))
        assert store.update('one', lambda found: found) == key('one')

    def test_what_a_change_or_a_check_raises_passes(
        self, store: GlobalKeyStore
    ) -> None:
        for each in (key('one'), key('two')):
            store.add(each)
        with pytest.raises(Refused):
            store.update('one', refuse)
        with pytest.raises(Refused):
            store.delete('one', refuse)
        assert store.page(0, 10) == [key('one'), key('two')]

    def test_last_owner_stays_one(self, store: GlobalKeyStore) -> None:
        for each in (key('one'), reader('two')):
            store.add(each)
        with pytest.raises(LastOwner):
            store.update('one', demoted)
        with pytest.raises(LastOwner):
            store.delete('one', agree)
        assert store.page(0, 10) == [key('one'), reader('two')]

    def test_last_owner_may_change_otherwise(
        self, store: GlobalKeyStore
    ) -> None:
        store.add(key('one'))
        both = dataclasses.replace(key('one'), roles=OWNER | READER)
        assert store.update('one', lambda _found: both) == both

    def test_owner_beside_another_may_go(self, store: GlobalKeyStore) -> None:
        for id_ in ('one', 'two', 'three'):
            store.add(key(id_))
        assert store.update('one', demoted) == demoted(key('one'))
        assert store.delete('two', agree) is True
        assert store.get('three') == key('three')

    def test_who_is_made_owner_frees_the_last(
        self, store: GlobalKeyStore
    ) -> None:
        for each in (key('one'), reader('two')):
            store.add(each)
        store.update('two', lambda k: dataclasses.replace(k, roles=OWNER))
        assert store.delete('one', agree) is True

    @pytest.mark.parametrize('name', ['GLOBAL_OWNERS', 'global_owner', 'X'])
    def test_other_names_are_no_owner(
        self, store: GlobalKeyStore, name: str
    ) -> None:
        for each in (key('one'), key('two', roles=frozenset({name}))):
            store.add(each)
        with pytest.raises(LastOwner):
            store.delete('one', agree)

    def test_keys_without_an_owner_may_be_written(
        self, store: GlobalKeyStore
    ) -> None:
        for id_ in ('one', 'two'):
            store.add(reader(id_))
        assert store.update('one', demoted) == demoted(reader('one'))
        assert store.delete('two', agree) is True

    def test_last_owner_may_be_let_go(self, store: GlobalKeyStore) -> None:
        store.add(key('one'))
        assert store.delete('one', agree, leave_no_owner=True) is True
        assert store.count() == 0

    def test_delete_tells_whether_there_was_one(
        self, store: GlobalKeyStore
    ) -> None:
        for each in (key('one'), reader('two')):
            store.add(each)
        given: list[GlobalKey] = []
        assert store.delete('two', given.append) is True
        assert store.delete('two', given.append) is False
        assert set(given) == {reader('two')}
        assert store.get('two') is None
        assert store.find('public two') is None
        assert store.page(0, 10) == [key('one')]

    def test_reseal_replaces_what_it_was_told_and_nothing_else(
        self, store: GlobalKeyStore
    ) -> None:
        one = key('one')
        store.add(one)
        assert store.reseal('one', one.ha1, b'new') is True
        assert store.get('one') == dataclasses.replace(one, ha1=b'new')
        assert store.reseal('one', one.ha1, b'newer') is False
        assert store.get('one') == dataclasses.replace(one, ha1=b'new')
        assert store.reseal('two', b'new', b'newer') is False
        assert store.get('two') is None

    def test_pages_are_oldest_first_then_by_id(
        self, store: GlobalKeyStore
    ) -> None:
        # The last two are the other way round in UTF-16.
        ids = ['B', 'a', 'aa', 'b', 'é', '\uff5a', '\U0001d4b3']
        rows = [key('z', created_at=BORN - datetime.timedelta(microseconds=1))]
        rows += [key(id_) for id_ in ids]
        rows += [key('A', created_at=LATER)]
        for row in rows[::2] + rows[1::2]:
            store.add(row)
        assert store.page(0, 100) == rows
        for start in range(len(rows) + 2):
            assert store.page(start, 3) == rows[start : start + 3]
        assert store.page(0, 0) == []
        assert store.count() == len(rows)

    def test_hostile_texts_are_kept_apart(self, store: GlobalKeyStore) -> None:
        rows = [
            reader(
                text,
                public_key=text,
                description=text,
                suffix=text,
                created_at=BORN + datetime.timedelta(seconds=number),
            )
            for number, text in enumerate(HOSTILE)
        ]
        for row in rows:
            store.add(row)
        assert [store.get(text) for text in HOSTILE] == rows
        assert [store.find(text) for text in HOSTILE] == rows
        assert store.page(0, 1000) == rows
        deleted = [store.delete(text, agree) for text in HOSTILE]
        assert deleted == [True] * len(HOSTILE)
        assert store.count() == 0

    def test_patterns_find_nothing(self, store: GlobalKeyStore) -> None:
        store.add(reader('one', public_key='one'))
        for pattern in ('%', '_ne', 'o%', '*', 'o*', '.*', '', "' OR '1'='1"):
            assert store.get(pattern) is None
            assert store.find(pattern) is None
            assert store.update(pattern, refuse) is None
            assert store.delete(pattern, refuse) is False
        assert store.count() == 1

    def test_of_adds_of_a_public_key_at_once_one_succeeds(
        self, store: GlobalKeyStore
    ) -> None:
        for turn in range(ROUNDS):
            rows = [
                key(f'{turn}-{number}', public_key=f'{turn}')
                for number in range(THREADS)
            ]
            found = told_at_once(*(partial(store.add, row) for row in rows))
            assert found.count(base.Taken) == THREADS - 1
            assert store.find(f'{turn}') == rows[found.index(None)]
        assert store.count() == ROUNDS

    def test_of_adds_of_an_id_at_once_one_succeeds(
        self, store: GlobalKeyStore
    ) -> None:
        rows = [key('one', public_key=f'{n}') for n in range(THREADS)]
        found = told_at_once(*(partial(store.add, row) for row in rows))
        assert found.count(base.Taken) == THREADS - 1
        assert store.page(0, 10) == [rows[found.index(None)]]

    def test_one_of_the_last_two_owners_stays(
        self, store: GlobalKeyStore
    ) -> None:
        for turn in range(ROUNDS):
            one, two = f'{turn}-one', f'{turn}-two'
            for id_ in (one, two):
                store.add(key(id_))
            found = told_at_once(
                partial(store.update, one, slowly(demoted)),
                partial(store.update, two, slowly(demoted)),
            )
            assert found.count(LastOwner) == 1
            (left,) = owners(store)
            store.delete(left, agree, leave_no_owner=True)

    def test_one_of_the_last_two_owners_stays_when_the_other_is_deleted(
        self, store: GlobalKeyStore
    ) -> None:
        for turn in range(ROUNDS):
            one, two = f'{turn}-one', f'{turn}-two'
            for id_ in (one, two):
                store.add(key(id_))
            found = told_at_once(
                partial(store.delete, one, slowly(agree)),
                partial(store.update, two, slowly(demoted)),
            )
            assert found.count(LastOwner) == 1
            (left,) = owners(store)
            store.delete(left, agree, leave_no_owner=True)

    def test_of_many_owners_who_go_at_once_one_stays(
        self, store: GlobalKeyStore
    ) -> None:
        ids = [f'{number}' for number in range(THREADS)]
        for id_ in ids:
            store.add(key(id_))
        found = told_at_once(
            *(partial(store.delete, id_, slowly(agree)) for id_ in ids)
        )
        assert found.count(LastOwner) == 1
        assert owners(store) == {ids[found.index(LastOwner)]}

    def test_of_deletes_at_once_one_succeeds(
        self, store: GlobalKeyStore
    ) -> None:
        store.add(reader('one'))
        found = told_at_once(*[partial(store.delete, 'one', agree)] * THREADS)
        assert sorted(found) == [False] * (THREADS - 1) + [True]

    def test_updates_at_once_lose_nothing(self, store: GlobalKeyStore) -> None:
        store.add(key('one', description=''))

        def lengthen(found: GlobalKey) -> GlobalKey:
            longer = found.description + 'x'
            return dataclasses.replace(found, description=longer)

        told_at_once(
            *[partial(store.update, 'one', slowly(lengthen))] * THREADS
        )
        assert store.get('one') == key('one', description='x' * THREADS)

    def test_update_and_reseal_at_once_lose_nothing(
        self, store: GlobalKeyStore
    ) -> None:
        for turn in range(ROUNDS):
            one = reader(f'{turn}')
            store.add(one)
            told_at_once(
                partial(store.update, one.id, slowly(demoted)),
                partial(_reseal_in_between, store, one),
            )
            resealed = dataclasses.replace(one, ha1=b'new')
            assert store.get(one.id) == demoted(resealed)


def owners(store: GlobalKeyStore) -> set[str]:
    """The ids of the keys that own."""
    return {row.id for row in store.page(0, 1000) if row.is_owner}


def _reseal_in_between(store: GlobalKeyStore, row: GlobalKey) -> bool:
    time.sleep(0.01)
    return store.reseal(row.id, row.ha1, b'new')


class GlobalKeyOutageContract:
    """Promises of a store that may be out of reach, by a fixture for it."""

    def test_every_method_tells_an_outage(
        self, unreachable: GlobalKeyStore
    ) -> None:
        for call in calls(unreachable).values():
            with pytest.raises(base.Outage) as outage:
                call()
            assert str(outage.value)
            assert 'visible' not in str(outage.value)


def calls(store: GlobalKeyStore) -> dict[str, Callable[[], Any]]:
    """A call of every method of a store."""
    return {
        'check': store.check,
        'get': partial(store.get, 'one'),
        'find': partial(store.find, 'one'),
        'add': partial(store.add, key('one', ha1=b'visible')),
        'update': partial(store.update, 'one', lambda found: found),
        'delete': partial(store.delete, 'nobody', agree),
        'reseal': partial(store.reseal, 'one', b'visible', b'visible'),
        'page': partial(store.page, 0, 10),
        'count': store.count,
    }
