"""Write keys to a directory, which changes one entry at once, never two.

So what takes a name from another user comes before a write, and what takes
the key of the same user from another entry after it. Whenever a process
dies, no name leads to a key of somebody else, and no key is lost: of two
keys of one user the newer is found, and the next write takes the older away.
"""

import contextlib
import dataclasses

from keymw.storage import base
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.keys import OVERTAKEN
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.keys import age
from keymw.storage.ldap.keys import newest
from keymw.storage.ldap.users import Users

# Each time another writer was faster; so many are not met in a row.
_TRIES = 20


def put(keys: Keys, users: Users, key: base.Credential) -> None:
    """Write a key whole on the entry of its user.

    :raises Outage: no entry is the user's.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(*OVERTAKEN):
            return _put(keys, users, key)
    return _put(keys, users, key)


def _put(keys: Keys, users: Users, key: base.Credential) -> None:
    former = keys.of_user(key.user_id)
    entry = _entry(keys, users, key, former)
    _take_name(keys, key)
    keys.session.modify(entry.dn, keys.names.write(_aged(key, former), entry))
    _clear_others(keys, entry, former)
    _settle(keys, Held(entry, key))


def _entry(
    keys: Keys, users: Users, key: base.Credential, former: list[Held]
) -> Entry:
    entry = users.entry(keys.session, key)
    if entry is None and former:
        entry = max(former, key=age).entry
    if entry is None:
        raise base.Outage(
            f'[ldap] user_name_attribute: the user {key.user_id} has no name '
            'by which to find an entry'
        )
    return entry


def _aged(key: base.Credential, former: list[Held]) -> base.Credential:
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


def _settle(keys: Keys, mine: Held) -> None:
    """Leave a name to one of those who were given it at the same time.

    Each may leave it to another, so who finds it with nobody takes it back.
    """
    if mine.key.username is None:
        return
    for _ in range(_TRIES):
        found = sorted(_namesakes(keys, mine.key), key=age)
        if len(found) == 1 or not (found or _take_back(keys, mine)):
            return
        for loser in found[:-1]:
            _leave_nameless(keys, loser)


def _take_back(keys: Keys, mine: Held) -> bool:
    names = keys.names
    return keys.change(
        mine, names.unless_written(mine.key) + names.give_name(mine.key)
    )


def rename(keys: Keys, key: base.Credential, username: str) -> None:
    """Give a key that was read another name, unless it was written since."""
    renamed = dataclasses.replace(key, username=username)
    for held in keys.of_user(key.user_id):
        changes = keys.names.unless_written(key) + keys.names.rename(renamed)
        if held.key == key and keys.change(held, changes):
            _take_name(keys, renamed)
            _settle(keys, Held(held.entry, renamed))


def reseal(keys: Keys, user_id: str, old: bytes, new: bytes) -> bool:
    """Put a sealed secret in place of another; False when that is gone."""
    done = [
        keys.change(held, keys.names.reseal(old, new))
        for held in keys.of_user(user_id)
        if held.key.secret == old
    ]
    return any(done)


def delete(keys: Keys, user_id: str) -> bool:
    """Take every key of a user away; False when there was none."""
    # The newest last: should this end halfway, no older key comes back.
    found = sorted(keys.of_user(user_id), key=age)
    done = [keys.change(held, keys.names.clear(held.key)) for held in found]
    return any(done)
