"""The body of a login's response (doc/contract/rackspace-identity 6.3)."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import functools
import re

from lxml import etree
import msgspec

from keymw.identity.access import DEFAULT_REGION
from keymw.identity.access import DOMAIN_ID
from keymw.identity.access import METHODS
from keymw.identity.access import URLS
from keymw.identity.access import Access
from keymw.identity.access import Endpoint
from keymw.identity.access import Service
from keymw.identity.access import Token
from keymw.web import media
from keymw.web.namespaces import IDENTITY
from keymw.web.negotiate import Format

AUTH = 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'


def write(access: Access, format_: Format) -> bytes:
    """The body with an access, JSON or XML."""
    if format_ is Format.XML:
        return _write_xml(access)
    return media.write_json({'access': _with_own_urls(access)})


def _write_xml(access: Access) -> bytes:
    """The XML of an access, with a catalogue that may be written already.

    The catalogue is the last element, and most of the work.
    """
    rest = media.write_xml(_to_xml(access))
    catalogue = media.write_json(access.get('serviceCatalog') or ())
    return rest.removesuffix(_END) + _catalogue_xml(catalogue) + _END


# Logins for one project have the same catalogue. A usual one has 25 services,
# and takes 30 kB here.
@functools.lru_cache(maxsize=256)
def _catalogue_xml(catalogue: bytes) -> bytes:
    """The element of a catalogue given as JSON; empty if it has no content."""
    root = _root()
    _add_catalogue(root, _services(msgspec.json.decode(catalogue)))
    _, start, end = media.write_xml(root).partition(_START)
    return start + end.removesuffix(_END)


# Text and attributes cannot contain either.
_START, _END = b'<serviceCatalog>', b'</access>'


def write_endpoints(endpoints: Sequence[Endpoint], format_: Format) -> bytes:
    """The body with a token's endpoints, each with its service's type."""
    shown = [
        _with_own_url(e) if e.get('type') == 'identity' else e
        for e in endpoints
    ]
    if format_ is Format.JSON:
        return media.write_json({'endpoints': shown, 'endpoints_links': []})
    root = etree.Element(f'{{{IDENTITY}}}endpoints', nsmap={None: IDENTITY})
    for endpoint in shown:
        # As in a catalogue, each endpoint needs a public URL.
        if 'publicURL' in endpoint:
            _add(
                root, 'endpoint', endpoint, ('id', 'type', 'name', *_ENDPOINT)
            )
    return media.write_xml(root)


def _with_own_urls(access: Access) -> Access:
    """An access with the v2.0 URLs of the identity service in its catalogue.

    Clients of v2.0 append their paths to these URLs as they are.
    """
    if 'serviceCatalog' not in access:
        return access
    return {**access, 'serviceCatalog': _services(access['serviceCatalog'])}


def _services(catalogue: Iterable[Service] | None) -> list[Service]:
    return [*map(_with_own_endpoints, catalogue or ())]


def _with_own_endpoints(service: Service) -> Service:
    endpoints = service.get('endpoints')
    if endpoints and service.get('type') != 'identity':
        return service
    return {**service, 'endpoints': [*map(_with_own_url, endpoints or ())]}


def _with_own_url(endpoint: Endpoint) -> Endpoint:
    made = endpoint.copy()
    for name in URLS:
        url = made.get(name)
        if isinstance(url, str):
            made[name] = _V3_END.sub('/v2.0', url)
    return made


_V3_END = re.compile(r'/v3/?\Z')


def _root() -> etree._Element:
    return etree.Element(
        f'{{{IDENTITY}}}access', nsmap={None: IDENTITY, 'rax-auth': AUTH}
    )


def _to_xml(access: Access) -> etree._Element:
    """The element of an access, without its catalogue."""
    root = _root()
    _add_token(root, access['token'])
    user = _add(root, 'user', access['user'], ('id', 'name'))
    for name in (DEFAULT_REGION, DOMAIN_ID):
        value = access['user'].get(name)
        if value is not None:
            local = name.removeprefix('RAX-AUTH:')
            user.set(f'{{{AUTH}}}{local}', media.to_xml_text(str(value)))
    roles = _add(user, 'roles', {}, ())
    for role in access['user'].get('roles', ()):
        _add(roles, 'role', role, ('id', 'name', 'tenantId', 'description'))
    return root


def _add_token(root: etree._Element, token: Token) -> None:
    element = _add(root, 'token', token, ('id', 'expires'))
    if token.get('tenant'):
        _add(element, 'tenant', token['tenant'], ('id', 'name'))
    if token.get(METHODS):
        methods = etree.SubElement(element, f'{{{AUTH}}}authenticatedBy')
        for method in token[METHODS]:
            credential = etree.SubElement(methods, f'{{{AUTH}}}credential')
            credential.text = media.to_xml_text(method)


def _add_catalogue(root: etree._Element, services: Iterable[Service]) -> None:
    # The schema requires a public URL in each endpoint, an endpoint in each
    # service and a service in the catalogue
    # (doc/contract/rackspace-identity 4.3).
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


def _public(service: Service) -> list[Endpoint]:
    return [e for e in service.get('endpoints') or () if 'publicURL' in e]


def _add_endpoint(service: etree._Element, endpoint: Endpoint) -> None:
    element = _add(service, 'endpoint', endpoint, _ENDPOINT)
    members: Mapping[str, object] = endpoint
    if members.keys() >= _VERSION_MEMBERS:
        version = {name: members[member] for name, member in _VERSION.items()}
        _add(element, 'version', version, tuple(_VERSION))


_ENDPOINT = ('region', 'tenantId', *URLS)
_VERSION = {'id': 'versionId', 'info': 'versionInfo', 'list': 'versionList'}
_VERSION_MEMBERS = frozenset(_VERSION.values())


def _add(
    parent: etree._Element,
    name: str,
    members: Mapping[str, object],
    attributes: tuple[str, ...],
) -> etree._Element:
    """A child element; members that are not None become attributes."""
    return media.child(parent, IDENTITY, name, members, attributes)
