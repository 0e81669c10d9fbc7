"""The shape of a v3 login with an API key."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import msgspec

from keymw import faults
from keymw import media
from keymw import negotiate
from keymw.bodies import credentials
from keymw.identity.transport import Answer
from keymw.negotiate import Format

METHOD = 'api_key'


class Domain(msgspec.Struct):
    """A domain by its id or by its name."""

    id: str | None = None
    name: str | None = None


class _User(msgspec.Struct, forbid_unknown_fields=True):
    id: str | None = None
    name: str | None = None
    domain: Domain | None = None


class _ApiKey(msgspec.Struct, forbid_unknown_fields=True):
    user: _User | None = None
    secret: str | None = None


class _Identity(msgspec.Struct):
    methods: list[str]
    api_key: _ApiKey | None = None


# No deeper than Keystone's own.
_Scope = str | dict[str, str | bool | dict[str, str | bool | dict[str, str]]]


class _Auth(msgspec.Struct):
    identity: _Identity
    scope: _Scope | msgspec.UnsetType | None = msgspec.UNSET


class _Body(msgspec.Struct):
    auth: _Auth


@dataclasses.dataclass(frozen=True)
class KeyAuth:
    """A login: a user's id, or name and domain; the key; any v3 scope."""

    user_id: str | None
    username: str | None
    domain: Domain
    secret: str = dataclasses.field(repr=False)
    scope: Any


def is_ours(body: bytes, content_type: str | None) -> bool:
    """Whether a body names our method; all else is Keystone's to judge."""
    if METHOD.encode() not in body:
        return False
    # As Keystone, which takes a body of no type for JSON.
    if negotiate.media_type(content_type) not in ('', Format.JSON.value):
        return False
    try:
        data: Any = media.read_json(body)
        methods = data['auth']['identity']['methods']
    except (faults.BadRequest, KeyError, TypeError):
        return False
    return isinstance(methods, list) and METHOD in methods


def read(body: bytes, _content_type: str | None) -> KeyAuth:
    """The login in a body that is ours.

    :raises BadRequest: it is mixed with other methods, or lacks something.
    """
    try:
        auth = msgspec.convert(media.read_json(body), _Body).auth
    except msgspec.ValidationError as error:
        raise faults.BadRequest(f'Invalid input: {error}') from None
    identity, found = auth.identity, auth.identity.api_key or _ApiKey()
    if identity.methods != [METHOD]:
        raise faults.BadRequest(f'{METHOD} cannot be mixed with other methods')
    secret = credentials.required('api_key.secret', found.secret)
    user = found.user or _User()
    by_name = user.name is not None and user.domain is not None
    if user.id is None and not by_name:
        raise faults.BadRequest(
            'Expecting api_key.user with an id, or with a name and a domain'
        )
    domain = user.domain or Domain()
    if user.id is None and domain.id is None and domain.name is None:
        raise faults.BadRequest('Expecting a domain with an id or a name')
    if auth.scope is None:
        raise faults.BadRequest('Expecting a scope that is not null')
    scope = None if auth.scope is msgspec.UNSET else auth.scope
    return KeyAuth(user.id, user.name, domain, secret, scope)


def write(answer: Answer, _format: Format) -> bytes:
    """Keystone's own answer, which names our method."""
    token = answer.body['token'] | {'methods': [METHOD]}
    return media.write_json(answer.body | {'token': token})


def write_headers(answer: Answer) -> Mapping[str, str]:
    """Keystone's own headers, but those about its body and our question."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name.lower() not in ('content-length', 'x-openstack-request-id')
    }
