"""Records and the abstract stores; every promise here is a test.

A driver is a class that takes the configuration and makes no connection until
it is asked something: a server forks its workers after it was made.
"""

import abc
from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
import datetime
import ipaddress

OWNER = 'GLOBAL_OWNER'
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Outage(Exception):  # noqa: N818, it is no error of ours
    """The store cannot be reached or cannot answer.

    Nothing was written; where the answer to a write was lost, all or nothing.
    """


class Taken(Exception):  # noqa: N818, it says what is wrong
    """Another row has what only one may have; nothing was written."""


class LastOwner(Exception):  # noqa: N818, it says who would be gone
    """No key would hold the role of owner any more; nothing was written."""


class LockedOut(Exception):  # noqa: N818, it says what would happen
    """No entry would admit the address any more; nothing was written."""


@dataclasses.dataclass(frozen=True)
class Credential:
    """The API key of one user.

    username is the name that Keystone gave at the last write, None once
    another user wrote under it. domain_id is empty where the identity service
    has no domains. secret is sealed; times are UTC and aware.
    """

    user_id: str
    domain_id: str
    username: str | None
    secret: bytes = dataclasses.field(repr=False)
    created_at: datetime.datetime
    updated_at: datetime.datetime


class CredentialStore(abc.ABC):
    """API keys by user; ids and names are compared exactly, case included.

    Every method raises Outage when the store cannot answer.
    """

    @abc.abstractmethod
    def get(self, user_id: str) -> Credential | None:
        """The credential of a user, or None."""

    @abc.abstractmethod
    def find(self, domain_id: str, username: str) -> Credential | None:
        """The credential last written under a name in a domain, or None."""

    @abc.abstractmethod
    def put(self, credential: Credential) -> None:
        """Write a credential whole, in place of any the user has.

        Keeps created_at of the one it replaces, and takes the name away
        from any other credential that holds it in the same domain. Of
        writes at the same time each succeeds and the last stands whole.
        """

    def put_all(self, credentials: Sequence[Credential]) -> None:
        """Write many, each as put does, in their order.

        A driver that can writes all or none.
        """
        for credential in credentials:
            self.put(credential)

    @abc.abstractmethod
    def rename(self, credential: Credential, username: str) -> None:
        """Give a credential that was read the name its user has by now.

        Takes the name away from others as put does. Does nothing where the
        credential was written or deleted since.
        """

    @abc.abstractmethod
    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        """Replace the sealed secret of a user, if it is still the old one.

        False where it is not, or there is none; nothing else is changed.
        """

    def reseal_all(self, changes: Sequence[tuple[str, bytes, bytes]]) -> int:
        """Do reseal for each user id, old and new; how many were replaced."""
        return sum(self.reseal(*change) for change in changes)

    @abc.abstractmethod
    def delete(self, user_id: str) -> bool:
        """Remove the credential of a user; False when there was none."""

    @abc.abstractmethod
    def page(self, after: str, limit: int) -> list[Credential]:
        """At most limit credentials with a user id above after, ascending.

        Ids are ordered by code point; an empty after starts at the first.
        """

    @abc.abstractmethod
    def check(self) -> None:
        """Answer when the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """


@dataclasses.dataclass(frozen=True)
class GlobalKey:
    """A global API key with its roles.

    ha1 is what Digest needs of the private key, sealed; suffix is the end of
    the private key that may be shown. Times are UTC and aware.
    """

    id: str
    public_key: str
    description: str
    roles: frozenset[str]
    ha1: bytes = dataclasses.field(repr=False)
    suffix: str
    created_at: datetime.datetime
    updated_at: datetime.datetime

    @property
    def is_owner(self) -> bool:
        """Whether it holds the role that may do everything."""
        return OWNER in self.roles


