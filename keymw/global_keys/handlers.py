"""Handlers of global keys.

Source: doc/contract/ops-manager-global-keys 1 and 7.
"""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses

from keymw.call import Call
from keymw.conf import Options
from keymw.global_keys import faults as admin_faults
from keymw.global_keys import keys as global_key
from keymw.global_keys import pages
from keymw.global_keys.bodies import KeyChange
from keymw.global_keys.bodies import KeyValues
from keymw.global_keys.bodies import NewKey
from keymw.global_keys.callers import KeyCaller
from keymw.global_keys.pages import Page
from keymw.global_keys.pages import Paging
from keymw.storage.global_keys import OWNER
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import LastOwner


class Keys:
    """The operations on a store of global keys."""

    def __init__(self, options: Options, keys: GlobalKeyStore) -> None:
        """The options are those of [global_keys]."""
        self._options = options
        self._keys = keys

    def list_(self, call: Call[KeyCaller, Paging]) -> Page[GlobalKey]:
        """Return one page of keys."""
        return pages.page(self._keys, call.body)

    def add(self, call: Call[KeyCaller, KeyValues]) -> NewKey:
        """Add a key and return it with its private key.

        :raises RoleDenied: a caller that is not an owner grants GLOBAL_OWNER.
        """
        parts, wanted = call.parts, call.body
        self._check_grant(call.caller, wanted.roles)
        made, private_key = global_key.add(
            self._keys,
            parts.vault,
            wanted.description,
            wanted.roles,
            parts.now(),
        )
        return NewKey(made, private_key)

    def roles(self, _call: Call[KeyCaller, None]) -> Sequence[str]:
        """Return the names of all roles."""
        return global_key.ROLES

    def get(self, call: Call[KeyCaller, None]) -> GlobalKey:
        """Return one key.

        :raises NoKey: no key has this id.
        """
        id_ = _id(call)
        key = self._keys.get(id_)
        if key is None:
            raise self._no_key(id_)
        return key

    def update(self, call: Call[KeyCaller, KeyChange]) -> GlobalKey:
        """Change the description or the roles of a key.

        :raises NoKey: no key has this id.
        :raises RoleDenied: the roles of the caller do not allow this change.
        :raises LastOwnerChanged: the change would leave no owner.
        """
        if not call.caller.writes and call.body.roles is not None:
            raise self._denied()
        self._check_grant(call.caller, call.body.roles or ())
        id_ = _id(call)
        try:
            key = self._keys.update(id_, lambda key: self._changed(call, key))
        except LastOwner:
            raise admin_faults.LastOwnerChanged() from None
        if key is None:
            raise self._no_key(id_)
        return key

    def _changed(
        self, call: Call[KeyCaller, KeyChange], key: GlobalKey
    ) -> GlobalKey:
        self._check_touch(call.caller, key)
        # A row that was changed in the database must not get a valid seal.
        global_key.check(call.parts.vault, key)
        wanted = call.body
        changed = dataclasses.replace(
            key,
            description=wanted.description or key.description,
            roles=wanted.roles or key.roles,
            updated_at=call.parts.now(),
        )
        return global_key.bound(call.parts.vault, changed)

    def delete(self, call: Call[KeyCaller, None]) -> None:
        """Delete a key. It authenticates no request from then on.

        :raises NoKey: no key has this id.
        :raises RoleDenied: the key is an owner and the caller is not.
        :raises LastOwnerDeleted: the key is the last owner.
        """
        id_, caller = _id(call), call.caller
        try:
            is_deleted = self._keys.delete(
                id_, lambda key: self._check_touch(caller, key)
            )
        except LastOwner:
            raise admin_faults.LastOwnerDeleted() from None
        if not is_deleted:
            raise self._no_key(id_)

    def _check_grant(
        self, caller: KeyCaller, granted: Collection[str]
    ) -> None:
        if OWNER in granted and not caller.owner:
            raise self._denied()

    def _check_touch(self, caller: KeyCaller, key: GlobalKey) -> None:
        if key.is_owner and not (caller.owner or key.id == caller.id):
            raise self._denied()

    def _denied(self) -> admin_faults.RoleDenied:
        return admin_faults.RoleDenied(self._options.role_denied_status)

    def _no_key(self, id_: str) -> admin_faults.NoKey:
        return admin_faults.NoKey(id_, self._options.key_not_found_status)


def _id(call: Call[KeyCaller, object]) -> str:
    if not global_key.is_id(call.path['id']):
        raise admin_faults.NoKeyId(call.path['id'])
    return call.path['id']
