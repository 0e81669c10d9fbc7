"""Writes of keys to a directory, which changes one entry atomically.

The order of writes makes a crash safe: the name is removed from another user's
key before a write, and the same user's key from another entry after it.
So no name ever leads to the key of another user, and no key is lost. Of two
keys of one user the newer is used, and the next write removes the older.
"""

import contextlib
import dataclasses
import datetime

from keymw.storage import base
from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.keys import OVERTAKEN
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.keys import age
from keymw.storage.ldap.keys import newest
from keymw.storage.ldap.users import Users

# A try fails if another writer was faster; that does not recur so often.
_TRIES = 20


def put(
    keys: Keys, users: Users, key: base.Credential, chain: str | None
) -> None:
    """Write a whole key to the entry of its user.

    :raises NoPlace: the user has no entry.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(*OVERTAKEN):
            return _put(keys, users, key, chain)
    return _put(keys, users, key, chain)


def _put(
    keys: Keys, users: Users, key: base.Credential, chain: str | None
) -> None:
    former = keys.of_user(key.user_id)
    entry = _entry(keys, users, key, former)
    _take_name(keys, key)
    changes = keys.names.write(aged(key, former), entry)
    _change(keys, entry, changes, key.user_id, chain)
    _clear_others(keys, entry, former)
    settle(keys, Held(entry, key))


def _change(
    keys: Keys,
    entry: Entry,
    changes: list[Change],
    user_id: str,
    chain: str | None,
) -> None:
    """Change the key on an entry and record the time of the change.

    One modification does both.
    """
    now, date = dated(keys, entry, user_id, chain)
    redate(keys, entry, now, keys.session.modify(entry.dn, changes + date))


def dated(
    keys: Keys, entry: Entry, user_id: str, chain: str | None
) -> tuple[datetime.datetime, list[Change]]:
    """Return the time by the clock of this machine, and what records it."""
    now = _now()
    return now, keys.names.date(entry, user_id, base.Change(now, chain))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def redate(
    keys: Keys,
    entry: Entry,
    now: datetime.datetime,
    shown: datetime.datetime | None,
) -> None:
    """Record another time if the clock of the directory shows another second.

    That is the end of the second that it shows, because a directory reports
    whole seconds.
    """
    if shown is not None and shown != now.replace(microsecond=0):
        with contextlib.suppress(*OVERTAKEN):
            end = shown.replace(microsecond=999_999)
            keys.session.modify(entry.dn, keys.names.redate(now, end))


def _entry(
    keys: Keys, users: Users, key: base.Credential, former: list[Held]
) -> Entry:
    entry = users.entry(keys.session, key)
    if entry is None and former:
        entry = max(former, key=age).entry
    if entry is None:
        raise base.NoPlace(
            f'[ldap] user_name_attribute: the user {key.user_id} has no name '
            'by which to find an entry'
        )
    return entry


def aged(key: base.Credential, former: list[Held]) -> base.Credential:
    """Return a key with the time of creation of the one that it replaces."""
    replaced = newest(former) or key
    return dataclasses.replace(key, created_at=replaced.created_at)


def _take_name(keys: Keys, key: base.Credential) -> None:
    for other in _namesakes(keys, key):
        if other.key.user_id != key.user_id:
            _leave_nameless(keys, other)


def _leave_nameless(keys: Keys, held: Held) -> None:
    names = keys.names
    keys.change(
        held, names.unless_written(held.key) + names.take_name(held.key)
    )


def _namesakes(keys: Keys, key: base.Credential) -> list[Held]:
    if key.username is None:
        return []
    return keys.named(key.domain_id, key.username)


def _clear_others(keys: Keys, entry: Entry, former: list[Held]) -> None:
    names = keys.names
    for old in former:
        if old.entry.dn != entry.dn:
            keys.change(
                old, names.unless_written(old.key) + names.clear(old.key)
            )


def settle(keys: Keys, own: Held) -> None:
    """Leave a name with one of the users who got it at the same time.

    Each of them may give it up, so one that finds no holder takes it back.
    """
    if own.key.username is None:
        return
    for _ in range(_TRIES):
        found = sorted(_namesakes(keys, own.key), key=age)
        if len(found) == 1 or not (found or _take_back(keys, own)):
            return
        for loser in found[:-1]:
            _leave_nameless(keys, loser)


def _take_back(keys: Keys, own: Held) -> bool:
    names = keys.names
    return keys.change(
        own, names.unless_written(own.key) + names.give_name(own.key)
    )


def rename(keys: Keys, key: base.Credential, username: str) -> None:
    """Set the name of a key, unless it was written since it was read."""
    renamed = dataclasses.replace(key, username=username)
    for held in keys.of_user(key.user_id):
        changes = keys.names.unless_written(key) + keys.names.rename(renamed)
        if held.key == key and keys.change(held, changes):
            _take_name(keys, renamed)
            settle(keys, Held(held.entry, renamed))


def reseal(keys: Keys, user_id: str, old: bytes, new: bytes) -> bool:
    """Replace a sealed secret; return False if old is not there."""
    done = [
        keys.change(held, keys.names.reseal(old, new))
        for held in keys.of_user(user_id)
        if held.key.secret == old
    ]
    return any(done)


def delete(keys: Keys, user_id: str, chain: str | None) -> bool:
    """Remove every key of a user; return False if there was none."""
    # The newest comes last: if this is interrupted, no older key comes back.
    found = sorted(keys.of_user(user_id), key=age)
    done = [_clear(keys, held, chain) for held in found]
    return any(done)


def forget_changes(keys: Keys, before: datetime.datetime) -> int:
    """Delete the records of changes before a time; return their number."""
    names = keys.names
    # The search ends before the first deletion: a search that continues while
    # entries change may miss some.
    found = list(
        keys.session.search(
            names.changed_by(before), [*names.of_change, 'objectClass']
        )
    )
    return sum(_drop(keys, entry, before) for entry in found)


def _drop(keys: Keys, entry: Entry, before: datetime.datetime) -> bool:
    if keys.names.read_change(entry).at >= before:
        return False
    try:
        keys.session.modify(entry.dn, keys.names.forget(entry))
    except OVERTAKEN:
        return False
    return True


def _clear(keys: Keys, held: Held, chain: str | None) -> bool:
    changes = keys.names.clear(held.key)
    try:
        _change(keys, held.entry, changes, held.key.user_id, chain)
    except OVERTAKEN:
        return False
    return True
