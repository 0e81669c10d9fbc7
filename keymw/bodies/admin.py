"""What all answers of the admin routes have in common (ops-manager, 4, 5)."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import http
import re
from typing import Any
from urllib.parse import urlencode

import msgspec

from keymw import admin_faults
from keymw import faults
from keymw import media
from keymw import negotiate

LONGEST = 250
# What PostgreSQL does not keep, and what acts on a terminal.
_CONTROL = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_NUMBER = re.compile('[0-9]{1,9}', re.ASCII)
_PAGING = ('pageNum', 'itemsPerPage')
_LARGEST_PAGE = 500


@dataclasses.dataclass(frozen=True)
class Paging:
    """Which part of a list is asked for; includes_count: and how many."""

    number: int
    size: int
    includes_count: bool

    @property
    def offset(self) -> int:
        """How many rows are before this page."""
        return (self.number - 1) * self.size


@dataclasses.dataclass(frozen=True)
class Page:
    """A part of a list; total is None where it was not asked for."""

    rows: Sequence[Any]
    is_last: bool
    total: int | None
    paging: Paging


@dataclasses.dataclass(frozen=True)
class View:
    """How an answer is to look: url is that of the kind of thing asked for.

    query is what the request said, in its order.
    """

    url: str
    query: Sequence[tuple[str, str]] = ()
    pretty: bool = False
    envelope: bool = False


def read_paging(query: Mapping[str, str]) -> Paging:
    """The page that a query asks for.

    :raises BadQuery: there can be none such.
    """
    return Paging(
        _number(query, 'pageNum', '1', 10**9),
        _number(query, 'itemsPerPage', '100', _LARGEST_PAGE),
        read_flag(query, 'includeCount', 'true'),
    )


def _number(
    query: Mapping[str, str], name: str, default: str, most: int
) -> int:
    text = query.get(name, default)
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise admin_faults.BadQuery(name)
    return int(text)


def read_flag(
    query: Mapping[str, str], name: str, default: str = 'false'
) -> bool:
    """What a query says of yes or no.

    :raises BadQuery: it says neither.
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
    """The members of a JSON object, each of the type it must have.

    :raises BadMediaType: it says that it is no JSON.
    :raises AdminFault: it is none, or has a member that is not settable.
    """
    if body and negotiate.media_type(content_type) != 'application/json':
        raise faults.BadMediaType()
    found = _object(body)
    for name in found:
        if name in read_only:
            raise admin_faults.ReadOnly(name)
        if name not in settable:
            raise admin_faults.NotAMember(name)
    for name, value in found.items():
        if not isinstance(value, settable[name]):
            raise admin_faults.WrongType(name)
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = media.read_json(body)
    except faults.MalformedJson:
        raise admin_faults.NotJson() from None
    if not isinstance(found, dict):
        raise admin_faults.NotJson()
    return found


def check_text(name: str, text: str) -> None:
    """Refuse a description that is too long, or that cannot be kept.

    :raises NotAMember: it is.
    """
    if len(text) > LONGEST or _CONTROL.search(text):
        raise admin_faults.NotAMember(name)


def moment(when: datetime.datetime) -> str:
    """A time as text, to the second (contract, 1.3)."""
    return when.strftime('%Y-%m-%dT%H:%M:%SZ')


def link(href: str, rel: str = 'self') -> dict[str, str]:
    """Where something is."""
    return {'href': href, 'rel': rel}


def write_page(
    page: Page, view: View, write: Callable[[Any, View], object]
) -> dict[str, object]:
    """A part of a list, with links to the parts around it."""
    found: dict[str, object] = {
        'links': list(_links(page, view)),
        'results': [write(row, view) for row in page.rows],
    }
    if page.total is not None:
        found['totalCount'] = page.total
    return found


def _links(page: Page, view: View) -> Iterable[dict[str, str]]:
    number = page.paging.number
    yield link(_page_url(page, view, number))
    if number > 1:
        yield link(_page_url(page, view, number - 1), 'previous')
    if not page.is_last:
        yield link(_page_url(page, view, number + 1), 'next')


def _page_url(page: Page, view: View, number: int) -> str:
    # The Go client reads the number out of the link, wherever it comes from.
    others = [pair for pair in view.query if pair[0] not in _PAGING]
    numbers = zip(_PAGING, (str(number), str(page.paging.size)), strict=True)
    return f'{view.url}?{urlencode([*others, *numbers])}'


def tell(fault: faults.Fault) -> dict[str, object]:
    """A fault; only those that have a code tell what it is about."""
    told: dict[str, object] = {
        'detail': fault.message,
        'error': fault.status,
        'reason': http.HTTPStatus(fault.status).phrase,
    }
    code = _code(fault)
    if code is not None:
        told['errorCode'] = code
        told['parameters'] = list(getattr(fault, 'parameters', ()))
    return told


def _code(fault: faults.Fault) -> str | None:
    if isinstance(fault, admin_faults.AdminFault):
        return fault.code
    if isinstance(fault, faults.Forbidden):
        return 'USER_UNAUTHORIZED'
    return 'UNEXPECTED_ERROR' if fault.status >= 500 else None


def render(found: object, status: int, view: View) -> bytes:
    """The bytes of an answer, members sorted as Ops Manager does."""
    if view.envelope:
        found = _enveloped(found, status)
    data = msgspec.json.encode(found, order='deterministic')
    return msgspec.json.format(data, indent=2) if view.pretty else data


def _enveloped(found: object, status: int) -> dict[str, object]:
    if isinstance(found, dict) and found.keys() & {'results', 'error'}:
        return {**found, 'status': status}
    return {'content': found, 'status': status}
