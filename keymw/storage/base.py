"""Records and the abstract stores. A test holds every promise made here.

A driver is a class that takes the configuration. It must not connect before
the first call of a method, because a server forks its workers after building
the application.
"""

import abc
import collections
from collections.abc import Sequence
import dataclasses
import datetime

from keymw import vault

# The longest time between the date of a change and its taking effect.
COMMIT = datetime.timedelta(milliseconds=250)


class Outage(Exception):  # noqa: N818, it is no error of ours
    """The store cannot be reached or fails.

    Nothing was written. If the response to a write was lost, either all of it
    was written or nothing.
    """


class NoPlace(Outage):
    """The store refuses this row but works; nothing was written."""


class Taken(Exception):  # noqa: N818, it says what is wrong
    """Another row has the same unique value; nothing was written."""


@dataclasses.dataclass(frozen=True)
class Credential:
    """The API key of one user.

    username is the name in Keystone at the last write; None once another user
    wrote a key under this name. domain_id is empty if the identity service has
    no domains. secret is sealed. Times are aware and in UTC.
    """

    user_id: str
    domain_id: str
    username: str | None
    secret: bytes = dataclasses.field(repr=False)
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Change:
    """The last change of a user's key.

    at is the time of the store's clock, which all users of the store share;
    aware and in UTC. No read returns the former key later than COMMIT after
    at: a store whose commit took longer dates the change again. chain is the
    audit chain of the token that made the change, None if no token did.
    """

    at: datetime.datetime
    chain: str | None


class CredentialStore(abc.ABC):
    """API keys by user. Ids and names are compared exactly, with their case.

    put, put_all, renew and delete are changes. The last change of each user
    is kept, also after the key is deleted. rename and reseal are not changes.
    Every method raises Outage if the store cannot be reached or fails.
    """

    @abc.abstractmethod
    def get(self, user_id: str) -> Credential | None:
        """Return the credential of a user, or None."""

    @abc.abstractmethod
    def find(self, domain_id: str, username: str) -> Credential | None:
        """Return the credential last written under a name, or None."""

    @abc.abstractmethod
    def change(self, user_id: str) -> Change | None:
        """Return the last change of a user's key, or None.

        It costs one indexed read.
        """

    @abc.abstractmethod
    def now(self) -> datetime.datetime | None:
        """Return the time of the clock that dates changes, aware, in UTC.

        None: the store dates changes but cannot show its clock.
        """

    @abc.abstractmethod
    def put(self, credential: Credential, chain: str | None = None) -> None:
        """Write a whole credential; replace the one the user has.

        chain: see Change. created_at of the replaced credential is kept. Any
        other credential in the same domain loses the same name. Concurrent
        writes all succeed, and the last one stands whole.

        :raises NoPlace: the store refuses this credential.
        """

    def put_all(self, credentials: Sequence[Credential]) -> None:
        """Write many credentials in order, each as put does.

        A driver with transactions writes all or none.

        :raises NoPlace: the store refuses one; others may be written.
        """
        for credential in credentials:
            self.put(credential)

    def renew(
        self, former: Credential, renewed: Credential, chain: str | None
    ) -> bool:
        """Replace secret and updated_at of a credential that was read before.

        chain: see Change. Return False, and change nothing, if the credential
        was written, deleted or lost its name since it was read; a driver may
        always do so.
        """
        del former, renewed, chain
        return False

    @abc.abstractmethod
    def rename(self, credential: Credential, username: str) -> None:
        """Set the name of a credential that was read before.

        Others in the domain lose this name, as with put. Nothing happens if
        the credential was written or deleted since it was read.
        """

    @abc.abstractmethod
    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        """Replace the sealed secret of a user if it still equals old.

        Return False if it does not, or there is none. Nothing else changes.
        """

    def reseal_all(self, changes: Sequence[tuple[str, bytes, bytes]]) -> int:
        """Do reseal for each (user id, old, new); return the number done."""
        return sum(self.reseal(*change) for change in changes)

    @abc.abstractmethod
    def delete(self, user_id: str, chain: str | None = None) -> bool:
        """Remove the credential of a user; return False if there was none.

        chain: see Change. If there was none, no change is recorded.
        """

    @abc.abstractmethod
    def page(self, after: str, limit: int) -> list[Credential]:
        """Return at most limit credentials with user ids above after.

        They are in ascending order of code points. Start with an empty after.
        """

    def count(self) -> int:
        """Return the number of credentials, by page unless overridden."""
        count, after = 0, ''
        while page := self.page(after, 500):
            count, after = count + len(page), page[-1].user_id
        return count

    def sealed_by(self) -> collections.Counter[bytes]:
        """Return the number of secrets by id of the sealing key."""
        found: collections.Counter[bytes] = collections.Counter()
        after = ''
        while page := self.page(after, 500):
            found.update(vault.sealed_by(row.secret) for row in page)
            after = page[-1].user_id
        return found

    @abc.abstractmethod
    def forget_changes(self, before: datetime.datetime) -> int:
        """Delete the records of changes before a time; return their number."""

    def retire(self, key_id: bytes) -> None:  # noqa: B027, for drivers that can
        """Refuse from now on, as an Outage, writes sealed with a dropped key.

        Other nodes could not open them. A driver that cannot keep this does
        nothing.
        """

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
