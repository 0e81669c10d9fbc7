"""Request bodies and queries of API keys, and their JSON.

Source: doc/contract/api-keys 3 and 6.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import ipaddress
import re
from typing import Any
import unicodedata

from keymw.api_keys.faults import BadMember
from keymw.limits import addresses
from keymw.storage.api_keys import ApiKey
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate

ROOT = 'api_key'
_LONGEST = 255
# A name with spaces around it, which are removed.
_LONGEST_BODY = 4096
_LONGEST_ID = 64
_MOST_CIDRS = 50
_NETWORK = re.compile(r'[0-9A-Fa-f:.]+(/[0-9]{1,3})?', re.ASCII)


@dataclasses.dataclass(frozen=True)
class Role:
    """A role in a request: by id, or a global one by name."""

    id: str | None = None
    name: str | None = None


@dataclasses.dataclass(frozen=True)
class NewKey:
    """The body of create. None: the request does not say."""

    name: str
    description: str = ''
    project_id: str | None = None
    roles: tuple[Role, ...] | None = None
    expires_at: datetime.datetime | None = None
    allowed_cidrs: tuple[str, ...] | None = None
    unrestricted: bool = False


def read_new(body: bytes, content_type: str | None) -> NewKey:
    """The body of create.

    :raises BadMember: a member is missing, unknown or not valid.
    """
    found = _members(body, content_type, _OF_NEW)
    if 'name' not in found:
        raise BadMember('api_key.name', 'it is missing')
    return NewKey(**found)


def read_change(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The members to change, by name, as ApiKey has them.

    :raises BadMember: a member cannot be changed or is not valid.
    """
    found = _members(body, content_type, _OF_CHANGE)
    if not found:
        raise BadMember(ROOT, 'it has nothing to change')
    return found


def read_grace(body: bytes, content_type: str | None, most: int) -> int:
    """The grace of a rotation in seconds; 0 without a body.

    :raises BadMember: it is not valid, or more than most.
    """
    data = _json(body, content_type) if body.strip() else {}
    if not isinstance(data, dict):
        raise BadMember('grace', 'the body is not an object')
    _refuse_others(data, ('grace',), '')
    grace = data.get('grace', 0)
    if isinstance(grace, bool) or not isinstance(grace, int):
        raise BadMember('grace', 'it is not a whole number')
    if not 0 <= grace <= most:
        raise BadMember('grace', f'it is not between 0 and {most}')
    return grace


def read_secret(body: bytes, content_type: str | None) -> str:
    """The key to revoke.

    :raises BadMember: the body has no text "secret", or anything else.
    """
    data = _json(body, content_type)
    if not isinstance(data, dict):
        raise BadMember('secret', 'it is missing')
    _refuse_others(data, ('secret',), '')
    secret = data.get('secret')
    if not isinstance(secret, str) or not secret:
        raise BadMember('secret', 'it is missing or is not a text')
    return secret


def _members(
    body: bytes,
    content_type: str | None,
    readers: Mapping[str, Callable[[str, Any], Any]],
) -> dict[str, Any]:
    data = _json(body, content_type)
    if not isinstance(data, dict) or not isinstance(data.get(ROOT), dict):
        raise BadMember(ROOT, 'it is missing or no object')
    _refuse_others(data, (ROOT,), '')
    members = data[ROOT]
    _refuse_others(members, readers, f'{ROOT}.')
    return {
        name: readers[name](f'{ROOT}.{name}', value)
        for name, value in members.items()
    }


def _json(body: bytes, content_type: str | None) -> object:
    if not body.strip():
        raise BadMember(ROOT, 'the request has no body')
    # Like Keystone, read a body without a Content-Type as JSON.
    kind = negotiate.media_type(content_type)
    if kind not in ('', 'application/json'):
        raise faults.BadMediaType()
    return media.read_json(body)


def _refuse_others(
    data: Mapping[str, Any], known: Sequence[str] | Mapping[str, Any], at: str
) -> None:
    for name in data:
        if name not in known:
            shown = name.encode('unicode_escape').decode()[:_LONGEST]
            raise BadMember(f'{at}{shown}', 'it is not understood here')


