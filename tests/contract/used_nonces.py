"""What keymw.storage.base promises of a UsedNonceStore, as tests.

The test of a driver inherits UsedNonceStoreContract, and
UsedNonceOutageContract too where the store can be out of reach, and names its
stores by two fixtures, as that of a CredentialStore does.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.global_keys import UsedNonceStore
from tests.contract.credentials import ROUNDS
from tests.contract.credentials import THREADS
from tests.contract.global_keys import told_at_once

EARLY, LATE = f'{1:040x}', f'{2:040x}'


def is_there(store: UsedNonceStore, use: str) -> bool:
    """Whether a use was written; if not, it is by now."""
    try:
        store.add(use)
    except base.Taken:
        return True
    return False


class UsedNonceStoreContract:
    """Promises of a store, given by a fixture."""

    def test_empty_store_serves(self, store: UsedNonceStore) -> None:
        store.check()
        store.drop(LATE)

    def test_each_use_is_written_once(self, store: UsedNonceStore) -> None:
        for use in (LATE, EARLY):
            store.add(use)
        for use in (EARLY, LATE):
            with pytest.raises(base.Taken):
                store.add(use)

    def test_of_writes_at_once_one_succeeds(
        self, store: UsedNonceStore
    ) -> None:
        for number in range(ROUNDS):
            use = f'{number:040x}'
            found = told_at_once(
                *(partial(store.add, use) for _ in range(THREADS))
            )
            assert found.count(None) == 1
            assert found.count(base.Taken) == THREADS - 1

    def test_older_ones_are_dropped_alone(self, store: UsedNonceStore) -> None:
        uses = [f'{number:040x}' for number in (9, 10, 15, 16, 255, 256)]
        for use in uses:
            store.add(use)
        for _ in range(2):
            store.drop(uses[3])
        found = [is_there(store, use) for use in uses]
        assert found == [False] * 3 + [True] * 3

    def test_drops_and_writes_at_once_succeed(
        self, store: UsedNonceStore
    ) -> None:
        for number in range(ROUNDS):
            old = [f'{number * THREADS + n:040x}' for n in range(THREADS)]
            new = [f'{1000 + int(use, 16):040x}' for use in old]
            for use in old:
                store.add(use)
            found = told_at_once(
                *(partial(store.add, use) for use in new),
                *(partial(store.drop, f'{1000:040x}') for _ in range(2)),
            )
            assert found == [None] * (THREADS + 2)
            assert all(is_there(store, use) for use in new)


class UsedNonceOutageContract:
    """Promises of a store that may be out of reach, by a fixture for it."""

    def test_every_method_tells_an_outage(
        self, unreachable: UsedNonceStore
    ) -> None:
        for call in calls(unreachable):
            with pytest.raises(base.Outage) as outage:
                call()
            assert str(outage.value)
            assert EARLY not in str(outage.value)


def calls(store: UsedNonceStore) -> list[Callable[[], Any]]:
    """A call of every method of a store."""
    return [
        store.check,
        partial(is_there, store, EARLY),
        partial(store.drop, EARLY),
    ]
