"""The shapes of users (Identity v2.0)."""

from collections.abc import Sequence
from typing import Any

from lxml import etree

from keymw import media
from keymw.bodies.fault import IDENTITY
from keymw.negotiate import Format

_MEMBERS = ('id', 'name', 'username', 'email', 'enabled')


def write(user: dict[str, Any], format_: Format) -> bytes:
    """One user."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(user))
    return media.write_json({'user': user})


def write_found(
    found: dict[str, Any] | Sequence[dict[str, Any]], format_: Format
) -> bytes:
    """The user of a name, or a list of users."""
    if isinstance(found, dict):
        return write(found, format_)
    if format_ is Format.JSON:
        return media.write_json({'users': found, 'users_links': []})
    root = etree.Element(f'{{{IDENTITY}}}users', nsmap={None: IDENTITY})
    root.extend(map(_to_xml, found))
    return media.write_xml(root)


def _to_xml(user: dict[str, Any]) -> etree._Element:
    return media.element(IDENTITY, 'user', user, _MEMBERS)
