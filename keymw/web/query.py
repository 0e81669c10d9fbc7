"""Checks of the query of a v2.0 request, and pages of a list."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import re
from typing import TypedDict
from typing import TypeVar

from keymw.web import faults

_MOST_DIGITS = 18


class _Identified(TypedDict):
    id: str


_Item = TypeVar('_Item', bound=_Identified)


def only(*names: str) -> Callable[[Mapping[str, str]], None]:
    """A check that allows only these parameters, each of them once.

    An ignored parameter would silently return a wrong list. The check raises
    BadRequest, which names the parameter; also for a limit that is no number.
    """

    def check(query: Mapping[str, str]) -> None:
        for name, times in Counter(list(query)).items():
            if name not in names:
                raise faults.BadRequest(
                    f'The parameter {name} is not understood.'
                )
            if times > 1:
                raise faults.BadRequest(f'The parameter {name} stands twice.')
        limit(query)

    return check


def limit(query: Mapping[str, str]) -> int | None:
    """The number of items on a page; None: no limit.

    :raises BadRequest: limit is not a non-negative integer.
    """
    text = query.get('limit')
    if text is None:
        return None
    if re.fullmatch('-[0-9]+', text):
        raise faults.BadRequest('Limit must be non negative')
    if not re.fullmatch('[0-9]+', text):
        raise faults.BadRequest('limit must be an integer')
    # Python refuses to parse numbers of thousands of digits.
    digits = text.lstrip('0') or '0'
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def page(items: Sequence[_Item], query: Mapping[str, str]) -> list[_Item]:
    """The page of a list that limit and marker select.

    marker is the id of the last item on the previous page.

    :raises BadRequest: no item has the id marker.
    """
    ordered = sorted(items, key=lambda item: str(item['id']))
    marker = query.get('marker')
    if marker is not None:
        ids = [item['id'] for item in ordered]
        if marker not in ids:
            raise faults.BadRequest('Marker could not be found')
        ordered = ordered[ids.index(marker) + 1 :]
    return ordered[: limit(query)]
