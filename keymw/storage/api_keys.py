"""The record of an API key, and its abstract store.

Source: doc/contract/api-keys 1 to 3.
"""

import abc
import collections
from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import datetime
import enum

from keymw import vault
from keymw.storage import base


class State(enum.StrEnum):
    """How far a row is. Only a complete key logs in or is shown."""

    PENDING = 'pending'
    COMPLETE = 'complete'
    DELETED = 'deleted'


ANY_STATE = frozenset(State)


class NameTaken(base.Taken):
    """The owner has another key with this name; nothing was written."""


class TooMany(Exception):  # noqa: N818, it says what is wrong
    """The owner has no place for another key; nothing was written."""


@dataclasses.dataclass(frozen=True)
class Previous:
    """The secret before the last rotation, which works until expires_at.

    secret is sealed as that of the key. last_used_at is the last use since
    the rotation. Times are aware and in UTC.
    """

    secret: bytes = dataclasses.field(repr=False)
    expires_at: datetime.datetime
    last_used_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """An API key of one user.

    Public members are those of the wire (doc/contract/api-keys 3). roles are
    ids. allowed_cidrs are networks in the order of the client; None admits
    every address, and an empty tuple none. disabled_by is "owner", "admin" or
    None.

    trust_id is the trust behind the key, None if it has none now. trustee_id
    is the user that the trust is for. trust_expires_at is the end of the
    trust; it is written before the trust is made, so that a trust whose id
    was never written can be found. former_trust_id is a trust that the key no
    longer uses and that has yet to be deleted.

    secret is sealed. seal binds the row to the keys of the vault. revision is
    the store's: each swap increments it. Times are aware and in UTC.
    """

    id: str
    user_id: str
    name: str
    description: str
    project_id: str | None
    roles: frozenset[str]
    unrestricted: bool
    expires_at: datetime.datetime | None
    allowed_cidrs: tuple[str, ...] | None
    secret: bytes = dataclasses.field(repr=False)
    created_at: datetime.datetime
    updated_at: datetime.datetime
    state: State = State.PENDING
    enabled: bool = True
    disabled_by: str | None = None
    rotated_at: datetime.datetime | None = None
    previous: Previous | None = None
    trust_id: str | None = None
    trustee_id: str | None = None
    trust_expires_at: datetime.datetime | None = None
    former_trust_id: str | None = None
    last_used_at: datetime.datetime | None = None
    last_used_from: str | None = None
    seal: bytes | None = dataclasses.field(default=None, repr=False)
    revision: int = 0

    @property
    def sealed(self) -> list[bytes]:
        """All sealed values of the row."""
        found = [self.secret]
        if self.previous is not None:
            found.append(self.previous.secret)
        return [*found, self.seal] if self.seal is not None else found


