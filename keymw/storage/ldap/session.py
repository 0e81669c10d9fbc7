"""Operations on a directory over one connection."""

from collections.abc import Iterator
import datetime
import re
from typing import Any

import ldap
from ldap import controls
from ldap import schema
from ldap.controls import readentry

from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import to_moment
from keymw.storage.ldap.settings import Settings


class _Time(controls.ResponseControl):  # type: ignore[misc]
    """The time of a modification, in an entry with no other attribute.

    The general decoder of python-ldap takes longer than a modification.
    """

    controlType = ldap.CONTROL_POST_READ  # noqa: N815, python-ldap's name
    time: datetime.datetime | None = None

    def decodeControlValue(self, encoded: bytes) -> None:  # noqa: N802
        """Read the time, which ends the entry."""
        found = _AT_THE_END.search(encoded)
        self.time = found and to_moment(found[1])


_AT_THE_END = re.compile(rb'(\d{14}(?:[.,]\d+)?(?:Z|[+-]\d{4}))\Z')


_ASKED = controls.RequestControl(
    ldap.CONTROL_POST_READ,
    False,
    readentry.PostReadControl(False, ['modifyTimestamp']).encodeControlValue(),
)


class Session:
    """Searches and changes over one connection."""

    def __init__(self, connection: Any, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def count(self, filter_: str) -> int:
        """Return the number of entries that pass a filter, in one search."""
        found, _answered = self._search(filter_, ['1.1'], [])
        return sum(pair[0] is not None for pair in found)

    def search(self, filter_: str, attributes: list[str]) -> Iterator[Entry]:
        """Yield the entries that pass a filter, page by page."""
        page_size = self._settings.page_size
        page = controls.SimplePagedResultsControl(True, page_size, '')
        more = True
        while more:
            found, returned = self._search(
                filter_, attributes, [page] if page_size else []
            )
            # A result without a DN is a referral to another server.
            yield from (_entry(*pair) for pair in found if pair[0] is not None)
            sent, page.cookie = page.cookie, _cookie(returned)
            # A repeated cookie alone is no end: 389 Directory Server repeats
            # them. With an empty page it is: OpenLDAP repeats one without end
            # if entries were changed between two pages.
            more = page.cookie != b'' and bool(found or page.cookie != sent)

    def _search(
        self, filter_: str, attributes: list[str], requested: list[Any]
    ) -> tuple[list[Any], list[Any]]:
        number = self._connection.search_ext(
            self._settings.base,
            self._settings.scope,
            filter_,
            attributes,
            serverctrls=requested,
        )
        _kind, found, _number, returned = self._connection.result3(number)
        return found, [c for c in returned if _is_page(c)]

    def modify(
        self, dn: str, changes: list[Change]
    ) -> datetime.datetime | None:
        """Make all changes of an entry, or none; return the time.

        The time is that of the directory, in whole seconds, or None if the
        directory does not report it.
        """
        return self.time_of(self.send(dn, changes))

    def send(self, dn: str, changes: list[Change]) -> int:
        """Send changes as modify does; return a number for time_of."""
        number: int = self._connection.modify_ext(dn, changes, [_ASKED])
        return number

    def time_of(self, number: int) -> datetime.datetime | None:
        """Wait for the response to changes that were sent; see modify."""
        _kind, _data, _number, returned = self._connection.result3(
            number, resp_ctrl_classes={_Time.controlType: _Time}
        )
        return next((control.time for control in returned), None)

    def schema(self) -> schema.SubSchema | None:
        """Return the schema of the directory; None if it is not readable."""
        dn = self._connection.search_subschemasubentry_s(self._settings.base)
        entry = dn and self._connection.read_subschemasubentry_s(dn)
        return entry and schema.SubSchema(entry, check_uniqueness=0)


def _entry(dn: str, attributes: dict[str, list[bytes]]) -> Entry:
    return Entry(dn, {name.lower(): v for name, v in attributes.items()})


def _cookie(returned: list[Any]) -> bytes:
    return next((control.cookie for control in returned), b'')


def _is_page(control: Any) -> bool:
    return isinstance(control, controls.SimplePagedResultsControl)
