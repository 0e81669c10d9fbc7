"""Pages of a list of global keys or entries: from the query to the links.

Source: doc/contract/ops-manager-global-keys 4.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import re
from typing import Generic
from typing import Protocol
from typing import TypeVar
from urllib.parse import urlencode

from keymw.global_keys import faults as admin_faults
from keymw.global_keys.json_shapes import View
from keymw.global_keys.json_shapes import link
from keymw.global_keys.json_shapes import read_flag

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 500
_NUMBER = re.compile('[0-9]{1,9}', re.ASCII)
_PAGING = ('pageNum', 'itemsPerPage')
Row = TypeVar('Row', covariant=True)


@dataclasses.dataclass(frozen=True)
class Paging:
    """The page of a list that a query selects, with or without a total."""

    number: int
    size: int
    includes_count: bool

    @property
    def offset(self) -> int:
        """The number of rows before this page."""
        return (self.number - 1) * self.size


@dataclasses.dataclass(frozen=True)
class Page(Generic[Row]):
    """A page of a list. total is None if the query did not request it."""

    rows: Sequence[Row]
    is_last: bool
    total: int | None
    paging: Paging


class Paged(Protocol[Row]):
    """A store that is listed in pages."""

    def page(self, offset: int, limit: int) -> Sequence[Row]:
        """Return at most limit rows, after the first offset rows."""

    def count(self) -> int:
        """Return the number of rows."""


def page(store: Paged[Row], paging: Paging) -> Page[Row]:
    """Return the page of a store that a query selects."""
    # One row more than the page shows whether another page follows.
    rows = store.page(paging.offset, paging.size + 1)
    is_last = len(rows) <= paging.size
    if not paging.includes_count:
        total = None
    elif is_last and (rows or not paging.offset):
        total = paging.offset + len(rows)
    else:
        total = store.count()
    return Page(rows[: paging.size], is_last, total, paging)


def read(query: Mapping[str, str]) -> Paging:
    """Return the page that a query selects; numbers start at 1.

    :raises BadQuery: a number or a flag is invalid.
    """
    return Paging(
        _number(query, 'pageNum', 1, 10**9),
        _number(query, 'itemsPerPage', DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE),
        read_flag(query, 'includeCount', 'true'),
    )


def _number(
    query: Mapping[str, str], name: str, default: int, most: int
) -> int:
    text = query.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise admin_faults.BadQuery(name)
    return int(text)


def write(
    page: Page[Row], view: View, write_row: Callable[[Row, View], object]
) -> dict[str, object]:
    """Return a page as JSON, with links to the pages around it."""
    members: dict[str, object] = {
        'links': list(_links(page, view)),
        'results': [write_row(row, view) for row in page.rows],
    }
    if page.total is not None:
        members['totalCount'] = page.total
    return members


def _links(page: Page[object], view: View) -> Iterable[dict[str, str]]:
    number = page.paging.number
    yield link(_page_url(page, view, number))
    if number > 1:
        yield link(_page_url(page, view, number - 1), 'previous')
    if not page.is_last:
        yield link(_page_url(page, view, number + 1), 'next')


def _page_url(page: Page[object], view: View, number: int) -> str:
    # The Go client parses the page number in the link, so it must be there.
    others = [pair for pair in view.query if pair[0] not in _PAGING]
    numbers = zip(_PAGING, (str(number), str(page.paging.size)), strict=True)
    return f'{view.url}?{urlencode([*others, *numbers])}'
