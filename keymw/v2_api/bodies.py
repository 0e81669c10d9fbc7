"""Response bodies of users, roles, tenants and the version (Identity v2.0)."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NotRequired
from typing import TypedDict
from typing import TypeVar

from lxml import etree

from keymw.identity.access import Role
from keymw.web import media
from keymw.web.namespaces import ATOM
from keymw.web.namespaces import COMMON
from keymw.web.namespaces import IDENTITY
from keymw.web.negotiate import Format

_Item = TypeVar('_Item', bound=Mapping[str, object])


class User(TypedDict):
    """A user; name and username are the same."""

    id: str
    name: str
    username: str
    enabled: bool
    email: NotRequired[str]


class Tenant(TypedDict):
    """A tenant; description may be empty."""

    id: str
    name: str
    description: str
    enabled: bool


# A class cannot have a member with a hyphen in its name.
Version = TypedDict(
    'Version',
    {
        'id': str,
        'status': str,
        'updated': str,
        'links': list[dict[str, str]],
        'media-types': list[dict[str, str]],
    },
)


def write_user(user: User, format_: Format) -> bytes:
    """The body with one user."""
    return _write('user', user, _user, format_)


def write_users(items: User | list[User], format_: Format) -> bytes:
    """The body with one user, or with a list of users."""
    if isinstance(items, list):
        return _write_list('users', items, _user, format_)
    return write_user(items, format_)


def _user(user: User) -> etree._Element:
    members = ('id', 'name', 'username', 'email', 'enabled')
    return media.element(IDENTITY, 'user', user, members)


def write_roles(roles: list[Role], format_: Format) -> bytes:
    """The body with the roles of a user."""
    return _write_list('roles', roles, _role, format_)


def _role(role: Role) -> etree._Element:
    return media.element(IDENTITY, 'role', role, ('id', 'name', 'tenantId'))


def write_tenant(tenant: Tenant, format_: Format) -> bytes:
    """The body with one tenant."""
    return _write('tenant', tenant, _tenant, format_)


def write_tenants(items: Tenant | list[Tenant], format_: Format) -> bytes:
    """The body with one tenant, or with a list of tenants."""
    if isinstance(items, list):
        return _write_list('tenants', items, _tenant, format_)
    return write_tenant(items, format_)


def _tenant(tenant: Tenant) -> etree._Element:
    made = media.element(IDENTITY, 'tenant', tenant, ('id', 'name', 'enabled'))
    description = etree.SubElement(made, f'{{{IDENTITY}}}description')
    description.text = media.to_xml_text(tenant['description'])
    return made


def write_version(version: Version, format_: Format) -> bytes:
    """The body with the version document."""
    return _write('version', version, _version, format_)


def _version(version: Version) -> etree._Element:
    made = media.element(
        COMMON, 'version', version, ('id', 'status', 'updated')
    )
    types = etree.SubElement(made, f'{{{COMMON}}}media-types')
    for kind in version['media-types']:
        types.append(
            media.element(COMMON, 'media-type', kind, ('base', 'type'))
        )
    for link in version['links']:
        made.append(media.element(ATOM, 'link', link, ('rel', 'href')))
    return made


def _write(
    name: str,
    item: _Item,
    to_xml: Callable[[_Item], etree._Element],
    format_: Format,
) -> bytes:
    if format_ is Format.XML:
        return media.write_xml(to_xml(item))
    return media.write_json({name: item})


def _write_list(
    name: str,
    items: Sequence[_Item],
    to_xml: Callable[[_Item], etree._Element],
    format_: Format,
) -> bytes:
    if format_ is Format.JSON:
        return media.write_json({name: items, f'{name}_links': []})
    root = etree.Element(f'{{{IDENTITY}}}{name}', nsmap={None: IDENTITY})
    root.extend(map(to_xml, items))
    return media.write_xml(root)
