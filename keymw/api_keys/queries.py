"""Queries of the lists of API keys (doc/contract/api-keys 3)."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import re
from typing import Any

from keymw.api_keys.bodies import has_control
from keymw.api_keys.bodies import moment
from keymw.api_keys.faults import BadParameter

MAX_LIMIT = 1000
_NUMBER = re.compile('[0-9]{1,9}', re.ASCII)


@dataclasses.dataclass(frozen=True)
class Page:
    """What a query selects: at most limit keys with ids above marker.

    where has the other parameters, by name.
    """

    limit: int
    marker: str
    where: dict[str, Any]


def read_page(
    query: Mapping[str, str],
    pairs: Sequence[str],
    known: Mapping[str, Callable[[str, str], Any]],
) -> Page:
    """The page that a query selects; pairs are the names as they came.

    :raises BadParameter: one is unknown, there twice or not valid.
    """
    for name in pairs:
        if name not in known and name not in ('limit', 'marker'):
            raise BadParameter(name, 'is not understood')
        if pairs.count(name) > 1:
            raise BadParameter(name, 'stands twice')
        if has_control(query[name]):
            raise BadParameter(name, 'has a control character')
    where = {
        name: read(name, query[name])
        for name, read in known.items()
        if name in query
    }
    return Page(_limit(query), query.get('marker', ''), where)


def _limit(query: Mapping[str, str]) -> int:
    text = query.get('limit', str(MAX_LIMIT))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadParameter(
            'limit', f'is no whole number from 1 to {MAX_LIMIT}'
        )
    return int(text)


def _as_text(_name: str, value: str) -> str:
    return value


def _as_flag(name: str, value: str) -> bool:
    if value.lower() not in ('true', 'false'):
        raise BadParameter(name, 'is neither true nor false')
    return value.lower() == 'true'


def _as_moment(name: str, value: str) -> datetime.datetime:
    # A plus sign of an offset arrives as a space unless it was encoded.
    found = moment(value.replace(' ', '+'))
    if found is None:
        raise BadParameter(name, 'is no time of ISO 8601')
    return found


OF_USER: dict[str, Callable[[str, str], Any]] = {
    'name': _as_text,
    'enabled': _as_flag,
}
OF_ALL: dict[str, Callable[[str, str], Any]] = {
    'user_id': _as_text,
    'project_id': _as_text,
    'unused_since': _as_moment,
    'expires_before': _as_moment,
    'enabled': _as_flag,
}
