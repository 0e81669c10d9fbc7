"""The shapes of a fault, by the family of the route (contract, 2.1 and 8)."""

import http

from lxml import etree

from keymw import faults
from keymw import media
from keymw.negotiate import Format

IDENTITY = 'http://docs.openstack.org/identity/api/v2.0'
AUTH_1_1 = 'http://docs.rackspacecloud.com/auth/api/v1.1'
# A media type, and the body that is of it.
Told = tuple[str, bytes]


def tell(fault: faults.Fault, format_: Format) -> Told:
    """A fault as v2.0 has it."""
    return _tell(fault, fault.name, IDENTITY, format_)


def tell_v1_1(fault: faults.Fault, format_: Format) -> Told:
    """A fault as v1.1 has it, which has fewer names for them."""
    name = fault.name if fault.name in _OF_1_1 else 'authFault'
    return _tell(fault, name, AUTH_1_1, format_)


_OF_1_1 = (
    'badRequest',
    'forbidden',
    'itemNotFound',
    'serviceUnavailable',
    'unauthorized',
    'userDisabled',
)


def tell_v3(fault: faults.Fault, _format: Format) -> Told:
    """A fault as Keystone's v3 has it, always in JSON."""
    said = {
        'code': fault.status,
        'message': fault.message,
        'title': http.HTTPStatus(fault.status).phrase,
    }
    return Format.JSON.value, media.write_json({'error': said})


def tell_text(fault: faults.Fault, _format: Format) -> Told:
    """A fault as v1.0 has it: a line of text."""
    return 'text/plain; charset=UTF-8', f'{fault.message}\n'.encode()


def _tell(
    fault: faults.Fault, name: str, namespace: str, format_: Format
) -> Told:
    if format_ is Format.XML:
        body = media.write_xml(_to_xml(fault, name, namespace))
    else:
        said = {'code': fault.status, 'message': fault.message}
        body = media.write_json({name: said})
    return format_.value, body


def _to_xml(fault: faults.Fault, name: str, namespace: str) -> etree._Element:
    root = etree.Element(f'{{{namespace}}}{name}', nsmap={None: namespace})
    root.set('code', str(fault.status))
    message = etree.SubElement(root, f'{{{namespace}}}message')
    message.text = media.to_xml_text(fault.message)
    return root