@dataclasses.dataclass(frozen=True)
class Use:
    """A successful login with a key.

    address is the text of the client's address. was_previous tells that the
    secret before the last rotation was used.
    """

    key_id: str
    at: datetime.datetime
    address: str
    was_previous: bool = False


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which keys to return; None admits all.

    Text is compared exactly. enabled is that of the row. unused_since admits
    keys whose last use, else creation, is before it; expires_before those
    that end before it; updated_before those that were last changed before it.
    """

    states: frozenset[State] = frozenset({State.COMPLETE})
    user_id: str | None = None
    project_id: str | None = None
    name: str | None = None
    enabled: bool | None = None
    unused_since: datetime.datetime | None = None
    expires_before: datetime.datetime | None = None
    updated_before: datetime.datetime | None = None

    def admits(self, key: ApiKey) -> bool:
        """Whether a key is one of those to return."""
        return (
            key.state in self.states
            and self.user_id in (None, key.user_id)
            and self.project_id in (None, key.project_id)
            and self.name in (None, key.name)
            and self.enabled in (None, key.enabled)
            and _is_before(
                key.last_used_at or key.created_at, self.unused_since
            )
            and _is_before(key.expires_at, self.expires_before)
            and _is_before(key.updated_at, self.updated_before)
        )


def _is_before(
    moment: datetime.datetime | None, limit: datetime.datetime | None
) -> bool:
    return limit is None or (moment is not None and moment < limit)


ALL = Filter(states=ANY_STATE)
COMPLETE = Filter()


def ends_use(before: ApiKey, after: ApiKey) -> bool:
    """Whether a write is a change of an unrestricted key.

    Such changes end the say over keys of the tokens bought before: a disable,
    a rotation and a deletion (doc/contract/api-keys 2).
    """
    return before.unrestricted and (
        (before.enabled and not after.enabled)
        or before.rotated_at != after.rotated_at
        or (before.state, after.state) == (State.COMPLETE, State.DELETED)
    )


def swapped(row: ApiKey, after: ApiKey) -> ApiKey:
    """Return a row as ApiKeyStore.swap writes it over the row before."""
    return dataclasses.replace(
        after,
        id=row.id,
        user_id=row.user_id,
        created_at=row.created_at,
        previous=_swapped_previous(row, after),
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
        revision=row.revision + 1,
    )


def _swapped_previous(row: ApiKey, after: ApiKey) -> Previous | None:
    if after.previous is None:
        return None
    kept = None
    if row.previous is not None and row.rotated_at == after.rotated_at:
        kept = row.previous.last_used_at
    return dataclasses.replace(after.previous, last_used_at=kept)


class ApiKeyStore(abc.ABC):
    """API keys by id. Ids and names are compared exactly, with their case.

    A pending or complete row has its name and one place of its owner. A
    deleted row has neither. Every method raises Outage if the store cannot be
    reached or fails. Order is that of code points.
    """

    @abc.abstractmethod
    def get(self, key_id: str) -> ApiKey | None:
        """Return the row with an id in any state, or None.

        Callers treat a row that is not complete as absent. An unknown id
        costs the same work as a known one.
        """

    @abc.abstractmethod
    def add(self, key: ApiKey, limit: int | None = None) -> None:
        """Write a new row; a deleted one needs no name and no place.

        :raises NameTaken: the owner has a row with this name.
        :raises TooMany: the owner has limit rows or more; exact also for
            concurrent calls. None is no limit.
        :raises Taken: another row has this id.
        """

    @abc.abstractmethod
    def swap(
        self, before: ApiKey, after: ApiKey, chain: str | None = None
    ) -> ApiKey | None:
        """Replace a row that was read before; return it as written.

        Return None, and write nothing, if it was swapped or removed since
        before was read: read it again. id, user_id and created_at stay.
        last_used_at and last_used_from stay as the store has them, and so
        does last_used_at of previous, unless rotated_at changes; a use since
        before was read is not in the row that is returned.

        A change as of ends_use is recorded for the owner; chain as in
        base.Change.

        :raises NameTaken: the owner has another row with the new name.
        """

    def swap_all(self, swaps: Iterable[tuple[ApiKey, ApiKey]]) -> int:
        """Do swap for each (before, after); return the number done.

        No pair is a change as of ends_use. A driver with transactions does it
        in one.
        """
        return sum(self.swap(*swap) is not None for swap in swaps)

    @abc.abstractmethod
    def remove(self, key: ApiKey) -> bool:
        """Remove a row that was read before.

        Return False, and remove nothing, if it was swapped or removed since.
        """

    @abc.abstractmethod
    def used(self, uses: Sequence[Use]) -> None:
        """Write the last use of many keys in one batch.

        A use sets last_used_at and last_used_from, unless a later one is
        there. If was_previous, and there was no rotation since, it also sets
        last_used_at of previous. Unknown ids are ignored. A swap of the same
        row succeeds before and after.
        """

    @abc.abstractmethod
    def page(
        self, after: str, limit: int, where: Filter = COMPLETE
    ) -> list[ApiKey]:
        """Return at most limit keys with ids above after, in order.

        No row needs to have the id after. Start with an empty one.
        """

    @abc.abstractmethod
    def owners(self, after: str, limit: int) -> list[str]:
        """Return at most limit user ids above after that have rows, in order.

        Rows of any state count.
        """

    @abc.abstractmethod
    def count(self, where: Filter = COMPLETE) -> int:
        """Return the number of keys."""

    @abc.abstractmethod
    def change(self, user_id: str) -> base.Change | None:
        """Return the last change of a user's unrestricted keys, or None.

        A driver may return changes of the user's other keys in the same
        database too. The time is as base.Change says.
        """

    @abc.abstractmethod
    def forget_changes(self, before: datetime.datetime) -> int:
        """Delete the records of changes before a time; return their number."""

    def sealed_by(self) -> collections.Counter[bytes]:
        """Return the number of sealed values by id of the sealing key."""
        found: collections.Counter[bytes] = collections.Counter()
        after = ''
        while page := self.page(after, 500, ALL):
            for key in page:
                found.update(vault.sealed_by(value) for value in key.sealed)
            after = page[-1].id
        return found

    @abc.abstractmethod
    def check(self) -> None:
        """Return if the store can serve.

        :raises Outage: it cannot; the message says what to do.
        """
