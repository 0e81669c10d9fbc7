"""The shapes of a fault on the wire, one for each API.

Source: doc/contract/rackspace-identity 2.1, 8 and 9.
"""

import datetime
import http

from lxml import etree

from keymw.web import faults
from keymw.web import media
from keymw.web.namespaces import IDENTITY
from keymw.web.negotiate import Format

AUTH_1_1 = 'http://docs.rackspacecloud.com/auth/api/v1.1'
# A media type, and a body of that type.
Content = tuple[str, bytes]


def write(fault: faults.Fault, format_: Format) -> Content:
    """A fault in the shape of v2.0, JSON or XML."""
    return _write(fault, fault.name, IDENTITY, format_)


def write_v1_1(fault: faults.Fault, format_: Format) -> Content:
    """A fault in the shape of v1.1, which has fewer names of faults."""
    name = fault.name if fault.name in _OF_1_1 else 'authFault'
    return _write(fault, name, AUTH_1_1, format_)


_OF_1_1 = (
    'badRequest',
    'forbidden',
    'itemNotFound',
    'overLimit',
    'serviceUnavailable',
    'unauthorized',
    'userDisabled',
)


def write_v3(fault: faults.Fault, _format: Format) -> Content:
    """A fault in the shape of Keystone's v3, always in JSON."""
    members = {
        'code': fault.status,
        'message': fault.message,
        'title': http.HTTPStatus(fault.status).phrase,
    }
    return Format.JSON.value, media.write_json({'error': members})


def write_text(fault: faults.Fault, _format: Format) -> Content:
    """A fault in the shape of v1.0: one line of text."""
    return 'text/plain; charset=UTF-8', f'{fault.message}\n'.encode()


def _write(
    fault: faults.Fault, name: str, namespace: str, format_: Format
) -> Content:
    if format_ is Format.XML:
        body = media.write_xml(_to_xml(fault, name, namespace))
    else:
        members: dict[str, int | str] = {
            'code': fault.status,
            'message': fault.message,
        }
        if fault.retry_at is not None:
            # Clients read the one or the other.
            members['retryAt'] = members['retryAfter'] = _time(fault.retry_at)
        body = media.write_json({name: members})
    return format_.value, body


def _time(seconds: int) -> str:
    found = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f'{found:%Y-%m-%dT%H:%M:%SZ}'


def _to_xml(fault: faults.Fault, name: str, namespace: str) -> etree._Element:
    root = etree.Element(f'{{{namespace}}}{name}', nsmap={None: namespace})
    root.set('code', str(fault.status))
    if fault.retry_at is not None:
        root.set('retryAt', _time(fault.retry_at))
    message = etree.SubElement(root, f'{{{namespace}}}message')
    message.text = media.to_xml_text(fault.message)
    return root
