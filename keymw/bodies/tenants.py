"""The shape of a list of tenants (Identity v2.0)."""

from collections.abc import Sequence
from typing import Any

from lxml import etree

from keymw import media
from keymw.bodies.fault import IDENTITY
from keymw.negotiate import Format


def write_list(tenants: Sequence[dict[str, Any]], format_: Format) -> bytes:
    """The tenants of a token."""
    if format_ is Format.JSON:
        return media.write_json({'tenants': tenants, 'tenants_links': []})
    root = etree.Element(f'{{{IDENTITY}}}tenants', nsmap={None: IDENTITY})
    root.extend(map(_to_xml, tenants))
    return media.write_xml(root)


def _to_xml(tenant: dict[str, Any]) -> etree._Element:
    made = media.element(IDENTITY, 'tenant', tenant, ('id', 'name', 'enabled'))
    description = etree.SubElement(made, f'{{{IDENTITY}}}description')
    description.text = media.to_xml_text(tenant['description'])
    return made
