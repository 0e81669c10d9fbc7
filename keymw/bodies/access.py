"""The shape of a login's answer (contract, 6.3)."""

from typing import Any

from lxml import etree

from keymw import media
from keymw.bodies.fault import IDENTITY
from keymw.negotiate import Format

AUTH = 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'
_PREFIX = 'RAX-AUTH:'
_METHODS = f'{_PREFIX}authenticatedBy'


def write(access: dict[str, Any], format_: Format) -> bytes:
    """The body that holds an access."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(access))
    return media.write_json({'access': access})


def _to_xml(access: dict[str, Any]) -> etree._Element:
    root = etree.Element(
        f'{{{IDENTITY}}}access', nsmap={None: IDENTITY, 'rax-auth': AUTH}
    )
    _add_token(root, access['token'])
    user = _add(root, 'user', access['user'], ('id', 'name'))
    for name in ('defaultRegion', 'domainId'):
        value = access['user'].get(f'{_PREFIX}{name}')
        if value is not None:
            user.set(f'{{{AUTH}}}{name}', media.to_xml_text(str(value)))
    roles = _add(user, 'roles', {}, ())
    for role in access['user'].get('roles', ()):
        _add(roles, 'role', role, ('id', 'name', 'tenantId', 'description'))
    _add_catalogue(root, access.get('serviceCatalog') or ())
    return root


def _add_token(root: etree._Element, token: dict[str, Any]) -> None:
    element = _add(root, 'token', token, ('id', 'expires'))
    if token.get('tenant'):
        _add(element, 'tenant', token['tenant'], ('id', 'name'))
    if token.get(_METHODS):
        methods = etree.SubElement(element, f'{{{AUTH}}}authenticatedBy')
        for method in token[_METHODS]:
            credential = etree.SubElement(methods, f'{{{AUTH}}}credential')
            credential.text = media.to_xml_text(method)


def _add_catalogue(root: etree._Element, services: Any) -> None:
    # The schema has no endpoint without a public URL, no service without an
    # endpoint and no catalogue without a service (contract, 4.3).
    there = [
        (service, found) for service in services if (found := _public(service))
    ]
    if not there:
        return
    catalogue = _add(root, 'serviceCatalog', {}, ())
    for service, endpoints in there:
        element = _add(catalogue, 'service', service, ('type', 'name'))
        for endpoint in endpoints:
            _add_endpoint(element, endpoint)


def _public(service: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in service.get('endpoints') or () if 'publicURL' in e]


def _add_endpoint(service: etree._Element, endpoint: dict[str, Any]) -> None:
    element = _add(service, 'endpoint', endpoint, _ENDPOINT)
    version = {
        name: endpoint[member]
        for name, member in _VERSION.items()
        if member in endpoint
    }
    if len(version) == len(_VERSION):
        _add(element, 'version', version, tuple(_VERSION))


_ENDPOINT = ('region', 'tenantId', 'publicURL', 'internalURL', 'adminURL')
_VERSION = {'id': 'versionId', 'info': 'versionInfo', 'list': 'versionList'}


def _add(
    parent: etree._Element,
    name: str,
    members: dict[str, Any],
    attributes: tuple[str, ...],
) -> etree._Element:
    """A child, with those of the members that are there as attributes."""
    child = media.element(IDENTITY, name, members, attributes)
    parent.append(child)
    return child
