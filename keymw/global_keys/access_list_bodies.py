"""Bodies of requests and responses about the access list.

Source: doc/contract/ops-manager-global-keys 6.
"""

import dataclasses
from typing import Any

from keymw.global_keys import faults as admin_faults
from keymw.global_keys import json_shapes as admin
from keymw.global_keys import pages
from keymw.global_keys.json_shapes import View
from keymw.global_keys.pages import Page
from keymw.limits import addresses
from keymw.storage.global_keys import AccessEntry

_CHANGEABLE = {'cidrBlock': str, 'description': str}
_SETTABLE = {**_CHANGEABLE, 'ipAddress': str}
_READ_ONLY = frozenset(
    ('created', 'expires', 'id', 'lastUsed', 'links', 'type', 'updated')
)


@dataclasses.dataclass(frozen=True)
class EntryChange:
    """The new values of an entry. None leaves a value unchanged."""

    cidr_block: str | None
    description: str | None


def read_new(body: bytes, content_type: str | None) -> tuple[str, str]:
    """Return the network and the description of a new entry, as text.

    :raises AdminFault: a member is missing, unknown or invalid.
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
        addresses.address(text)
    except ValueError:
        raise admin_faults.NoNetwork(text) from None
    return {**members, 'cidrBlock': text}


def read_change(body: bytes, content_type: str | None) -> EntryChange | None:
    """Return the change of an entry, or None if the body is empty.

    Source: doc/contract/ops-manager-global-keys 6.3.

    :raises AdminFault: the change is empty, or a member is invalid.
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


def write_page(page: Page[AccessEntry], view: View) -> object:
    """Return one page of entries as JSON."""
    return pages.write(page, view, write)


def write(entry: AccessEntry, view: View) -> dict[str, object]:
    """Return an entry as a JSON object with all its members.

    Source: doc/contract/ops-manager-global-keys 6.1.
    """
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
