"""What v2.0 says of itself (Identity v2.0, GET /v2.0)."""

from typing import Any

from lxml import etree

from keymw import media
from keymw.bodies.extensions import ATOM
from keymw.bodies.extensions import COMMON
from keymw.negotiate import Format

_MEMBERS = ('id', 'status', 'updated')


def write(version: dict[str, Any], format_: Format) -> bytes:
    """One version."""
    if format_ is Format.JSON:
        return media.write_json({'version': version})
    root = media.element(COMMON, 'version', version, _MEMBERS)
    types = etree.SubElement(root, f'{{{COMMON}}}media-types')
    for kind in version['media-types']:
        types.append(
            media.element(COMMON, 'media-type', kind, ('base', 'type'))
        )
    for link in version['links']:
        root.append(media.element(ATOM, 'link', link, ('rel', 'href')))
    return media.write_xml(root)
