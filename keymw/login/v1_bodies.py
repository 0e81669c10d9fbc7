"""Requests and responses of the v1.0 and v1.1 logins.

Source: doc/contract/rackspace-identity 8.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any
from urllib.parse import unquote

from lxml import etree
import msgspec

from keymw.credentials import bodies as credentials
from keymw.identity.access import Access
from keymw.login.v2_body import Auth
from keymw.login.v2_body import Kind
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web.fault_shapes import AUTH_1_1
from keymw.web.negotiate import Format

# A published how-to has the https form.
_ACCEPTED = (AUTH_1_1, AUTH_1_1.replace('http:', 'https:'), None)
_ROOT = 'credentials'
_ELSEWHERE = (
    'passwordCredentials',
    'mossoCredentials',
    'nastCredentials',
)


def read_headers(environ: Mapping[str, str]) -> Auth:
    """The login in the headers of a v1.0 request.

    The headers X-Storage-* are used if there is no X-Auth-User. Names and keys
    are used unchanged; a name may also be percent-encoded.

    :raises BadUsername: the name or the key is missing or not UTF-8.
    """
    names = _HEADERS if environ.get(_HEADERS[0]) else _STORAGE_HEADERS
    try:
        username, secret = (
            environ.get(name, '').encode('latin-1').decode() for name in names
        )
    except UnicodeError:
        raise faults.BadUsername(401) from None
    if not username or not secret:
        raise faults.BadUsername(401)
    return Auth(Kind.KEY, secret, username, spellings=_decoded(username))


def _decoded(username: str) -> tuple[str, ...]:
    """The percent-decoded name, as some clients encode it; empty if plain."""
    try:
        decoded = unquote(username, errors='strict')
    except UnicodeDecodeError:
        return ()
    if decoded == username or credentials.has_control(decoded):
        return ()
    return (decoded,)


_HEADERS = ('HTTP_X_AUTH_USER', 'HTTP_X_AUTH_KEY')
_STORAGE_HEADERS = ('HTTP_X_STORAGE_USER', 'HTTP_X_STORAGE_PASS')
# For a cache that ignores no-store: each login is a response of its own.
VARY = 'X-Auth-User, X-Auth-Key, X-Storage-User, X-Storage-Pass, X-Auth-Token'


@dataclasses.dataclass(frozen=True)
class SignedIn:
    """The result of a v1.0 login: the token, and the URL headers."""

    token: str = dataclasses.field(repr=False)
    urls: Mapping[str, str]


def write_headers(signed_in: SignedIn) -> dict[str, str]:
    """The headers of a v1.0 login's response, which has no body."""
    return {
        'X-Auth-Token': signed_in.token,
        'X-Storage-Token': signed_in.token,
        **signed_in.urls,
    }


class _Credentials(media.SecretStruct, forbid_unknown_fields=True):
    username: str | None = None
    key: str | None = None


def read(body: bytes, content_type: str | None) -> Auth:
    """The login in a body of v1.1.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: the body is not a login with a name and a key.
    :raises AuthAdmin: the body is a login for the URL auth-admin.
    """
    name, data = _root(body, content_type)
    if name in _ELSEWHERE:
        raise faults.AuthAdmin()
    try:
        found = msgspec.convert(data, _Credentials)
    except msgspec.ValidationError:
        raise faults.BadRequest('malformed JSON') from None
    secret = credentials.required('apiKey', found.key)
    return Auth(
        Kind.KEY, secret, credentials.required('username', found.username)
    )


def _root(body: bytes, content_type: str | None) -> tuple[str, Any]:
    try:
        format_ = negotiate.body_format(content_type, body)
        if format_ is Format.XML:
            return _root_of_xml(media.read_xml(body))
        data = media.read_json(body)
    except faults.MalformedXml:
        raise faults.BadRequest('Invalid XML') from None
    except faults.MalformedJson:
        raise faults.BadRequest('malformed JSON') from None
    if not isinstance(data, dict) or len(data) != 1:
        raise faults.BadRequest('malformed JSON')
    ((name, members),) = data.items()
    if name not in (_ROOT, *_ELSEWHERE):
        raise faults.BadRequest('malformed JSON')
    return name, members


def _root_of_xml(root: etree._Element) -> tuple[str, Any]:
    name = etree.QName(root)
    known = (_ROOT, *_ELSEWHERE)
    if name.localname not in known or name.namespace not in _ACCEPTED:
        raise faults.MalformedXml()
    if any((text or '').strip() for text in credentials.own_texts(root)):
        raise faults.MalformedXml()
    members = ('username', 'key')
    return name.localname, {
        k: str(root.attrib[k]) for k in members if k in root.attrib
    }


def write(access: Access, format_: Format) -> bytes:
    """The body of a v1.1 login's response, converted from a v2.0 access."""
    if format_ is Format.XML:
        return media.write_xml(_to_xml(access))
    token = {name: access['token'][name] for name in ('id', 'expires')}
    return media.write_json(
        {'auth': {'token': token, 'serviceCatalog': _catalogue(access)}}
    )


def _catalogue(access: Access) -> dict[str, list[dict[str, object]]]:
    """The endpoints by name of service; the first is the v1.1 default."""
    found: dict[str, list[dict[str, object]]] = {}
    for service in access.get('serviceCatalog') or ():
        name = service.get('name') or service.get('type') or ''
        endpoints = found.setdefault(name, [])
        for endpoint in service.get('endpoints') or ():
            members: Mapping[str, object] = endpoint
            shown = {k: members[k] for k in _ENDPOINT if k in members}
            endpoints.append(
                shown if endpoints else {**shown, 'v1Default': True}
            )
    return found


_ENDPOINT = ('publicURL', 'internalURL', 'region')


def _to_xml(access: Access) -> etree._Element:
    root = etree.Element(f'{{{AUTH_1_1}}}auth', nsmap={None: AUTH_1_1})
    root.append(
        media.element(AUTH_1_1, 'token', access['token'], ('id', 'expires'))
    )
    catalogue = etree.SubElement(root, f'{{{AUTH_1_1}}}serviceCatalog')
    for name, endpoints in _catalogue(access).items():
        service = media.element(AUTH_1_1, 'service', {'name': name}, ['name'])
        service.extend(
            media.element(AUTH_1_1, 'endpoint', e, (*_ENDPOINT, 'v1Default'))
            for e in endpoints
        )
        catalogue.append(service)
    return root
