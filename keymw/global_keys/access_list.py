"""Handlers of the access list: the networks that may use global keys.

Source: doc/contract/ops-manager-global-keys 6.
"""

import dataclasses
from typing import Any

from oslo_config import cfg

from keymw.call import Call
from keymw.global_keys import faults as admin_faults
from keymw.global_keys import keys as global_key
from keymw.global_keys import networks as access_entry
from keymw.global_keys import pages
from keymw.global_keys.access_list_bodies import EntryChange
from keymw.global_keys.callers import KeyCaller
from keymw.global_keys.pages import Page
from keymw.global_keys.pages import Paging
from keymw.storage.base import Taken
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import LockedOut


class AccessList:
    """The operations on a store of the access list."""

    def __init__(
        self, conf: cfg.ConfigOpts, access_list: AccessListStore
    ) -> None:
        self._conf = conf
        self._entries = access_list

    def list_(self, call: Call[KeyCaller, Paging]) -> Page[AccessEntry]:
        """Return one page of the access list."""
        return pages.page(self._entries, call.body)

    def add(self, call: Call[KeyCaller, tuple[str, str]]) -> AccessEntry:
        """Add an entry and return it.

        :raises NoNetwork: the text is not an address or a network.
        :raises NetworkTaken: another entry has this network.
        """
        parts, (block, description) = call.parts, call.body
        try:
            made = access_entry.new(
                self._conf, parts.vault, block, description, parts.now()
            )
        except ValueError:
            raise admin_faults.NoNetwork(block) from None
        try:
            self._entries.add(made)
        except Taken:
            raise admin_faults.NetworkTaken(block) from None
        return made

    def get(self, call: Call[KeyCaller, object]) -> AccessEntry:
        """Return one entry.

        :raises NoEntry: no entry has this id.
        """
        id_ = _id(call)
        entry = self._entries.get(id_)
        if entry is None:
            raise admin_faults.NoEntry(id_)
        return entry

    def update(self, call: Call[KeyCaller, EntryChange | None]) -> AccessEntry:
        """Change the network or the description of an entry.

        A request without a body changes nothing.

        :raises NoEntry: no entry has this id.
        :raises NoNetwork: the text is not an address or a network.
        :raises NetworkTaken: another entry has this network.
        :raises OwnEntry: the change would lock out the caller's own address.
        """
        wanted, id_ = call.body, _id(call)
        if wanted is None:
            return self.get(call)
        changes = self._changes(wanted) | {'updated_at': call.parts.now()}
        try:
            entry = self._entries.update(
                id_,
                lambda entry: _changed(call, entry, changes),
                call.caller.kept,
            )
        except Taken:
            raise admin_faults.NetworkTaken(wanted.cidr_block or '') from None
        except LockedOut:
            raise _own_entry(call) from None
        if entry is None:
            raise admin_faults.NoEntry(id_)
        return entry

    def _changes(self, wanted: EntryChange) -> dict[str, Any]:
        """Return the new values of an entry, by field."""
        changes = {}
        if wanted.description is not None:
            changes['description'] = wanted.description
        if wanted.cidr_block is not None:
            changes['cidr_block'] = wanted.cidr_block
            changes['network'] = self._network(wanted.cidr_block)
        return changes

    def _network(self, text: str) -> str:
        try:
            return access_entry.network(self._conf, text)
        except ValueError:
            raise admin_faults.NoNetwork(text) from None

    def delete(self, call: Call[KeyCaller, None]) -> None:
        """Remove an entry. It admits no request from then on.

        :raises NoEntry: no entry has this id.
        :raises OwnEntry: the removal would lock out the caller's own address.
        """
        id_ = _id(call)
        try:
            is_deleted = self._entries.delete(id_, call.caller.kept)
        except LockedOut:
            raise _own_entry(call) from None
        if not is_deleted:
            raise admin_faults.NoEntry(id_)


def _changed(
    call: Call[KeyCaller, object], entry: AccessEntry, changes: dict[str, Any]
) -> AccessEntry:
    # A row that was changed in the database must not get a valid seal.
    access_entry.check(call.parts.vault, entry)
    changed = dataclasses.replace(entry, **changes)
    return access_entry.bound(call.parts.vault, changed)


def _id(call: Call[KeyCaller, object]) -> str:
    if not global_key.is_id(call.path['id']):
        raise admin_faults.NoEntry(call.path['id'])
    return call.path['id']


def _own_entry(call: Call[KeyCaller, object]) -> admin_faults.OwnEntry:
    return admin_faults.OwnEntry(str(call.caller.kept))
