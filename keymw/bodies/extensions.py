"""The shapes of extensions and their list (contract, 7)."""

from collections.abc import Sequence
import dataclasses
from typing import Any

from lxml import etree

from keymw import faults
from keymw import media
from keymw.negotiate import Format

COMMON = 'http://docs.openstack.org/common/api/v1.0'
ATOM = 'http://www.w3.org/2005/Atom'


@dataclasses.dataclass(frozen=True)
class Extension:
    """What an extension says of itself; describedby is a URL."""

    name: str
    namespace: str
    alias: str
    updated: str
    description: str
    describedby: str


def write(extension: Extension, format_: Format) -> bytes:
    """One extension."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(extension, COMMON))
    return media.write_json({'extension': _to_json(extension)})


def write_list(extensions: Sequence[Extension], format_: Format) -> bytes:
    """A list, for a service that has none of its own."""
    if format_ is Format.JSON:
        found = [_to_json(extension) for extension in extensions]
        return media.write_json({'extensions': found, 'extensions_links': []})
    root = etree.Element(f'{{{COMMON}}}extensions', nsmap={None: COMMON})
    root.extend(_to_xml(extension, COMMON) for extension in extensions)
    return media.write_xml(root)


def merge(
    body: bytes, extensions: Sequence[Extension], format_: Format
) -> bytes | None:
    """A service's list with more in it, in the shape it came in.

    None for one that we cannot read or that has them already.
    """
    try:
        if format_ is Format.XML:
            return _merge_xml(media.read_xml(body), extensions)
        return _merge_json(media.read_json(body), extensions)
    except faults.BadRequest:
        return None


def _merge_json(data: Any, extensions: Sequence[Extension]) -> bytes | None:
    found = data.get('extensions') if isinstance(data, dict) else None
    values = found.get('values') if isinstance(found, dict) else found
    if not isinstance(values, list):
        return None
    there = [_unwrapped(item) for item in values]
    wrapped = there[:1] != values[:1]
    new = [_to_json(e) for e in extensions if not _has(there, e)]
    values.extend({'extension': item} if wrapped else item for item in new)
    return media.write_json(data) if new else None


def _unwrapped(item: Any) -> Any:
    inner = item.get('extension') if isinstance(item, dict) else None
    return inner if isinstance(inner, dict) else item


def _has(there: list[Any], extension: Extension) -> bool:
    return any(
        isinstance(item, dict) and item.get('alias') == extension.alias
        for item in there
    )


def _merge_xml(
    root: etree._Element, extensions: Sequence[Extension]
) -> bytes | None:
    name = etree.QName(root)
    if name.localname != 'extensions':
        return None
    there = {child.get('alias') for child in root}
    # In the list's own namespace: one old service has another than COMMON.
    new = [
        _to_xml(extension, name.namespace)
        for extension in extensions
        if extension.alias not in there
    ]
    root.extend(new)
    return media.write_xml(root) if new else None


def _to_json(extension: Extension) -> dict[str, Any]:
    link = _link(extension)
    return {**_attributes(extension), 'description': extension.description} | {
        'links': [link]
    }


def _to_xml(extension: Extension, namespace: str | None) -> etree._Element:
    made = etree.Element(
        etree.QName(namespace, 'extension'),
        attrib=_attributes(extension),
        nsmap={'atom': ATOM} | ({None: namespace} if namespace else {}),
    )
    text = etree.SubElement(made, etree.QName(namespace, 'description'))
    text.text = extension.description
    etree.SubElement(made, f'{{{ATOM}}}link', attrib=_link(extension))
    return made


def _attributes(extension: Extension) -> dict[str, str]:
    return {
        'name': extension.name,
        'namespace': extension.namespace,
        'alias': extension.alias,
        'updated': extension.updated,
    }


def _link(extension: Extension) -> dict[str, str]:
    return {
        'rel': 'describedby',
        'type': 'text/html',
        'href': extension.describedby,
    }
