"""The keys in the directory, over one connection."""

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

# What a directory answers when an entry is no longer as it was read.
OVERTAKEN = (
    ldap.CONSTRAINT_VIOLATION,
    ldap.NO_SUCH_ATTRIBUTE,
    ldap.NO_SUCH_OBJECT,
    ldap.OBJECT_CLASS_VIOLATION,
    ldap.TYPE_OR_VALUE_EXISTS,
)


class Keys:
    """Which keys there are, compared exactly whatever the directory does."""

    def __init__(self, session: Session, names: Names) -> None:
        self.session = session
        self.names = names

    def of_user(self, user_id: str) -> list[Held]:
        """The keys of a user: one, none, or more after a crash."""
        found = self.all(equals(self.names.user_id, user_id))
        return [held for held in found if held.key.user_id == user_id]

    def named(self, domain_id: str, username: str) -> list[Held]:
        """The keys under a name in a domain, as many."""
        name = (domain_id, username)
        found = self.all(equals(self.names.username, username))
        return [h for h in found if (h.key.domain_id, h.key.username) == name]

    def all(self, wanted: str = '') -> Iterator[Held]:
        """Every key, or those whose entries pass a filter."""
        attributes = ['objectClass', *self.names.attributes]
        for entry in self.session.search(self.names.held(wanted), attributes):
            yield self.names.read(entry)

    def change(self, held: Held, changes: list[Change]) -> bool:
        """Change an entry; False when another did what forbids it."""
        try:
            self.session.modify(held.entry.dn, changes)
        except OVERTAKEN:
            return False
        return True


def age(held: Held) -> tuple[datetime.datetime, str]:
    """What orders keys by when they were written."""
    return held.key.updated_at, held.entry.dn


def newest(held: Iterable[Held]) -> base.Credential | None:
    """The key written last."""
    found = max(held, key=age, default=None)
    return None if found is None else found.key
