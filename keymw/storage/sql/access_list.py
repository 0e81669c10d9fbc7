"""The networks that global keys may be used from, in a table."""

from collections.abc import Callable
import dataclasses
import datetime
from typing import Any

from oslo_config import cfg
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql.tables import ACCESS_LIST
from keymw.storage.sql.tables import take_turn

_COLUMNS = ACCESS_LIST.c
_ALL = sa.select(ACCESS_LIST).order_by(_COLUMNS.created_at, _COLUMNS.id)


class SqlAccessList(base.AccessListStore):
    """The access list in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, entry_id: str) -> base.AccessEntry | None:
        question = sa.select(ACCESS_LIST).where(_COLUMNS.id == entry_id)
        found = self._read(question)
        return found[0] if found else None

    def add(self, entry: base.AccessEntry) -> None:
        self._db.write(lambda on: _add(on, entry))

    def update(
        self,
        entry_id: str,
        change: Callable[[base.AccessEntry], base.AccessEntry],
        keeps: base.Address | None,
    ) -> base.AccessEntry | None:
        return self._db.write(lambda on: _update(on, entry_id, change, keeps))

    def delete(self, entry_id: str, keeps: base.Address | None) -> bool:
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

    def all(self) -> list[base.AccessEntry]:
        return self._read(_ALL)

    def page(self, offset: int, limit: int) -> list[base.AccessEntry]:
        return self._read(_ALL.offset(offset).limit(limit))

    def _read(self, question: sa.Select[Any]) -> list[base.AccessEntry]:
        return self._db.read(lambda on: _entries(on, question))

    def count(self) -> int:
        question = sa.select(sa.func.count()).select_from(ACCESS_LIST)
        return self._db.read(lambda on: on.execute(question).scalar_one())

    def check(self) -> None:
        migrate.check(self._db)


def _entries(
    on: sa.Connection, question: sa.Select[Any]
) -> list[base.AccessEntry]:
    rows = on.execute(question).mappings()
    return [base.AccessEntry(**row) for row in rows]


def _add(on: sa.Connection, entry: base.AccessEntry) -> None:
    take_turn(on, ACCESS_LIST)
    same = sa.or_(_COLUMNS.id == entry.id, _COLUMNS.network == entry.network)
    if on.execute(sa.select(_COLUMNS.id).where(same)).first():
        raise base.Taken('the id or the network of an entry')
    on.execute(sa.insert(ACCESS_LIST).values(dataclasses.asdict(entry)))


def _update(
    on: sa.Connection,
    entry_id: str,
    change: Callable[[base.AccessEntry], base.AccessEntry],
    keeps: base.Address | None,
) -> base.AccessEntry | None:
    take_turn(on, ACCESS_LIST)
    question = sa.select(ACCESS_LIST).where(_COLUMNS.id == entry_id)
    # used takes no turn.
    found = _entries(on, question.with_for_update())
    if not found:
        return None
    after = change(found[0])
    _refuse_taken(on, after)
    on.execute(
        sa.update(ACCESS_LIST)
        .where(_COLUMNS.id == entry_id)
        .values(dataclasses.asdict(after))
    )
    _check_kept(on, keeps)
    return after


def _refuse_taken(on: sa.Connection, entry: base.AccessEntry) -> None:
    question = sa.select(_COLUMNS.id).where(
        _COLUMNS.network == entry.network, _COLUMNS.id != entry.id
    )
    if on.execute(question).first():
        raise base.Taken('the network of an entry')


def _delete(
    on: sa.Connection, entry_id: str, keeps: base.Address | None
) -> bool:
    take_turn(on, ACCESS_LIST)
    order = sa.delete(ACCESS_LIST).where(_COLUMNS.id == entry_id)
    if not on.execute(order).rowcount:
        return False
    _check_kept(on, keeps)
    return True


def _check_kept(on: sa.Connection, keeps: base.Address | None) -> None:
    """Refuse to leave no entry that admits an address.

    :raises LockedOut: none is left.
    """
    if keeps is None:
        return
    if not any(entry.admits(keeps) for entry in _entries(on, _ALL)):
        raise base.LockedOut(str(keeps))
