"""What is asked of a directory over one connection."""

from collections.abc import Iterator
from typing import Any

from ldap import controls
from ldap import schema

from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.settings import Settings


class Session:
    """What is asked over one connection."""

    def __init__(self, connection: Any, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def search(self, wanted: str, attributes: list[str]) -> Iterator[Entry]:
        """The entries that pass a filter, read page by page."""
        page_size = self._settings.page_size
        page = controls.SimplePagedResultsControl(True, page_size, '')
        more = True
        while more:
            found, answered = self._search(
                wanted, attributes, [page] if page_size else []
            )
            yield from found
            told, page.cookie = page.cookie, _cookie(answered)
            # OpenLDAP may tell the same cookie for ever, with nothing more,
            # when entries are changed between two pages.
            more = page.cookie not in (b'', told)

    def _search(
        self, wanted: str, attributes: list[str], asked: list[Any]
    ) -> tuple[list[Entry], list[Any]]:
        number = self._connection.search_ext(
            self._settings.base,
            self._settings.scope,
            wanted,
            attributes,
            serverctrls=asked,
        )
        _kind, found, _number, answered = self._connection.result3(number)
        # What has no DN refers to another server.
        entries = [_entry(*pair) for pair in found if pair[0] is not None]
        return entries, [c for c in answered if _is_page(c)]

    def modify(self, dn: str, changes: list[Change]) -> None:
        """Make all the changes of an entry, or none."""
        self._connection.modify_ext_s(dn, changes)

    def schema(self) -> schema.SubSchema | None:
        """The schema of the directory, None where it is not shown."""
        dn = self._connection.search_subschemasubentry_s(self._settings.base)
        said = dn and self._connection.read_subschemasubentry_s(dn)
        return said and schema.SubSchema(said, check_uniqueness=0)


def _entry(dn: str, attributes: dict[str, list[bytes]]) -> Entry:
    return Entry(dn, {name.lower(): v for name, v in attributes.items()})


def _cookie(answered: list[Any]) -> bytes:
    return next((control.cookie for control in answered), b'')


def _is_page(control: Any) -> bool:
    return isinstance(control, controls.SimplePagedResultsControl)
