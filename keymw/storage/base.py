"""Records and the abstract stores; every promise here is a test.

A driver is a class that takes the configuration and makes no connection until
it is asked something: a server forks its workers after it was made.
"""

import abc
from collections.abc import Sequence
import dataclasses
import datetime


class Outage(Exception):  # noqa: N818, it is no error of ours
    """The store cannot be reached or cannot answer.

    Nothing was written; where the answer to a write was lost, all or nothing.
    """


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
