"""The access list in a SQL table."""

from collections.abc import Callable
import datetime
from typing import Any

from oslo_config import cfg
import sqlalchemy as sa

from keymw.storage.base import Taken
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import Address
from keymw.storage.global_keys import LockedOut
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql.records import Records
from keymw.storage.sql.tables import ACCESS_LIST
from keymw.storage.sql.tables import take_turn

_COLUMNS = ACCESS_LIST.c
_ENTRIES = Records(ACCESS_LIST, AccessEntry)


class SqlAccessList(AccessListStore):
    """The access list in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, entry_id: str) -> AccessEntry | None:
        row = self._db.first(_of_id, {'wanted': entry_id})
        return None if row is None else AccessEntry(**row._asdict())

    def add(self, entry: AccessEntry) -> None:
        self._db.write(lambda on: _add(on, entry))

    def update(
        self,
        entry_id: str,
        change: Callable[[AccessEntry], AccessEntry],
        keeps: Address | None,
    ) -> AccessEntry | None:
        return self._db.write(lambda on: _update(on, entry_id, change, keeps))

    def delete(self, entry_id: str, keeps: Address | None) -> bool:
        return self._db.write(lambda on: _delete(on, entry_id, keeps))

    def used(self, entry_id: str, moment: datetime.datetime) -> None:
        last = _COLUMNS.last_used_at
        order = (
            sa.update(ACCESS_LIST)
            .where(
                _COLUMNS.id == entry_id,
                sa.or_(last.is_(None), last < moment),
            )
            .values(last_used_at=moment)
        )
        self._db.write(lambda on: on.execute(order))

    def all(self) -> list[AccessEntry]:
        return _ENTRIES.all(self._db)

    def page(self, offset: int, limit: int) -> list[AccessEntry]:
        return _ENTRIES.page(self._db, offset, limit)

    def count(self) -> int:
        return _ENTRIES.count(self._db)

    def check(self) -> None:
        migrate.check(self._db)


def _of_id(_dialect: str) -> sa.Select[Any]:
    wanted: sa.BindParameter[str] = sa.bindparam('wanted')
    return _ENTRIES.where(_COLUMNS.id == wanted)


def _add(on: sa.Connection, entry: AccessEntry) -> None:
    take_turn(on, ACCESS_LIST)
    same = sa.or_(_COLUMNS.id == entry.id, _COLUMNS.network == entry.network)
    if _ENTRIES.exists(on, same):
        raise Taken('the id or the network of an entry')
    _ENTRIES.insert(on, entry)


def _update(
    on: sa.Connection,
    entry_id: str,
    change: Callable[[AccessEntry], AccessEntry],
    keeps: Address | None,
) -> AccessEntry | None:
    before = _ENTRIES.take(on, entry_id)
    if before is None:
        return None
    after = change(before)
    same = sa.and_(_COLUMNS.network == after.network, _COLUMNS.id != after.id)
    if _ENTRIES.exists(on, same):
        raise Taken('the network of an entry')
    _ENTRIES.replace(on, entry_id, after)
    _check_kept(on, keeps)
    return after


def _delete(on: sa.Connection, entry_id: str, keeps: Address | None) -> bool:
    take_turn(on, ACCESS_LIST)
    if not _ENTRIES.delete(on, entry_id):
        return False
    _check_kept(on, keeps)
    return True


def _check_kept(on: sa.Connection, keeps: Address | None) -> None:
    """Check that some entry still admits an address.

    :raises LockedOut: no entry does.
    """
    if keeps is None:
        return
    if not any(e.admits(keeps) for e in _ENTRIES.read(on, _ENTRIES.in_order)):
        raise LockedOut(str(keeps))
