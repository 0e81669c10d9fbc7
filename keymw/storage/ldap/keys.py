"""Searches for keys in the directory, over one connection."""

from collections.abc import Iterable
from collections.abc import Iterator
import datetime

import ldap

from keymw.storage import base
from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.entries import Names
from keymw.storage.ldap.entries import equals
from keymw.storage.ldap.session import Session

# The errors of a directory if an entry changed since it was read.
OVERTAKEN = (
    ldap.CONSTRAINT_VIOLATION,
    ldap.NO_SUCH_ATTRIBUTE,
    ldap.NO_SUCH_OBJECT,
    ldap.OBJECT_CLASS_VIOLATION,
    ldap.TYPE_OR_VALUE_EXISTS,
)


class Keys:
    """Searches keys and compares exactly, whatever the directory does."""

    def __init__(self, session: Session, names: Names) -> None:
        self.session = session
        self.names = names

    def of_user(self, user_id: str) -> list[Held]:
        """Return the keys of a user: one, none, or two after a crash."""
        found = self.all(equals(self.names.user_id, user_id))
        return [held for held in found if held.key.user_id == user_id]

    def named(self, domain_id: str, username: str) -> list[Held]:
        """Return the keys under a name in a domain: none, one or more."""
        name = (domain_id, username)
        found = self.all(equals(self.names.username, username))
        return [h for h in found if (h.key.domain_id, h.key.username) == name]

    def all(self, filter_: str = '') -> Iterator[Held]:
        """Yield every key, or those whose entries pass a filter."""
        attributes = ['objectClass', *self.names.attributes]
        for entry in self.session.search(self.names.held(filter_), attributes):
            yield self.names.read(entry)

    def changes(self, user_id: str) -> list[base.Change]:
        """Return the recorded changes of a user's key, on any entry."""
        filter_, names = self.names.changed(user_id), self.names
        return [
            names.read_change(entry)
            for entry in self.session.search(filter_, names.of_change)
            if user_id.encode() in entry.values(names.changed_user_id)
        ]

    def change(self, held: Held, changes: list[Change]) -> bool:
        """Change an entry; return False if a concurrent change prevents it."""
        try:
            self.session.modify(held.entry.dn, changes)
        except OVERTAKEN:
            return False
        return True


def age(held: Held) -> tuple[datetime.datetime, str]:
    """Return the sort key for the time of writing."""
    return held.key.updated_at, held.entry.dn


def latest(changes: Iterable[base.Change]) -> base.Change | None:
    """Return the last change, or None."""
    return max(changes, key=lambda change: change.at, default=None)


def newest(held: Iterable[Held]) -> base.Credential | None:
    """Return the key written last, or None."""
    found = max(held, key=age, default=None)
    return None if found is None else found.key
