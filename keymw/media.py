"""Bytes to plain data and back; the one hardened parser for each format."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from lxml import etree
import msgspec

from keymw import faults

_ENCODINGS = ('utf-8', 'utf8', 'us-ascii', 'ascii')


def read_json(body: bytes) -> object:
    """Parse strict JSON in UTF-8 without a byte order mark.

    :raises MalformedJson: whatever is wrong with it, depth included.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise faults.MalformedJson() from None


def write_json(data: object) -> bytes:
    """Serialise plain data."""
    return msgspec.json.encode(data)


def read_xml(body: bytes) -> etree._Element:
    """Parse XML in UTF-8 or US-ASCII, without a document type.

    :raises BadRequest: a document type is declared.
    :raises MalformedXml: anything else that is wrong with it.
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
        # libxml2 reads UTF-16 without a mark, and says that it was UTF-8.
        raise faults.MalformedXml()
    try:
        # Refuses what libxml2 would sniff: UTF-16, UTF-32, EBCDIC.
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
    """Serialise a document in UTF-8, with its declaration."""
    return etree.tostring(root, encoding='UTF-8', xml_declaration=True)


def element(
    namespace: str,
    name: str,
    members: Mapping[str, Any],
    attributes: Sequence[str],
) -> etree._Element:
    """An element with those of the members that are there as attributes."""
    made = etree.Element(f'{{{namespace}}}{name}', nsmap={None: namespace})
    for attribute in attributes:
        value = members.get(attribute)
        if value is not None:
            made.set(attribute, to_xml_text(_to_text(value)))
    return made


def _to_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def xml_safe(text: str) -> bool:
    """Whether every character of a text exists in XML 1.0."""
    return all(map(_in_xml, text))


def to_xml_text(text: str) -> str:
    """A text with U+FFFD for each character that XML 1.0 lacks."""
    return ''.join(c if _in_xml(c) else '\ufffd' for c in text)


def _in_xml(char: str) -> bool:
    if char < ' ':
        return char in '\t\n\r'
    return not ('\ud800' <= char <= '\udfff' or '\ufffe' <= char <= '\uffff')