class GlobalKeyStore(abc.ABC):
    """Global API keys; ids and public keys are compared exactly.

    Writes happen as if one after the other, by whichever process. Every
    method raises Outage when the store cannot answer.
    """

    @abc.abstractmethod
    def get(self, key_id: str) -> GlobalKey | None:
        """The key with an id, or None."""

    @abc.abstractmethod
    def find(self, public_key: str) -> GlobalKey | None:
        """The key with a public key, or None."""

    @abc.abstractmethod
    def add(self, key: GlobalKey) -> None:
        """Write a new key.

        :raises Taken: a key with this id or this public key is there.
        """

    @abc.abstractmethod
    def update(
        self, key_id: str, change: Callable[[GlobalKey], GlobalKey]
    ) -> GlobalKey | None:
        """Write what change makes of a key, and return it; None without one.

        change is given the key as it stands: nothing is written to it
        between that and this write. It keeps the id, the public key and
        created_at, may be called again where the first attempt failed, and
        asks the store nothing. What it raises passes; then nothing was
        written.

        :raises LastOwner: the key is the only owner and would be none.
        """

    @abc.abstractmethod
    def delete(
        self,
        key_id: str,
        check: Callable[[GlobalKey], None],
        *,
        leave_no_owner: bool = False,
    ) -> bool:
        """Remove a key; False when there was none.

        check is given the key as change of update is, and what it raises
        passes; then nothing was removed. leave_no_owner lets the last owner
        go too.

        :raises LastOwner: the key is the only owner.
        """

    @abc.abstractmethod
    def reseal(self, key_id: str, old: bytes, new: bytes) -> bool:
        """Replace the sealed ha1 of a key, if it is still the old one.

        False where it is not, or there is none; nothing else is changed.
        """

    @abc.abstractmethod
    def page(self, offset: int, limit: int) -> list[GlobalKey]:
        """At most limit keys after the first offset ones, oldest first.

        Keys of the same moment are in the order of their ids, by code point.
        """

    @abc.abstractmethod
    def count(self) -> int:
        """How many keys there are."""

    @abc.abstractmethod
    def check(self) -> None:
        """Answer when the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """


@dataclasses.dataclass(frozen=True)
class AccessEntry:
    """A network that requests with global keys may come from.

    cidr_block is the text as it was given, network the same as "10.0.0.0/8"
    or "2001:db8::/48". Times are UTC and aware.
    """

    id: str
    cidr_block: str
    network: str
    description: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    last_used_at: datetime.datetime | None = None

    def admits(self, address: Address) -> bool:
        """Whether an address is in the network."""
        return address in ipaddress.ip_network(self.network)


class AccessListStore(abc.ABC):
    """The networks that are let in; ids and networks are compared exactly.

    Writes happen as if one after the other, by whichever process. Every
    method raises Outage when the store cannot answer.
    """

    @abc.abstractmethod
    def get(self, entry_id: str) -> AccessEntry | None:
        """The entry with an id, or None."""

    @abc.abstractmethod
    def add(self, entry: AccessEntry) -> None:
        """Write a new entry.

        :raises Taken: an entry with this id or this network is there.
        """

    @abc.abstractmethod
    def update(
        self,
        entry_id: str,
        change: Callable[[AccessEntry], AccessEntry],
        keeps: Address | None,
    ) -> AccessEntry | None:
        """Write what change makes of an entry, and return it; None without.

        change is given the entry as it stands: nothing is written to it
        between that and this write. It keeps the id, created_at and
        last_used_at, may be called again where the first attempt failed, and
        asks the store nothing. What it raises passes; then nothing was
        written.

        :raises Taken: another entry has the network.
        :raises LockedOut: afterwards no entry would admit keeps; never where
            keeps is None.
        """

    @abc.abstractmethod
    def delete(self, entry_id: str, keeps: Address | None) -> bool:
        """Remove an entry; False when there was none.

        :raises LockedOut: as update says.
        """

    @abc.abstractmethod
    def used(self, entry_id: str, moment: datetime.datetime) -> None:
        """Set last_used_at, unless it is later already; nothing else.

        Nothing happens where there is no such entry.
        """

    @abc.abstractmethod
    def all(self) -> list[AccessEntry]:
        """Every entry, in the order of page."""

    @abc.abstractmethod
    def page(self, offset: int, limit: int) -> list[AccessEntry]:
        """At most limit entries after the first offset ones, oldest first.

        Entries of the same moment are in the order of their ids, by code
        point.
        """

    @abc.abstractmethod
    def count(self) -> int:
        """How many entries there are."""

    @abc.abstractmethod
    def check(self) -> None:
        """Answer when the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """
