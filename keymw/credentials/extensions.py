"""The extension RAX-KSKEY, and the list of extensions with it added.

Source: doc/contract/rackspace-identity 7.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

from lxml import etree
import webob

from keymw.call import Call
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web import reply
from keymw.web import rewrite
from keymw.web.namespaces import ATOM
from keymw.web.namespaces import COMMON
from keymw.web.negotiate import Format

_FORMATS = tuple(format_.value for format_ in Format)


@dataclasses.dataclass(frozen=True)
class Extension:
    """The description of an extension; describedby is a URL."""

    name: str
    namespace: str
    alias: str
    updated: str
    description: str
    describedby: str


OURS = Extension(
    name='Rackspace API Key Authentication',
    namespace='http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0',
    alias='RAX-KSKEY',
    updated='2011-08-14T13:25:27-06:00',
    description='Rackspace extensions to Keystone v2.0 API enabling API Key '
    'authentication.',
    describedby='https://docs.rackspace.com/docs/cloud-identity',
)


def list_(_call: Call[None, object]) -> list[Extension]:
    """The list of our extensions: one."""
    return [OURS]


def get(_call: Call[None, object]) -> Extension:
    """The description of our extension."""
    return OURS


def write(extension: Extension, format_: Format) -> bytes:
    """The body with one extension."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(extension, COMMON))
    return media.write_json({'extension': _to_json(extension)})


def write_list(
    extensions: Sequence[Extension], call: Call[None, object]
) -> webob.Response:
    """The response with the merged list; our own list if there is no other."""
    environ = rewrite.whole_get(call.request.environ)
    # Some services answer 400 to a type that they do not read.
    environ.pop('CONTENT_TYPE', None)
    response = call.parts.pipeline.pass_on(environ)
    if response.status_int == 404:
        getattr(response.app_iter, 'close', lambda: None)()
        return reply.formatted(_write_ours)(extensions, call)
    kind = negotiate.media_type(response.headers.get('Content-Type'))
    if response.status_int == 200 and kind in _FORMATS:
        _merge(response, extensions, Format(kind))
    return response


def _merge(
    response: webob.Response, extensions: Sequence[Extension], kind: Format
) -> None:
    merged = _merged(response.body, extensions, kind)
    if merged is not None:
        rewrite.set_body(response, merged)


def _write_ours(extensions: Sequence[Extension], format_: Format) -> bytes:
    """Our own list, if the service has none."""
    if format_ is Format.JSON:
        listed = [_to_json(extension) for extension in extensions]
        return media.write_json({'extensions': listed, 'extensions_links': []})
    root = etree.Element(f'{{{COMMON}}}extensions', nsmap={None: COMMON})
    root.extend(_to_xml(extension, COMMON) for extension in extensions)
    return media.write_xml(root)


def _merged(
    body: bytes, extensions: Sequence[Extension], format_: Format
) -> bytes | None:
    """A service's list with our extensions added, in the same shape.

    None if the list is not readable, or has the extensions already.
    """
    try:
        if format_ is Format.XML:
            return _merge_xml(media.read_xml(body), extensions)
        return _merge_json(media.read_json(body), extensions)
    except faults.BadRequest:
        return None


def _merge_json(data: Any, extensions: Sequence[Extension]) -> bytes | None:
    listed = data.get('extensions') if isinstance(data, dict) else None
    values = listed.get('values') if isinstance(listed, dict) else listed
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
    # Use the namespace of the list: one old service differs from COMMON.
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
