"""The global keys themselves (contract ops-manager, 1 and 7)."""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses

from keymw import admin_faults
from keymw import global_key
from keymw.bodies.admin import Page
from keymw.bodies.global_keys import NewKey
from keymw.handlers.admin import AdminCall
from keymw.storage.base import OWNER
from keymw.storage.base import GlobalKey
from keymw.storage.base import LastOwner


def list_(call: AdminCall) -> Page:
    """A part of the keys."""
    return call.page(call.parts.keys)


def add(call: AdminCall) -> NewKey:
    """A new key.

    :raises RoleDenied: it would be an owner, and the caller is none.
    """
    parts, wanted = call.parts, call.body
    _check_grant(call, wanted.roles)
    made, private_key = global_key.add(
        parts.keys, parts.vault, wanted.description, wanted.roles, parts.now()
    )
    return NewKey(made, private_key)


def roles(_call: AdminCall) -> Sequence[str]:
    """The roles that there are."""
    return global_key.ROLES


def get(call: AdminCall) -> GlobalKey:
    """One key.

    :raises NoKey: there is none.
    """
    found = call.parts.keys.get(_id(call))
    if found is None:
        raise _no_key(call)
    return found


def update(call: AdminCall) -> GlobalKey:
    """Change the description or the roles of a key.

    :raises NoKey: there is none.
    :raises RoleDenied: the caller may not change it so.
    :raises LastOwnerChanged: it is the last owner, and would be none.
    """
    if not call.asker.writes and call.body.roles is not None:
        raise call.denied()
    _check_grant(call, call.body.roles or ())
    try:
        found = call.parts.keys.update(
            _id(call), lambda key: _changed(call, key)
        )
    except LastOwner:
        raise admin_faults.LastOwnerChanged() from None
    if found is None:
        raise _no_key(call)
    return found


def _changed(call: AdminCall, key: GlobalKey) -> GlobalKey:
    _check_touch(call, key)
    wanted = call.body
    return dataclasses.replace(
        key,
        description=wanted.description or key.description,
        roles=wanted.roles or key.roles,
        updated_at=call.parts.now(),
    )


def delete(call: AdminCall) -> None:
    """Delete a key; from then on nobody can use it.

    :raises NoKey: there is none.
    :raises RoleDenied: it is an owner, and the caller is none.
    :raises LastOwnerDeleted: it is the last owner.
    """
    try:
        found = call.parts.keys.delete(
            _id(call), lambda key: _check_touch(call, key)
        )
    except LastOwner:
        raise admin_faults.LastOwnerDeleted() from None
    if not found:
        raise _no_key(call)


def _check_grant(call: AdminCall, granted: Collection[str]) -> None:
    if OWNER in granted and not call.asker.owner:
        raise call.denied()


def _check_touch(call: AdminCall, key: GlobalKey) -> None:
    is_own = key.id == call.asker.id
    if key.is_owner and not (call.asker.owner or is_own):
        raise call.denied()


def _id(call: AdminCall) -> str:
    if not call.has_id():
        raise admin_faults.NoKeyId(call.path['id'])
    return call.path['id']


def _no_key(call: AdminCall) -> admin_faults.NoKey:
    status = call.parts.conf.global_keys.key_not_found_status
    return admin_faults.NoKey(call.path['id'], status)
