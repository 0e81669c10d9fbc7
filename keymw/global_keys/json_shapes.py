"""JSON common to all routes of global keys: members, times, links, faults.

Source: doc/contract/ops-manager-global-keys 4 and 5.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import http
import re
from typing import Any

import msgspec

from keymw.global_keys import faults as admin_faults
from keymw.web import faults
from keymw.web import media
from keymw.web import negotiate

MAX_DESCRIPTION_LENGTH = 250
# NUL, which PostgreSQL refuses, and characters that control a terminal.
_CONTROL = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')


@dataclasses.dataclass(frozen=True)
class View:
    """The format of a response. url is that of the collection.

    query has the parameters of the request in their order.
    """

    url: str
    query: Sequence[tuple[str, str]] = ()
    pretty: bool = False
    envelope: bool = False


def read_flag(
    query: Mapping[str, str], name: str, default: str = 'false'
) -> bool:
    """Return the value of a true/false parameter.

    :raises BadQuery: it is neither "true" nor "false".
    """
    text = query.get(name, default).lower()
    if text not in ('true', 'false'):
        raise admin_faults.BadQuery(name)
    return text == 'true'


def read_members(
    body: bytes,
    content_type: str | None,
    settable: Mapping[str, type],
    read_only: Iterable[str],
) -> dict[str, Any]:
    """Return the members of a JSON object, each of its type in settable.

    :raises BadMediaType: Content-Type is not application/json.
    :raises AdminFault: the body is not a JSON object, or a member is
        unknown, read-only or of a wrong type.
    """
    if body and negotiate.media_type(content_type) != 'application/json':
        raise faults.BadMediaType()
    members = _object(body)
    for name in members:
        if name in read_only:
            raise admin_faults.ReadOnly(name)
        if name not in settable:
            raise admin_faults.NotAMember(name)
    for name, value in members.items():
        if not isinstance(value, settable[name]):
            raise admin_faults.WrongType(name)
    return members


def _object(body: bytes) -> dict[str, Any]:
    try:
        members = media.read_json(body)
    except faults.MalformedJson:
        raise admin_faults.NotJson() from None
    if not isinstance(members, dict):
        raise admin_faults.NotJson()
    return members


def check_text(name: str, text: str) -> None:
    """Check the length and the characters of a description.

    :raises NotAMember: it is longer than MAX_DESCRIPTION_LENGTH
        characters, or has control characters.
    """
    if len(text) > MAX_DESCRIPTION_LENGTH or _CONTROL.search(text):
        raise admin_faults.NotAMember(name)


def moment(when: datetime.datetime) -> str:
    """Return a UTC time as ISO 8601 text, in whole seconds.

    Source: doc/contract/ops-manager-global-keys 1.3.
    """
    return when.strftime('%Y-%m-%dT%H:%M:%SZ')


def link(href: str, rel: str = 'self') -> dict[str, str]:
    """Return a link as a JSON object."""
    return {'href': href, 'rel': rel}


def fault_members(fault: faults.Fault) -> dict[str, object]:
    """Return a fault as JSON; parameters only beside an error code."""
    members: dict[str, object] = {
        'detail': fault.message,
        'error': fault.status,
        'reason': http.HTTPStatus(fault.status).phrase,
    }
    code = _code(fault)
    if code is not None:
        members['errorCode'] = code
        members['parameters'] = list(getattr(fault, 'parameters', ()))
    return members


def _code(fault: faults.Fault) -> str | None:
    if isinstance(fault, admin_faults.AdminFault):
        return fault.code
    if isinstance(fault, faults.Forbidden):
        return 'USER_UNAUTHORIZED'
    return 'UNEXPECTED_ERROR' if fault.status >= 500 else None


def render(content: object, status: int, view: View) -> bytes:
    """Return the bytes of a response; members sort as in Ops Manager."""
    if view.envelope:
        content = _enveloped(content, status)
    data = msgspec.json.encode(content, order='deterministic')
    return msgspec.json.format(data, indent=2) if view.pretty else data


def _enveloped(content: object, status: int) -> dict[str, object]:
    if isinstance(content, dict) and content.keys() & {'results', 'error'}:
        return {**content, 'status': status}
    return {'content': content, 'status': status}
