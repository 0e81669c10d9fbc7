"""Users of a Keystone in numbers: copies of one whom it made."""

from typing import Any
import uuid

import sqlalchemy
from sqlalchemy import Table

Row = dict[str, Any]

# What Keystone writes of a user with a password and roles on projects.
_TABLES = ('user', 'local_user', 'password', 'assignment')


def copies(engine: Any, model: str, number: int) -> dict[str, str]:
    """Add users who are like the one with the id model; names by their ids.

    Keystone itself takes ten times as long for each of them.
    """
    found = sqlalchemy.MetaData()
    found.reflect(engine, only=_TABLES)
    ids = [uuid.uuid4().hex for _ in range(number)]
    names = {id_: f'user-{id_[:8]}' for id_ in ids}
    with engine.begin() as rows:
        _copy(rows, [found.tables[name] for name in _TABLES], model, names)
    return names


def _copy(
    rows: Any, tables: list[Table], model: str, names: dict[str, str]
) -> None:
    user, local, password, assignment = tables
    last = rows.scalar(sqlalchemy.select(sqlalchemy.func.max(local.c.id)))
    numbered = [(last + n, *one) for n, one in enumerate(names.items(), 1)]
    [login] = _read(rows, local.c.user_id, model)
    _add(rows, user.c.id, model, [{'id': id_} for id_ in names])
    _add(
        rows,
        local.c.user_id,
        model,
        [{'id': n, 'user_id': id_, 'name': name} for n, id_, name in numbered],
    )
    _add(
        rows,
        password.c.local_user_id,
        login['id'],
        [{'id': None, 'local_user_id': n} for n, *_ in numbered],
    )
    _add(rows, assignment.c.actor_id, model, [{'actor_id': i} for i in names])


def _add(rows: Any, column: Any, value: Any, changes: list[Row]) -> None:
    """Add each row that has the value once more for each of the changes."""
    for found in _read(rows, column, value):
        rows.execute(column.table.insert(), [found | one for one in changes])


def _read(rows: Any, column: Any, value: Any) -> list[Row]:
    found = sqlalchemy.select(column.table).where(column == value)
    return [dict(row) for row in rows.execute(found).mappings()]
