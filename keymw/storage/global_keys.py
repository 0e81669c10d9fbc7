"""The records and abstract stores of global keys, access list and nonces.

[storage] global_keys names one driver for all three. A test holds every
promise made here.
"""

import abc
import collections
from collections.abc import Callable
import dataclasses
import datetime
import functools
import ipaddress
import sys

from keymw import vault

OWNER = 'GLOBAL_OWNER'
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class LastOwner(Exception):  # noqa: N818, it says who would be gone
    """The change would leave no owner; nothing was written."""


class LockedOut(Exception):  # noqa: N818, it says what would happen
    """The change would lock the address out; nothing was written."""


@dataclasses.dataclass(frozen=True)
class GlobalKey:
    """A global API key with its roles.

    ha1 holds the sealed Digest hashes of the private key. suffix is the end of
    the private key that responses show. seal binds the row to the keys of the
    vault; rows of an older keymw have None. Times are aware and in UTC.
    """

    id: str
    public_key: str
    description: str
    roles: frozenset[str]
    ha1: bytes = dataclasses.field(repr=False)
    suffix: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    seal: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def is_owner(self) -> bool:
        """Whether the key has the role GLOBAL_OWNER."""
        return OWNER in self.roles


class GlobalKeyStore(abc.ABC):
    """Global API keys. Ids and public keys are compared exactly.

    Writes are serialized, also between processes. Every method raises Outage
    if the store cannot be reached or fails.
    """

    @abc.abstractmethod
    def get(self, key_id: str) -> GlobalKey | None:
        """Return the key with an id, or None."""

    @abc.abstractmethod
    def find(self, public_key: str) -> GlobalKey | None:
        """Return the key with a public key, or None."""

    @abc.abstractmethod
    def add(self, key: GlobalKey) -> None:
        """Write a new key.

        :raises Taken: another key has this id or this public key.
        """

    @abc.abstractmethod
    def update(
        self, key_id: str, change: Callable[[GlobalKey], GlobalKey]
    ) -> GlobalKey | None:
        """Replace a key by change(key) and return it; None if there is none.

        change gets the current key; no other write comes between. It keeps id,
        public key and created_at, does not call the store, and may be called
        again if the first attempt failed. An exception of change is passed on
        and nothing is written.

        :raises LastOwner: the key is the only owner and would no longer be.
        """

    @abc.abstractmethod
    def delete(
        self,
        key_id: str,
        check: Callable[[GlobalKey], None],
        *,
        leave_no_owner: bool = False,
    ) -> bool:
        """Remove a key; return False if there was none.

        check gets the current key, like change in update. An exception of
        check is passed on and nothing is removed. leave_no_owner permits the
        removal of the last owner.

        :raises LastOwner: the key is the only owner.
        """

    @abc.abstractmethod
    def reseal(self, key_id: str, old: bytes, new: bytes) -> bool:
        """Replace the sealed ha1 of a key if it still equals old.

        Return False if it does not, or there is none. Nothing else changes.
        """

    def sealed_by(self) -> collections.Counter[bytes]:
        """Return the number of sealed ha1 by id of the sealing key."""
        rows = self.page(0, sys.maxsize)
        return collections.Counter(vault.sealed_by(row.ha1) for row in rows)

    @abc.abstractmethod
    def page(self, offset: int, limit: int) -> list[GlobalKey]:
        """Return at most limit keys after the first offset, oldest first.

        Keys with equal creation times are ordered by id, by code point.
        """

    @abc.abstractmethod
    def count(self) -> int:
        """Return the number of keys."""

    def check_at_start(self) -> None:  # noqa: B027, few stores need it
        """Check what can be known before the first request; by default none.

        No connection stays open, as the process may fork.

        :raises ConfigError: the store was never set up.
        """

    @abc.abstractmethod
    def check(self) -> None:
        """Return if the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """


@dataclasses.dataclass(frozen=True)
class AccessEntry:
    """A network from which requests with global keys are admitted.

    cidr_block is the text of the client. network is its canonical form, as in
    "10.0.0.0/8" or "2001:db8::/48". seal is like that of a global key. Times
    are aware and in UTC.
    """

    id: str
    cidr_block: str
    network: str
    description: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    last_used_at: datetime.datetime | None = None
    seal: bytes | None = dataclasses.field(default=None, repr=False)

    def admits(self, address: Address) -> bool:
        """Whether the network contains an address."""
        try:
            return address in _network(self.network)
        except ValueError:
            # The row was changed in the database. The others stay valid.
            return False


# Each request reads the whole list, which seldom changes.
_network = functools.lru_cache(maxsize=1024)(ipaddress.ip_network)


class AccessListStore(abc.ABC):
    """The networks that are admitted. Ids and networks are compared exactly.

    Writes are serialized, also between processes. Every method raises Outage
    if the store cannot be reached or fails.
    """

    @abc.abstractmethod
    def get(self, entry_id: str) -> AccessEntry | None:
        """Return the entry with an id, or None."""

    @abc.abstractmethod
    def add(self, entry: AccessEntry) -> None:
        """Write a new entry.

        :raises Taken: another entry has this id or this network.
        """

    @abc.abstractmethod
    def update(
        self,
        entry_id: str,
        change: Callable[[AccessEntry], AccessEntry],
        keeps: Address | None,
    ) -> AccessEntry | None:
        """Replace an entry by change(entry) and return it.

        Return None if there is no such entry. change gets the current entry;
        no other write comes between. It keeps id, created_at and
        last_used_at, does not call the store, and may be called again if the
        first attempt failed. An exception of change is passed on and nothing
        is written.

        :raises Taken: another entry has the network.
        :raises LockedOut: no entry would admit the address keeps; never if
            keeps is None.
        """

    @abc.abstractmethod
    def delete(self, entry_id: str, keeps: Address | None) -> bool:
        """Remove an entry; return False if there was none.

        :raises LockedOut: see update.
        """

    @abc.abstractmethod
    def used(self, entry_id: str, moment: datetime.datetime) -> None:
        """Set last_used_at to a moment, unless it is later already.

        Nothing else changes. An unknown id is ignored.
        """

    @abc.abstractmethod
    def all(self) -> list[AccessEntry]:
        """Return all entries in the order of page."""

    @abc.abstractmethod
    def page(self, offset: int, limit: int) -> list[AccessEntry]:
        """Return at most limit entries after the first offset, oldest first.

        Entries with equal creation times are ordered by id, by code point.
        """

    @abc.abstractmethod
    def count(self) -> int:
        """Return the number of entries."""

    @abc.abstractmethod
    def check(self) -> None:
        """Return if the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """


class UsedNonceStore(abc.ABC):
    """Accepted uses of nonces, each written once.

    A use is ASCII text that begins with the time of its nonce, so older uses
    sort lower by code point. Every method raises Outage if the store cannot be
    reached or fails.
    """

    @abc.abstractmethod
    def add(self, use: str) -> None:
        """Write a use. Of concurrent writes of the same use one succeeds.

        :raises Taken: the use is written already.
        """

    @abc.abstractmethod
    def drop(self, before: str) -> None:
        """Remove all uses that sort below a text."""

    @abc.abstractmethod
    def check(self) -> None:
        """Return if the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """
