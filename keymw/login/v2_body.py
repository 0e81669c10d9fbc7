"""The request body of a v2.0 login.

Source: doc/contract/rackspace-identity 6.1 and 6.2.
"""

from collections.abc import Callable
import dataclasses
import enum
import re
from typing import Any

from lxml import etree
import msgspec

from keymw.credentials import bodies as credentials
from keymw.identity.base import Tenant
from keymw.key_length import MAX_API_KEY_LENGTH
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web.namespaces import IDENTITY
from keymw.web.negotiate import Format

_WRAPPER = 'auth'
_TENANT = ('tenantId', 'tenantName')
_ACCEPTED = (IDENTITY, None)
_GENERATED_KEY = re.compile('[0-9a-f]{32}')


class Kind(enum.Enum):
    """The kind of credentials in a login, by its name on the wire."""

    KEY = credentials.ROOT
    PASSWORD = 'passwordCredentials'  # noqa: S105, a name
    TOKEN = 'token'  # noqa: S105, a name


@dataclasses.dataclass(frozen=True)
class Auth:
    """A login: the user, the secret and the tenant.

    A login with a token names no user; one with a password has either username
    or user_id. spellings are names to try if no user is called username.
    """

    kind: Kind
    secret: str = dataclasses.field(repr=False)
    username: str | None = None
    user_id: str | None = None
    tenant: Tenant | None = None
    spellings: tuple[str, ...] = ()


class _Tenant(media.SecretStruct):
    tenantId: str | None = None  # noqa: N815, the names on the wire
    tenantName: str | None = None  # noqa: N815


class _Key(_Tenant, forbid_unknown_fields=True):
    username: str | None = None
    apiKey: str | None = None  # noqa: N815


class _Password(_Tenant):
    username: str | None = None
    userId: str | None = None  # noqa: N815
    password: str | None = None


class _Token(_Tenant):
    id: str | None = None


def is_ours(body: bytes, content_type: str | None) -> bool:
    """Whether a login has a key, or is not readable at all."""
    return _found(body, content_type, lambda auth: _KEY in auth)


def is_ours_or_key_like(
    body: bytes, content_type: str | None, is_key_like: Callable[[str], bool]
) -> bool:
    """Whether is_ours, or whether the password looks like a key.

    Clients send a refused key again as a password (doc/contract/keystone 3).
    """
    return _found(
        body,
        content_type,
        lambda auth: _KEY in auth or is_key_like(_password(auth)),
    )


def is_generated(secret: str) -> bool:
    """Whether a secret looks like a generated credential."""
    return bool(_GENERATED_KEY.fullmatch(secret))


def _found(
    body: bytes,
    content_type: str | None,
    wanted: Callable[[dict[str, Any]], bool],
) -> bool:
    if negotiate.media_type(content_type) not in _READ:
        return False
    try:
        data = _plain(body, content_type)
    except faults.Fault:
        return True
    auth = data.get(_WRAPPER)
    if not isinstance(auth, dict):
        return _KEY in data
    return wanted(auth)


_KEY = Kind.KEY.value
_READ = tuple(format_.value for format_ in Format)


def _password(auth: dict[str, Any]) -> str:
    """The password of a login; empty if it has none."""
    password = auth.get(Kind.PASSWORD.value)
    secret = password.get('password') if isinstance(password, dict) else None
    return secret if isinstance(secret, str) else ''


def read(body: bytes, content_type: str | None) -> Auth:
    """The login in a body.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: the body is not a valid login.
    """
    data = _plain(body, content_type)
    auth = data.get(_WRAPPER)
    if not isinstance(auth, dict):
        raise faults.NoAuthData()
    format_ = negotiate.body_format(content_type, body)
    try:
        return _read(auth)
    except msgspec.ValidationError:
        if format_ is Format.XML:
            raise faults.MalformedXml() from None
        raise faults.MalformedJson() from None


