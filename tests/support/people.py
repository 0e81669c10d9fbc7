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
    [found] = _read(rows, user.c.id, model)
    rows.execute(user.insert(), [found | {'id': id_} for id_ in names])
    [found] = _read(rows, local.c.user_id, model)
    [secret] = _read(rows, password.c.local_user_id, found['id'])
    del secret['id']
    last = rows.scalar(sqlalchemy.select(sqlalchemy.func.max(local.c.id)))
    numbers = range(last + 1, last + 1 + len(names))
    rows.execute(
        local.insert(),
        [
            found | {'id': number, 'user_id': id_, 'name': name}
            for number, (id_, name) in zip(numbers, names.items(), strict=True)
        ],
    )
    rows.execute(
        password.insert(),
        [secret | {'local_user_id': number} for number in numbers],
    )
    for role in _read(rows, assignment.c.actor_id, model):
        rows.execute(
            assignment.insert(), [role | {'actor_id': id_} for id_ in names]
        )


def _read(rows: Any, column: Any, value: Any) -> list[Row]:
    found = sqlalchemy.select(column.table).where(column == value)
    return [dict(row) for row in rows.execute(found).mappings()]
