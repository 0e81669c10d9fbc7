"""Statements, compiled once and run on the driver's connection.

For a short statement SQLAlchemy spends most of the time on things that are
always the same: the key of its cache of statements, the types of the columns,
a context and a result.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import itertools
from typing import Any
from typing import Protocol

import sqlalchemy as sa

# Makes a query, or another statement, for the dialect of a name.
Query = Callable[[str], sa.Select[Any]]
Order = Callable[[str], sa.Executable]
Values = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]
_Convert = Callable[[Any], Any] | None


class Statements(Protocol):
    """Statements in the transaction of a connection."""

    connection: sa.Connection

    def first(self, query: Query, values: Values) -> Any:
        """The first row of a query, a named tuple; None if there is none."""

    def execute(self, order: Order, values: Values) -> int:
        """Run a statement once; return the number of rows changed."""

    def execute_each(self, order: Order, columns: Columns) -> None:
        """Run a statement for each row of columns of the same length."""


class Plain:
    """Statements by SQLAlchemy, whose errors oslo.db translates."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def first(self, query: Query, values: Values) -> Any:
        """See Statements."""
        made = query(self.connection.dialect.name)
        return self.connection.execute(made, values).first()

    def execute(self, order: Order, values: Values) -> int:
        """See Statements."""
        made: Any = order(self.connection.dialect.name)
        return int(self.connection.execute(made, values).rowcount)

    def execute_each(self, order: Order, columns: Columns) -> None:
        """See Statements."""
        names, rows = [*columns], zip(*columns.values(), strict=True)
        made: Any = order(self.connection.dialect.name)
        self.connection.execute(
            made, [dict(zip(names, row, strict=True)) for row in rows]
        )


class Fast:
    """Statements on the connection of the driver, with the driver's errors.

    prepare returns the same compiled statement for the same function.
    """

    def __init__(
        self,
        connection: sa.Connection,
        prepare: Callable[[Order], Prepared],
    ) -> None:
        self.connection = connection
        self._driver = connection.connection
        self._prepare = prepare

    def first(self, query: Query, values: Values) -> Any:
        """See Statements."""
        return self._prepare(query).first(self._driver, values)

    def execute(self, order: Order, values: Values) -> int:
        """See Statements."""
        return self._prepare(order).execute(self._driver, values)

    def execute_each(self, order: Order, columns: Columns) -> None:
        """See Statements."""
        self._prepare(order).execute_each(self._driver, columns)


class Prepared:
    """A statement in the SQL of one dialect."""

    def __init__(self, order: Order, dialect: sa.Dialect) -> None:
        made: Any = order(dialect.name)
        compiled = made.compile(dialect=dialect)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._sql = str(compiled)
        self._order = compiled.positiontup
        self._constants = {
            name: _constant(bind, dialect)
            for name, bind in binds.items()
            if not bind.required
        }
        self._values = {
            bind.key: (name, _to_driver(bind.type, dialect))
            for name, bind in binds.items()
            if bind.required
        }
        columns = made.selected_columns if made.is_select else ()
        converts = [_from_driver(c.type, dialect) for c in columns]
        self._from_driver = [
            (at, convert) for at, convert in enumerate(converts) if convert
        ]
        names = [str(column.key) for column in columns]
        row: Any = collections.namedtuple('Row', names)  # type: ignore[misc]
        self._to_row: Callable[[Iterable[Any]], Any] = row._make

    def first(self, connection: Any, values: Values) -> Any:
        """The first row, a named tuple; None if there is no row.

        :raises Exception: the error of the driver.
        """
        cursor = connection.cursor()
        try:
            cursor.execute(self._sql, self._parameters(values))
            found = cursor.fetchone()
        finally:
            cursor.close()
        return None if found is None else self._converted(found)

    def all(self, connection: Any, values: Values) -> list[Any]:
        """All rows, each a named tuple.

        :raises Exception: the error of the driver.
        """
        cursor = connection.cursor()
        try:
            cursor.execute(self._sql, self._parameters(values))
            found = cursor.fetchall()
        finally:
            cursor.close()
        return [*map(self._converted, found)]

    def _converted(self, found: Iterable[Any]) -> Any:
        row = [*found]
        for at, convert in self._from_driver:
            row[at] = convert(row[at])
        return self._to_row(row)

    def execute(self, connection: Any, values: Values) -> int:
        """Run the statement once; return the number of rows changed.

        :raises Exception: the error of the driver.
        """
        cursor = connection.cursor()
        try:
            cursor.execute(self._sql, self._parameters(values))
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def execute_each(self, connection: Any, columns: Columns) -> None:
        """Run the statement for each row of some columns.

        :raises Exception: the error of the driver.
        """
        cursor = connection.cursor()
        try:
            cursor.executemany(self._sql, self._all_parameters(columns))
        finally:
            cursor.close()

    def _all_parameters(self, columns: Columns) -> list[Any]:
        number = len(next(iter(columns.values())))
        made: dict[str, Iterable[Any]] = {
            name: itertools.repeat(value, number)
            for name, value in self._constants.items()
        }
        for key, values in columns.items():
            name, convert = self._values[key]
            made[name] = _convert_each(convert, values)
        if self._order is not None:
            return [*zip(*(made[name] for name in self._order), strict=True)]
        names, rows = [*made], zip(*made.values(), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _parameters(self, values: Values) -> Any:
        made = dict(self._constants)
        for key, value in values.items():
            name, convert = self._values[key]
            made[name] = value if convert is None else convert(value)
        if self._order is None:
            return made
        return [made[name] for name in self._order]


def _constant(bind: Any, dialect: sa.Dialect) -> Any:
    convert = _to_driver(bind.type, dialect)
    return bind.value if convert is None else convert(bind.value)


def _convert_each(convert: _Convert, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values for the driver; equal ones are converted once."""
    if convert is None:
        return values
    converted = {value: convert(value) for value in set(values)}
    return [converted[value] for value in values]


def _to_driver(type_: Any, dialect: sa.Dialect) -> _Convert:
    convert: _Convert = type_.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _from_driver(type_: Any, dialect: sa.Dialect) -> _Convert:
    # No driver that keymw supports needs the type of a cursor's column.
    impl = type_.dialect_impl(dialect)
    convert: _Convert = impl.result_processor(dialect, None)
    return convert
