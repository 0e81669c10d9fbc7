"""Writes of many keys to a directory, with few round trips.

One search finds what is known of many keys, and some modifications are sent
before the first response is read. A key that takes more than one
modification, or whose entry changes meanwhile, is written as writing.put does.
"""

import collections
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import dataclasses
import datetime
from typing import TypeVar

from keymw.storage import base
from keymw.storage.ldap import writing
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.entries import any_of
from keymw.storage.ldap.entries import equals
from keymw.storage.ldap.keys import OVERTAKEN
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.users import Users

T = TypeVar('T')

# Keys of one search. A directory compares each entry that it finds with each
# term of the search, so the work for a key grows with this number.
PIECE = 50
# Modifications without a response. One that waits long gets a time that the
# directory has left behind, and so a second modification.
WINDOW = 8


def put_all(
    keys: Keys, users: Users, credentials: Sequence[base.Credential]
) -> None:
    """Write keys, each as writing.put does.

    :raises NoPlace: a user has no entry; others may be written.
    """
    for start in range(0, len(credentials), PIECE):
        piece = credentials[start : start + PIECE]
        written = _write(keys, _simple(keys, users, piece))
        _settle(keys, written)
        done = {held.key.user_id for held in written}
        for key in piece:
            if key.user_id not in done:
                writing.put(keys, users, key, None)


def _simple(
    keys: Keys, users: Users, piece: Sequence[base.Credential]
) -> list[Held]:
    """Return the keys that one modification each writes, with their entries.

    The directory has no key of the same user on another entry, nor of another
    user by the same name, and the piece has neither.
    """
    entries = users.entries(keys.session, piece)
    marks = [[*_marks(key, entries.get(users.value(key)))] for key in piece]
    number = collections.Counter(mark for of_key in marks for mark in of_key)
    known = _Known(keys, piece)
    return [
        Held(entry, writing.aged(key, known.of_user[key.user_id]))
        for key, of_key in zip(piece, marks, strict=True)
        if (entry := entries.get(users.value(key))) is not None
        and all(number[mark] == 1 for mark in of_key)
        and known.is_alone(Held(entry, key))
    ]


def _marks(
    key: base.Credential, entry: Entry | None
) -> Iterator[tuple[str, ...]]:
    """Yield what no two keys may have in common: user, name and entry."""
    yield ('user', key.user_id)
    if key.username is not None:
        yield ('name', key.domain_id, key.username)
    if entry is not None:
        yield ('entry', entry.dn)


class _Known:
    """The keys in the directory by the users and the names of some keys."""

    def __init__(self, keys: Keys, piece: Sequence[base.Credential]) -> None:
        names = keys.names
        of_users = [equals(names.user_id, key.user_id) for key in piece]
        found = [*keys.all(any_of([*of_users, *_named(keys, piece)]))]
        self.of_user = _grouped(found, lambda held: held.key.user_id)
        self._named = _grouped(found, lambda held: _name(held.key))
        self._on = _grouped(found, lambda held: held.entry.dn)

    def is_alone(self, own: Held) -> bool:
        """Whether user, name and entry have no other key."""
        near = self._on[own.entry.dn] + self.of_user[own.key.user_id]
        if own.key.username is not None:
            near += self._named[_name(own.key)]
        place = own.entry.dn, own.key.user_id
        return all((held.entry.dn, held.key.user_id) == place for held in near)


def _named(keys: Keys, piece: Iterable[base.Credential]) -> list[str]:
    """Return the filters for the keys by the names of some keys."""
    return [
        equals(keys.names.username, key.username)
        for key in piece
        if key.username is not None
    ]


def _name(key: base.Credential) -> tuple[str, str | None]:
    return key.domain_id, key.username


def _grouped(
    found: Iterable[Held], by: Callable[[Held], T]
) -> collections.defaultdict[T, list[Held]]:
    groups: collections.defaultdict[T, list[Held]] = collections.defaultdict(
        list
    )
    for held in found:
        groups[by(held)].append(held)
    return groups


@dataclasses.dataclass(frozen=True)
class _Sent:
    """A modification without a response yet: its key, time and number."""

    held: Held
    now: datetime.datetime
    number: int


def _write(keys: Keys, simple: Iterable[Held]) -> list[Held]:
    """Write keys; return those whose entries did not change meanwhile."""
    done: list[Held] = []
    sent: collections.deque[_Sent] = collections.deque()
    for held in simple:
        if len(sent) == WINDOW:
            done += _finish(keys, sent.popleft())
        sent.append(_send(keys, held))
    for one in sent:
        done += _finish(keys, one)
    return done


def _send(keys: Keys, held: Held) -> _Sent:
    changes = keys.names.write(held.key, held.entry)
    now, dated = writing.dated(keys, held.entry, held.key.user_id, None)
    return _Sent(held, now, keys.session.send(held.entry.dn, changes + dated))


def _finish(keys: Keys, sent: _Sent) -> list[Held]:
    """Wait for a response; return the key, or none if it was overtaken."""
    try:
        shown = keys.session.time_of(sent.number)
    except OVERTAKEN:
        return []
    writing.redate(keys, sent.held.entry, sent.now, shown)
    return [sent.held]


def _settle(keys: Keys, written: Sequence[Held]) -> None:
    """Do writing.settle for the names that someone else got meanwhile."""
    filters = _named(keys, [held.key for held in written])
    if not filters:
        return
    named = _grouped(keys.all(any_of(filters)), lambda held: _name(held.key))
    for own in written:
        holders = named[_name(own.key)]
        if len(holders) != 1 or holders[0].key.user_id != own.key.user_id:
            writing.settle(keys, own)
