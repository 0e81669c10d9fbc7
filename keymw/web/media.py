"""JSON and XML: one hardened parser and one writer for each format."""

from collections.abc import Mapping
from collections.abc import Sequence
import re
from typing import Any

from lxml import etree
import msgspec

from keymw.web import faults

_ENCODINGS = ('utf-8', 'utf8', 'us-ascii', 'ascii')


class SecretStruct(msgspec.Struct):
    """A struct that holds a secret: its repr is only the class name."""

    def __repr__(self) -> str:
        return f'{type(self).__name__}(...)'


def read_json(body: bytes) -> object:
    """Parse strict JSON in UTF-8 without a byte order mark.

    :raises MalformedJson: the JSON is not valid, or nested too deeply.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise faults.MalformedJson() from None


def write_json(data: object) -> bytes:
    """Serialise plain data as JSON in UTF-8."""
    return msgspec.json.encode(data)


def read_xml(body: bytes) -> etree._Element:
    """Parse XML in UTF-8 or US-ASCII, without a document type.

    :raises BadRequest: the document declares a document type.
    :raises MalformedXml: the XML is not valid in any other way.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    if b'\0' in body:
        # libxml2 reads UTF-16 without a mark and reports it as UTF-8.
        raise faults.MalformedXml()
    try:
        # Refuse the encodings that libxml2 detects: UTF-16, UTF-32, EBCDIC.
        body.removeprefix(b'\xef\xbb\xbf').decode('utf-8')
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, UnicodeDecodeError, ValueError):
        raise faults.MalformedXml() from None
    _check_document(root.getroottree().docinfo)
    return root


def _check_document(document: etree.DocInfo) -> None:
    if document.doctype or document.internalDTD is not None:
        raise faults.BadRequest('A document type is not accepted.')
    if (document.encoding or 'utf-8').lower() not in _ENCODINGS:
        raise faults.MalformedXml()


def write_xml(root: etree._Element) -> bytes:
    """Serialise a document in UTF-8, with an XML declaration."""
    return etree.tostring(root, encoding='UTF-8', xml_declaration=True)


def element(
    namespace: str,
    name: str,
    members: Mapping[str, Any],
    attributes: Sequence[str],
) -> etree._Element:
    """An element; each listed member that is not None is an attribute."""
    attrs = _attributes(members, attributes)
    tag = f'{{{namespace}}}{name}'
    return etree.Element(tag, attrs, nsmap={None: namespace})


def child(
    parent: etree._Element,
    namespace: str,
    name: str,
    members: Mapping[str, Any],
    attributes: Sequence[str],
) -> etree._Element:
    """An element as in element(), appended to a parent."""
    attrs = _attributes(members, attributes)
    return etree.SubElement(parent, f'{{{namespace}}}{name}', attrs)


def _attributes(
    members: Mapping[str, Any], attributes: Sequence[str]
) -> dict[str, str]:
    # As to_xml_text: the call would take as long as the rest of it.
    return {
        attribute: value
        if isinstance(value, str) and value.isascii() and value.isprintable()
        else to_xml_text(_to_text(value))
        for attribute in attributes
        if (value := members.get(attribute)) is not None
    }


def _to_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def xml_safe(text: str) -> bool:
    """Whether XML 1.0 allows every character of a text."""
    return _NOT_IN_XML.search(text) is None


def to_xml_text(text: str) -> str:
    """A text with U+FFFD in place of each character XML 1.0 forbids."""
    if text.isascii() and text.isprintable():
        return text
    return _NOT_IN_XML.sub('\ufffd', text)


_NOT_IN_XML = re.compile('[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
