"""Request and response of a v3 login with an API key."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import msgspec

from keymw.credentials import bodies as credentials
from keymw.identity.transport import Response
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate
from keymw.web.negotiate import Format

METHOD = 'api_key'


class Domain(msgspec.Struct):
    """A domain, by id or by name."""

    id: str | None = None
    name: str | None = None


class _User(msgspec.Struct, forbid_unknown_fields=True):
    id: str | None = None
    name: str | None = None
    domain: Domain | None = None


class _ApiKey(media.SecretStruct, forbid_unknown_fields=True):
    user: _User | None = None
    secret: str | None = None


class _Identity(msgspec.Struct):
    methods: list[str]
    api_key: _ApiKey | None = None


# Nested no deeper than the scopes of Keystone.
_Scope = str | dict[str, str | bool | dict[str, str | bool | dict[str, str]]]


class _Auth(msgspec.Struct):
    identity: _Identity
    scope: _Scope | msgspec.UnsetType | None = msgspec.UNSET


class _Body(msgspec.Struct):
    auth: _Auth


@dataclasses.dataclass(frozen=True)
class KeyAuth:
    """A login: user id, or name and domain; the key; any v3 scope."""

    user_id: str | None
    username: str | None
    domain: Domain
    secret: str = dataclasses.field(repr=False)
    scope: object


def may_be_ours(body: bytes) -> bool:
    """Whether a body may name our method, which escapes can hide."""
    return METHOD.encode() in body or b'\\' in body


def is_ours(body: bytes, content_type: str | None) -> bool:
    """Whether a body names our method; Keystone answers all others."""
    if not may_be_ours(body):
        return False
    # Like Keystone, read a body without a Content-Type as JSON.
    if negotiate.media_type(content_type) not in ('', Format.JSON.value):
        return False
    try:
        data: Any = media.read_json(body)
        methods = data['auth']['identity']['methods']
    except (faults.BadRequest, KeyError, TypeError):
        return False
    return isinstance(methods, list) and METHOD in methods


def password(body: bytes) -> str:
    """The password in the body of a login; empty if it has none."""
    try:
        data: Any = media.read_json(body)
        secret = data['auth']['identity']['password']['user']['password']
    except (faults.BadRequest, KeyError, TypeError):
        return ''
    return secret if isinstance(secret, str) else ''


def read_any(body: bytes, _content_type: str | None) -> KeyAuth:
    """The login in a body that is_ours accepts; it may name no user.

    :raises BadRequest: as read.
    """
    return _read(body, needs_user=False)


def read(body: bytes, _content_type: str | None) -> KeyAuth:
    """The login in a body that is_ours accepts.

    :raises BadRequest: the login has other methods too, or lacks a member.
    """
    return _read(body, needs_user=True)


def _read(body: bytes, *, needs_user: bool) -> KeyAuth:
    try:
        auth = msgspec.convert(media.read_json(body), _Body).auth
    except msgspec.ValidationError as error:
        raise faults.BadRequest(f'Invalid input: {error}') from None
    identity, found = auth.identity, auth.identity.api_key or _ApiKey()
    if identity.methods != [METHOD]:
        raise faults.BadRequest(f'{METHOD} cannot be mixed with other methods')
    secret = credentials.required('api_key.secret', found.secret)
    if found.user is None and not needs_user:
        return KeyAuth(None, None, Domain(), secret, _scope(auth))
    user = found.user or _User()
    by_name = user.name is not None and user.domain is not None
    if user.id is None and not by_name:
        raise faults.BadRequest(
            'Expecting api_key.user with an id, or with a name and a domain'
        )
    domain = user.domain or Domain()
    if user.id is None and domain.id is None and domain.name is None:
        raise faults.BadRequest('Expecting a domain with an id or a name')
    return KeyAuth(user.id, user.name, domain, secret, _scope(auth))


def _scope(auth: _Auth) -> object:
    if auth.scope is None:
        raise faults.BadRequest('Expecting a scope that is not null')
    return None if auth.scope is msgspec.UNSET else auth.scope


def write(response: Response, _format: Format) -> bytes:
    """The body of Keystone's response, with the name of our method."""
    token = response.body['token'] | {'methods': [METHOD]}
    return media.write_json(response.body | {'token': token})


def write_headers(response: Response) -> Mapping[str, str]:
    """Keystone's headers, without those about its body and our request."""
    return {
        name: value
        for name, value in response.headers.items()
        if name.lower() not in _OURS
    }


_OURS = ('cache-control', 'content-length', 'x-openstack-request-id')
