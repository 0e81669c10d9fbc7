"""The shape of a fault (contract, 2.1)."""

from lxml import etree

from keymw import faults
from keymw import media
from keymw.negotiate import Format

IDENTITY = 'http://docs.openstack.org/identity/api/v2.0'


def write(fault: faults.Fault, format_: Format) -> bytes:
    """The body that tells a fault."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(fault))
    said = {'code': fault.status, 'message': fault.message}
    return media.write_json({fault.name: said})


def _to_xml(fault: faults.Fault) -> etree._Element:
    root = etree.Element(f'{{{IDENTITY}}}{fault.name}', nsmap={None: IDENTITY})
    root.set('code', str(fault.status))
    message = etree.SubElement(root, f'{{{IDENTITY}}}message')
    message.text = media.to_xml_text(fault.message)
    return root
