"""Bodies of requests and responses about global keys.

Source: doc/contract/ops-manager-global-keys 1.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

from keymw.global_keys import faults as admin_faults
from keymw.global_keys import json_shapes as admin
from keymw.global_keys import keys as global_key
from keymw.global_keys import pages
from keymw.global_keys import redaction
from keymw.global_keys.json_shapes import View
from keymw.global_keys.pages import Page
from keymw.storage.global_keys import GlobalKey

_SETTABLE = {'desc': str, 'roles': list}
_READ_ONLY = frozenset(
    (
        *('created', 'globalRoles', 'groupRoles', 'id', 'links', 'numGroups'),
        *('orgRoles', 'orgRolesString', 'privateKey', 'privateKeyRedacted'),
        *('publicKey', 'updated', 'userId', 'username'),
    )
)
_OF_OTHERS = {'ORG_': 'ORG', 'GROUP_': 'GROUP'}


@dataclasses.dataclass(frozen=True)
class KeyValues:
    """The values of a key to make."""

    description: str
    roles: frozenset[str]


@dataclasses.dataclass(frozen=True)
class KeyChange:
    """The new values of a key. None leaves a value unchanged."""

    description: str | None
    roles: frozenset[str] | None


@dataclasses.dataclass(frozen=True)
class NewKey:
    """A new key and its private key, which only this response shows."""

    key: GlobalKey
    private_key: str = dataclasses.field(repr=False)


def read_new(body: bytes, content_type: str | None) -> KeyValues:
    """Return the description and the roles of a new key.

    :raises AdminFault: a member is missing, unknown or invalid.
    """
    members = _members(body, content_type)
    for name in _SETTABLE:
        if name not in members:
            raise admin_faults.Missing(name)
    _change(members)
    return KeyValues(members['desc'], frozenset(members['roles']))


def read_change(body: bytes, content_type: str | None) -> KeyChange:
    """Return the change of a key, with at least one value.

    :raises AdminFault: the change is empty, or a member is invalid.
    """
    members = _members(body, content_type)
    if not members:
        raise admin_faults.MissingAll(*_SETTABLE)
    return _change(members)


def _members(body: bytes, content_type: str | None) -> dict[str, Any]:
    return admin.read_members(body, content_type, _SETTABLE, _READ_ONLY)


def _change(members: dict[str, Any]) -> KeyChange:
    description, roles = members.get('desc'), members.get('roles')
    if description is not None:
        _check_description(description)
    if roles is not None:
        _check_roles(roles)
        roles = frozenset(roles)
    return KeyChange(description, roles)


def _check_description(text: str) -> None:
    if not text:
        raise admin_faults.NoDescription()
    admin.check_text('desc', text)


def _check_roles(roles: Sequence[object]) -> None:
    if not roles:
        raise admin_faults.NoRoles()
    for role in roles:
        if not isinstance(role, str):
            raise admin_faults.WrongType('roles')
        if role not in global_key.ROLES:
            raise _no_role(role)


def _no_role(role: str) -> admin_faults.AdminFault:
    for prefix, kind in _OF_OTHERS.items():
        if role.startswith(prefix):
            return admin_faults.RoleOfAnother(role, kind)
    return admin_faults.NoRole(role)


def write_page(page: Page[GlobalKey], view: View) -> object:
    """Return one page of keys as JSON."""
    return pages.write(page, view, write)


def write(key: GlobalKey, view: View) -> dict[str, object]:
    """Return a key as a JSON object, for old and new clients.

    Old clients read globalRoles and userId, new ones roles and id. Source:
    doc/contract/ops-manager-global-keys 1.3.
    """
    roles = sorted(key.roles)
    return {
        'created': admin.moment(key.created_at),
        'desc': key.description,
        'globalRoles': roles,
        'groupRoles': [],
        'id': key.id,
        'links': [admin.link(f'{view.url}/{key.id}')],
        'numGroups': 0,
        'orgRoles': [],
        'orgRolesString': '',
        'privateKey': redaction.redacted(key.suffix),
        'publicKey': key.public_key,
        'roles': [{'roleName': role} for role in roles],
        'userId': key.id,
        'username': key.public_key,
    }


def write_new(new: NewKey, view: View) -> dict[str, object]:
    """Return a new key as a JSON object, with its private key."""
    return write(new.key, view) | {
        'privateKey': new.private_key,
        'privateKeyRedacted': redaction.redacted(new.key.suffix),
    }


def write_roles(roles: Sequence[str], _view: View) -> object:
    """Return the names of roles. No other list is a bare JSON array."""
    return list(roles)
