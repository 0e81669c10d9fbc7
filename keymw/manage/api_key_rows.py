"""Checks and seals the secrets and the rows of API keys."""

import collections
from collections.abc import Iterator
import dataclasses
import itertools

from tqdm import tqdm

from keymw.api_keys import keys
from keymw.manage import api_key
from keymw.storage.api_keys import ALL
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import ApiKeyStore
from keymw.vault import CannotOpen
from keymw.vault import Vault


class ApiKeyRows:
    """The sealed values of API keys: secrets, former secrets and row seals."""

    name = 'API Keys'

    def __init__(self, store: ApiKeyStore) -> None:
        self._store = store

    def secrets(self) -> Iterator[tuple[str, bytes]]:
        """Yield the id of a key and a sealed value, for all of them."""
        for row in self._every():
            yield from ((row.id, value) for value in row.sealed)

    def _every(self) -> Iterator[ApiKey]:
        return api_key.every(self._store, ALL)

    def sealed_by(self) -> collections.Counter[bytes]:
        """Return the number of values by id of the sealing key."""
        return self._store.sealed_by()

    def old(self, vault: Vault) -> Iterator[ApiKey]:
        """Yield the rows with a value that the current key has not sealed."""
        for row in tqdm(self._every(), unit=' api keys', disable=None):
            if not all(map(vault.is_current, row.sealed)):
                yield row

    def migrate(self, vault: Vault) -> tuple[int, int]:
        """Seal rows again; return how many were, and how many do not open.

        A row that was changed in the database is not sealed again: its seal
        would then be valid.
        """
        done = stuck = 0
        old = self.old(vault)
        while batch := list(itertools.islice(old, api_key.PAGE)):
            swaps = []
            for row in batch:
                try:
                    swaps.append((row, _resealed(vault, row)))
                except CannotOpen:
                    stuck += 1
            done += self._store.swap_all(swaps)
        return done, stuck

    def sample(self, vault: Vault, most: int) -> tuple[int, int]:
        """Try a number of rows; return the number tried, and of failures."""
        rows = list(itertools.islice(self._every(), most))
        return len(rows), sum(not _opens(vault, row) for row in rows)

    def changed(self, vault: Vault) -> list[str]:
        """Return the ids of rows whose seal is missing or wrong.

        A row whose sealing key is missing is not included: it may be valid.
        """
        return [row.id for row in self._every() if _is_changed(vault, row)]


def _resealed(vault: Vault, row: ApiKey) -> ApiKey:
    """Return a row with all values sealed by the current key.

    :raises CannotOpen: the row was changed, or the sealing key is missing.
    """
    keys.check(vault, row)
    previous = row.previous and dataclasses.replace(
        row.previous, secret=keys.resealed(vault, row, row.previous.secret)
    )
    secret = keys.resealed(vault, row, row.secret)
    fresh = dataclasses.replace(row, secret=secret, previous=previous)
    return keys.bound(vault, fresh)


def _opens(vault: Vault, row: ApiKey) -> bool:
    try:
        _resealed(vault, row)
    except CannotOpen:
        return False
    return True


def _is_changed(vault: Vault, row: ApiKey) -> bool:
    try:
        keys.check(vault, row)
    except CannotOpen as error:
        return type(error) is CannotOpen
    return False