def _text(at: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise BadMember(at, 'it is not a text')
    if len(value) > longest:
        raise BadMember(at, f'it has more than {longest} characters')
    return value


def _name(at: str, value: Any) -> str:
    name = _text(at, value, _LONGEST_BODY).strip()
    _text(at, name, _LONGEST)
    _refuse_control(at, name, '')
    if not name:
        raise BadMember(at, 'it is empty')
    return name


def _description(at: str, value: Any) -> str:
    text = _text(at, '' if value is None else value, _LONGEST)
    _refuse_control(at, text, '\t\r\n')
    return text


def _refuse_control(at: str, text: str, but: str) -> None:
    if has_control(text, but):
        raise BadMember(at, 'it has a control character')


def has_control(text: str, but: str = '') -> bool:
    """Whether a text has a control character that is not in but."""
    return any(unicodedata.category(c) == 'Cc' and c not in but for c in text)


def _id(at: str, value: Any) -> str | None:
    if value is None:
        return None
    if not _text(at, value, _LONGEST_ID):
        raise BadMember(at, 'it is empty')
    _refuse_control(at, value, '')
    return str(value)


def _roles(at: str, value: Any) -> tuple[Role, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise BadMember(at, 'it is no list')
    if not value:
        raise BadMember(at, 'it is empty')
    found = tuple(_role(at, item) for item in value)
    if len(set(found)) < len(found):
        raise BadMember(at, 'a role is there twice')
    return found


def _role(at: str, item: Any) -> Role:
    is_one = isinstance(item, dict) and len(item) == 1
    if not is_one or not item.keys() <= {'id', 'name'}:
        raise BadMember(at, 'each role is {"id": …} or {"name": …}')
    ((member, value),) = item.items()
    longest = _LONGEST_ID if member == 'id' else _LONGEST
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadMember(
            at, f'the {member} of a role is not a text, is empty or too long'
        )
    _refuse_control(at, value, '')
    return Role(**item)


def _moment(at: str, value: Any) -> datetime.datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadMember(at, 'it is not a text')
    found = moment(value)
    if found is None:
        raise BadMember(at, 'it is no time of ISO 8601 up to the year 9999')
    return found


def moment(text: str) -> datetime.datetime | None:
    """A time of ISO 8601 in UTC, which is also the default; None: it is none.

    :raises OverflowError: never.
    """
    try:
        found = datetime.datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=datetime.UTC)
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _cidrs(at: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise BadMember(at, 'it is no list')
    if not value:
        raise BadMember(
            at, 'it is empty, so no address is allowed; null allows all'
        )
    if len(value) > _MOST_CIDRS:
        raise BadMember(at, f'it has more than {_MOST_CIDRS} networks')
    return tuple(dict.fromkeys(_cidr(at, item) for item in value))


def _cidr(at: str, item: Any) -> str:
    if not isinstance(item, str) or not _NETWORK.fullmatch(item):
        raise BadMember(at, 'one is no network, such as 192.0.2.0/24')
    try:
        return str(addresses.unmapped(ipaddress.ip_network(item)))
    except ValueError:
        raise BadMember(
            at, f'{item} is no network, or has bits set beyond its prefix'
        ) from None


def _flag(at: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadMember(at, 'it is neither true nor false')
    return value


_OF_CHANGE: dict[str, Callable[[str, Any], Any]] = {
    'name': _name,
    'description': _description,
    'enabled': _flag,
    'allowed_cidrs': _cidrs,
}
_OF_NEW: dict[str, Callable[[str, Any], Any]] = {
    'name': _name,
    'description': _description,
    'project_id': _id,
    'roles': _roles,
    'expires_at': _moment,
    'allowed_cidrs': _cidrs,
    'unrestricted': _flag,
}


@dataclasses.dataclass(frozen=True)
class Shown:
    """A key to be shown: the present names of its roles, and the new secret.

    enabled is false also for a key whose trust is gone.
    """

    key: ApiKey
    roles: Mapping[str, str | None]
    enabled: bool
    secret: str | None = dataclasses.field(default=None, repr=False)


def to_json(shown: Shown, url: str) -> dict[str, Any]:
    """A key in JSON; url is its own."""
    key = shown.key
    found: dict[str, Any] = {
        'id': key.id,
        'name': key.name,
        'description': key.description,
        'user_id': key.user_id,
        'project_id': key.project_id,
        'roles': [
            {'id': id_, 'name': shown.roles.get(id_)}
            for id_ in sorted(key.roles)
        ],
        'unrestricted': key.unrestricted,
        'enabled': shown.enabled,
        'disabled_by': key.disabled_by,
        'expires_at': _time(key.expires_at),
        'allowed_cidrs': (
            None if key.allowed_cidrs is None else [*key.allowed_cidrs]
        ),
        'created_at': _time(key.created_at),
        'updated_at': _time(key.updated_at),
        'rotated_at': _time(key.rotated_at),
        'last_used_at': _time(key.last_used_at),
        'last_used_from': key.last_used_from,
        'previous': _previous(key),
    }
    if shown.secret is not None:
        found['secret'] = shown.secret
    return {**found, 'links': {'self': url}}


def _previous(key: ApiKey) -> dict[str, str | None] | None:
    if key.previous is None:
        return None
    return {
        'expires_at': _time(key.previous.expires_at),
        'last_used_at': _time(key.previous.last_used_at),
    }


def _time(moment: datetime.datetime | None) -> str | None:
    if moment is None:
        return None
    utc = moment.astimezone(datetime.UTC)
    return utc.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
