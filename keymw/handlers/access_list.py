"""The networks that global keys may be used from (ops-manager, 6)."""

import dataclasses
from typing import Any

from keymw import access_entry
from keymw import admin_faults
from keymw.bodies.admin import Page
from keymw.handlers.admin import AdminCall
from keymw.storage.base import AccessEntry
from keymw.storage.base import LockedOut
from keymw.storage.base import Taken


def list_(call: AdminCall) -> Page:
    """A part of the list."""
    return call.page(call.parts.access_list)


def add(call: AdminCall) -> AccessEntry:
    """A new entry.

    :raises NoNetwork: what was given is none.
    :raises NetworkTaken: there is an entry for it.
    """
    parts, (block, description) = call.parts, call.body
    try:
        made = access_entry.new(parts.conf, block, description, parts.now())
    except ValueError:
        raise admin_faults.NoNetwork(block) from None
    try:
        parts.access_list.add(made)
    except Taken:
        raise admin_faults.NetworkTaken(block) from None
    return made


def get(call: AdminCall) -> AccessEntry:
    """One entry.

    :raises NoEntry: there is none.
    """
    entry_id = _id(call)
    found = call.parts.access_list.get(entry_id)
    if found is None:
        raise admin_faults.NoEntry(entry_id)
    return found


def update(call: AdminCall) -> AccessEntry:
    """Change the network or the description of an entry.

    :raises NoEntry: there is none.
    :raises NoNetwork: what was given is none.
    :raises NetworkTaken: another entry has it.
    :raises OwnEntry: the caller would be let in no more.
    """
    wanted, entry_id = call.body, _id(call)
    if wanted is None:
        return get(call)
    changes: dict[str, Any] = {'updated_at': call.parts.now()}
    if wanted.description is not None:
        changes['description'] = wanted.description
    if wanted.cidr_block is not None:
        changes |= _network(call, wanted.cidr_block)
    try:
        found = call.parts.access_list.update(
            entry_id,
            lambda entry: dataclasses.replace(entry, **changes),
            call.asker.kept,
        )
    except Taken:
        raise admin_faults.NetworkTaken(wanted.cidr_block) from None
    except LockedOut:
        raise _own_entry(call) from None
    if found is None:
        raise admin_faults.NoEntry(entry_id)
    return found


def _network(call: AdminCall, text: str) -> dict[str, str]:
    try:
        network = access_entry.network(call.parts.conf, text)
    except ValueError:
        raise admin_faults.NoNetwork(text) from None
    return {'cidr_block': text, 'network': network}


def delete(call: AdminCall) -> None:
    """Remove an entry; from then on nobody comes in by it.

    :raises NoEntry: there is none.
    :raises OwnEntry: the caller would be let in no more.
    """
    entry_id = _id(call)
    try:
        found = call.parts.access_list.delete(entry_id, call.asker.kept)
    except LockedOut:
        raise _own_entry(call) from None
    if not found:
        raise admin_faults.NoEntry(entry_id)


def _id(call: AdminCall) -> str:
    if not call.has_id():
        raise admin_faults.NoEntry(call.path['id'])
    return call.path['id']


def _own_entry(call: AdminCall) -> admin_faults.OwnEntry:
    return admin_faults.OwnEntry(str(call.asker.kept))
