"""The shapes of entries of the access list (contract ops-manager, 6)."""

import dataclasses
from typing import Any

from keymw import access_entry
from keymw import admin_faults
from keymw.bodies import admin
from keymw.bodies.admin import Page
from keymw.bodies.admin import View
from keymw.storage.base import AccessEntry

_CHANGEABLE = {'cidrBlock': str, 'description': str}
_SETTABLE = {**_CHANGEABLE, 'ipAddress': str}
_READ_ONLY = frozenset(
    ('created', 'expires', 'id', 'lastUsed', 'links', 'type', 'updated')
)


@dataclasses.dataclass(frozen=True)
class EntryChange:
    """What an entry is to be; None leaves it as it is."""

    cidr_block: str | None
    description: str | None


def read_new(body: bytes, content_type: str | None) -> tuple[str, str]:
    """The network and the description of an entry to be made.

    :raises AdminFault: they are not there, or cannot be.
    """
    members = admin.read_members(body, content_type, _SETTABLE, _READ_ONLY)
    if 'ipAddress' in members:
        members = _with_address(members)
    for name in _CHANGEABLE:
        if name not in members:
            raise admin_faults.Missing(name)
    _check_description(members['description'])
    return members['cidrBlock'], members['description']


def _with_address(members: dict[str, Any]) -> dict[str, Any]:
    if 'cidrBlock' in members:
        raise admin_faults.TwoNetworks()
    text = members['ipAddress']
    try:
        access_entry.address(text)
    except ValueError:
        raise admin_faults.NoNetwork(text) from None
    return {**members, 'cidrBlock': text}


def read_change(body: bytes, content_type: str | None) -> EntryChange | None:
    """A change of an entry; None: there is no body (contract, 6.3).

    :raises AdminFault: it changes nothing, or cannot be.
    """
    if not body:
        return None
    members = admin.read_members(body, content_type, _CHANGEABLE, _READ_ONLY)
    if not members:
        raise admin_faults.NothingToChange()
    if 'description' in members:
        _check_description(members['description'])
    return EntryChange(members.get('cidrBlock'), members.get('description'))


def _check_description(text: str) -> None:
    if not text:
        raise admin_faults.NotAMember('description')
    admin.check_text('description', text)


def write_page(page: Page, view: View) -> object:
    """A part of the list of entries."""
    return admin.write_page(page, view, write)


def write(entry: AccessEntry, view: View) -> dict[str, object]:
    """An entry with all its members (contract, 6.1)."""
    used = entry.last_used_at
    return {
        'cidrBlock': entry.cidr_block,
        'created': admin.moment(entry.created_at),
        'description': entry.description,
        'expires': None,
        'id': entry.id,
        'lastUsed': None if used is None else admin.moment(used),
        'links': [admin.link(f'{view.url}/{entry.id}')],
        'type': 'GLOBAL_ROLE',
        'updated': admin.moment(entry.updated_at),
    }