def _read(auth: dict[str, Any]) -> Auth:
    kinds = [kind for kind in Kind if kind.value in auth]
    others = auth.keys() - {kind.value for kind in kinds} - set(_TENANT)
    if not kinds and not others:
        raise faults.NoAuthData()
    if others:
        raise faults.BadRequest(f'Invalid attribute(s): {sorted(others)}')
    if len(kinds) != 1:
        raise faults.BadRequest(
            'Invalid request. Specify one kind of credentials.'
        )
    (kind,) = kinds
    outer = msgspec.convert({k: auth.get(k) for k in _TENANT}, _Tenant)
    return _READERS[kind](auth[kind.value], outer)


def _read_key(data: Any, outer: _Tenant) -> Auth:
    found = msgspec.convert({} if data is None else data, _Key)
    tenant = _tenant(outer, found)
    username = credentials.required('username', found.username)
    secret = credentials.required('apiKey', found.apiKey)
    if len(secret) > MAX_API_KEY_LENGTH:
        raise faults.BadRequest(
            'credentialType.apiKey: size must be between 0 and '
            f'{MAX_API_KEY_LENGTH}'
        )
    return Auth(Kind.KEY, secret, username, tenant=tenant)


def _read_password(data: Any, outer: _Tenant) -> Auth:
    found = msgspec.convert(data, _Password)
    return Auth(
        Kind.PASSWORD,
        credentials.required('password', found.password),
        None
        if found.userId
        else credentials.required('username', found.username),
        found.userId,
        _tenant(outer, found),
    )


def _read_token(data: Any, outer: _Tenant) -> Auth:
    found = msgspec.convert(data, _Token)
    secret = credentials.required('id', found.id)
    return Auth(Kind.TOKEN, secret, tenant=_tenant(outer, found))


_READERS: dict[Kind, Callable[[Any, _Tenant], Auth]] = {
    Kind.KEY: _read_key,
    Kind.PASSWORD: _read_password,
    Kind.TOKEN: _read_token,
}


def _tenant(outer: _Tenant, inner: _Tenant) -> Tenant | None:
    """The tenant of a login, named beside or inside its credentials.

    An empty name means no tenant, as in the Keystones that had v2.0.

    :raises BadRequest: the login names two tenants.
    """
    ids = {outer.tenantId, inner.tenantId} - {None, ''}
    names = {outer.tenantName, inner.tenantName} - {None, ''}
    if len(ids) + len(names) > 1:
        raise faults.TwoTenants()
    if not ids and not names:
        return None
    return Tenant(id=next(iter(ids), None), name=next(iter(names), None))


def _plain(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The body as plain data in the shape of its JSON form.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: the body is not valid JSON or XML.
    """
    if negotiate.body_format(content_type, body) is Format.XML:
        return _from_xml(media.read_xml(body))
    data = media.read_json(body)
    if not isinstance(data, dict):
        raise faults.MalformedJson()
    return data


def _from_xml(root: etree._Element) -> dict[str, Any]:
    name = etree.QName(root)
    if name.localname == credentials.LOCAL:
        return {_KEY: {}}
    if name.localname != _WRAPPER or name.namespace not in _ACCEPTED:
        raise faults.MalformedXml()
    auth: dict[str, Any] = _attributes(root)
    for child in root:
        member = _member(child)
        if member in auth:
            raise faults.MalformedXml()
        if member is not None:
            auth[member] = _attributes(child)
    return {_WRAPPER: auth}


def _member(child: etree._Element) -> str | None:
    """The JSON name of a child of auth; None: ignored."""
    name = etree.QName(child)
    if name.localname == credentials.LOCAL:
        if name.namespace in credentials.ACCEPTED:
            return _KEY
        return None
    return name.localname if name.namespace in _ACCEPTED else None


def _attributes(element: etree._Element) -> dict[str, Any]:
    if any((text or '').strip() for text in credentials.own_texts(element)):
        raise faults.MalformedXml()
    known = (*_TENANT, 'username', 'userId', 'apiKey', 'password', 'id')
    return {k: str(element.attrib[k]) for k in known if k in element.attrib}
