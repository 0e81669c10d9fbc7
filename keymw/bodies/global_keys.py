"""The shapes of global keys (contract ops-manager, 1)."""

from collections.abc import Sequence
import dataclasses
from typing import Any

from keymw import admin_faults
from keymw import global_key
from keymw import keys
from keymw.bodies import admin
from keymw.bodies.admin import Page
from keymw.bodies.admin import View
from keymw.storage.base import GlobalKey

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
class KeyChange:
    """What a key is to be; None leaves it as it is."""

    description: str | None
    roles: frozenset[str] | None


@dataclasses.dataclass(frozen=True)
class NewKey:
    """A key, and the secret that is told this once."""

    key: GlobalKey
    private_key: str = dataclasses.field(repr=False)


def read_new(body: bytes, content_type: str | None) -> KeyChange:
    """A key to be made: both members are there.

    :raises AdminFault: they are not, or cannot be.
    """
    members = _members(body, content_type)
    for name in _SETTABLE:
        if name not in members:
            raise admin_faults.Missing(name)
    return _change(members)


def read_change(body: bytes, content_type: str | None) -> KeyChange:
    """A change of a key: at least one member is there.

    :raises AdminFault: none is, or one cannot be.
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


def write_page(page: Page, view: View) -> object:
    """A part of the list of keys."""
    return admin.write_page(page, view, write)


def write(key: GlobalKey, view: View) -> dict[str, object]:
    """A key as both kinds of reader know it (contract, 1.3)."""
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
        'privateKey': keys.redacted(key.suffix),
        'publicKey': key.public_key,
        'roles': [{'roleName': role} for role in roles],
        'userId': key.id,
        'username': key.public_key,
    }


def write_new(new: NewKey, view: View) -> dict[str, object]:
    """A key that was just made, with its secret."""
    return write(new.key, view) | {
        'privateKey': new.private_key,
        'privateKeyRedacted': keys.redacted(new.key.suffix),
    }


def write_roles(roles: Sequence[str], _view: View) -> object:
    """The names of roles: the only list that is a bare array."""
    return list(roles)
