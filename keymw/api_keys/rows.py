"""The rows of API keys, each with a seal that is checked and renewed."""

from collections.abc import Callable
import contextlib
import dataclasses
from typing import Any
from typing import TypeVar

from keymw.api_keys import keys
from keymw.api_keys.faults import Conflict
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import State
from keymw.vault import Vault

_TRIES = 5
Done = TypeVar('Done')


class Meanwhile(Conflict):
    """409: another request changed the key between the read and the write."""

    def __init__(self) -> None:
        super().__init__('The key was changed at the same time: try again.')


class Rows:
    """The store of API keys behind its seals.

    Every method raises Outage if the store fails, and CannotOpen if the seal
    of a row is not valid.
    """

    def __init__(self, store: ApiKeyStore, vault: Vault) -> None:
        self.store = store
        self._vault = vault

    def get(self, key_id: str) -> ApiKey | None:
        """The complete key with an id, or None."""
        found = self.get_any(key_id)
        if found is None or found.state is not State.COMPLETE:
            return None
        return found

    def get_any(self, key_id: str) -> ApiKey | None:
        """The row with an id in any state, or None."""
        found = self.store.get(key_id)
        if found is not None:
            self.check(found)
        return found

    def get_unchecked(self, key_id: str) -> ApiKey | None:
        """The complete key with an id; its seal is still to check()."""
        found = self.store.get(key_id)
        return found if found and found.state is State.COMPLETE else None

    def check(self, key: ApiKey) -> None:
        """Return if the seal of a row is valid."""
        keys.check(self._vault, key)

    def add(self, key: ApiKey, limit: int | None) -> ApiKey:
        """Write a new row; return it as written. Raises as the store does."""
        sealed = keys.bound(self._vault, key)
        self.store.add(sealed, limit)
        return sealed

    def swap(
        self, before: ApiKey, chain: str | None = None, **changes: Any
    ) -> ApiKey:
        """Write changes to a row that was read before; return the new row.

        :raises Meanwhile: the row is another by now; nothing was written.
        :raises NameTaken: the owner has another key with the new name.
        """
        after = dataclasses.replace(before, **changes)
        sealed = keys.bound(self._vault, after)
        written = self.store.swap(before, sealed, chain)
        if written is None:
            raise Meanwhile()
        return written


def retried(change: Callable[[], Done]) -> Done:
    """The result of a change, repeated while others change the same row."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(Meanwhile):
            return change()
    return change()
