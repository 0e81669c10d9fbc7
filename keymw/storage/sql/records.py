"""A table of records that have an id, in the order in which they were made."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
from typing import Any
from typing import Generic
from typing import TypeVar

import sqlalchemy as sa

from keymw.storage.sql.database import Database
from keymw.storage.sql.tables import take_turn

Record = TypeVar('Record')


class Records(Generic[Record]):
    """Reads and writes records on a connection.

    The members of a record are the columns of the table.
    """

    def __init__(self, table: sa.Table, record: Callable[..., Record]) -> None:
        self._table = table
        self._record = record
        self._id = table.c.id
        self.in_order = sa.select(table).order_by(
            table.c.created_at, table.c.id
        )

    def where(self, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Return the query for the records that fulfil a condition."""
        return sa.select(self._table).where(condition)

    def all(self, db: Database) -> list[Record]:
        """Return all records."""
        return self._records(db.all(self._query_all, {}))

    def page(self, db: Database, offset: int, limit: int) -> list[Record]:
        """Return limit records at most, after offset others."""
        values = {'offset': offset, 'limit': limit}
        return self._records(db.all(self._query_page, values))

    def count(self, db: Database) -> int:
        """Return the number of records."""
        return int(db.first(self._query_count, {}).number)

    def _records(self, rows: Iterable[Any]) -> list[Record]:
        return [self._record(**row._asdict()) for row in rows]

    def _query_all(self, _dialect: str) -> sa.Select[Any]:
        return self.in_order

    def _query_page(self, _dialect: str) -> sa.Select[Any]:
        offset, limit = (
            sa.bindparam(name, type_=sa.BigInteger)
            for name in ('offset', 'limit')
        )
        return self.in_order.offset(offset).limit(limit)

    def _query_count(self, _dialect: str) -> sa.Select[Any]:
        number = sa.func.count().label('number')
        return sa.select(number).select_from(self._table)

    def read(self, on: sa.Connection, query: sa.Select[Any]) -> list[Record]:
        """Return the records of a query."""
        rows = on.execute(query).mappings()
        return [self._record(**row) for row in rows]

    def first(self, on: sa.Connection, query: sa.Select[Any]) -> Record | None:
        """Return the first record of a query, or None."""
        row = on.execute(query).mappings().first()
        return None if row is None else self._record(**row)

    def take(self, on: sa.Connection, id_: str) -> Record | None:
        """Return a record and lock it until the end of this transaction.

        The lock of the table serializes writes. The lock of the row is for
        writes that do without that of the table: used() and reseal().
        """
        take_turn(on, self._table)
        return self.first(on, self.where(self._id == id_).with_for_update())

    def exists(
        self, on: sa.Connection, condition: sa.ColumnElement[bool]
    ) -> bool:
        """Return whether a record fulfils a condition."""
        query = sa.select(self._id).where(condition)
        return on.execute(query).first() is not None

    def insert(self, on: sa.Connection, record: Any) -> None:
        """Write a new record, a dataclass."""
        values = dataclasses.asdict(record)
        on.execute(sa.insert(self._table).values(values))

    def replace(self, on: sa.Connection, id_: str, record: Any) -> None:
        """Write a record in place of the one with an id."""
        order = sa.update(self._table).where(self._id == id_)
        on.execute(order.values(dataclasses.asdict(record)))

    def delete(self, on: sa.Connection, id_: str) -> bool:
        """Remove the record with an id; return False if there was none."""
        order = sa.delete(self._table).where(self._id == id_)
        return on.execute(order).rowcount > 0
