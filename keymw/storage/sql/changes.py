"""The last change of each user's keys, written with the change itself."""

from collections.abc import Callable
from collections.abc import Sequence
import datetime
import functools
import time
from typing import Any

import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import bulk
from keymw.storage.sql import database
from keymw.storage.sql import tables
from keymw.storage.sql.prepared import Statements
from keymw.storage.sql.tables import KEY_CHANGE

_COMMIT = base.COMMIT.total_seconds()


def of_user(db: database.Database, user_id: str) -> base.Change | None:
    """Return the last change of a user's keys, or None."""
    row = db.first(_of_user, {'of_user': user_id})
    return None if row is None else base.Change(row.changed_at, row.chain)


def _of_user(_dialect: str) -> sa.Select[Any]:
    user_id: sa.BindParameter[str] = sa.bindparam('of_user')
    return sa.select(KEY_CHANGE).where(KEY_CHANGE.c.user_id == user_id)


def write(
    db: database.Database,
    chain: str | None,
    work: Callable[[Statements], list[str]],
) -> list[str]:
    """Change keys, record the time, and return the ids of the users.

    The time is taken last, after every statement that may wait. Only the
    commit follows. If that was slow, logins with the former key succeeded
    meanwhile, so the time is taken again.
    """
    dating = 0.0

    def dated(on: Statements) -> list[str]:
        nonlocal dating
        user_ids = work(on)
        dating = time.monotonic()
        _date(on, user_ids, chain)
        return user_ids

    user_ids = db.change(dated)
    if user_ids and time.monotonic() - dating > _COMMIT:
        db.write(lambda on: _redate(on, user_ids))
    return user_ids


def forget(db: database.Database, before: datetime.datetime) -> int:
    """Delete the records before a time; return their number."""
    order = sa.delete(KEY_CHANGE).where(KEY_CHANGE.c.changed_at < before)
    return db.write(lambda on: int(on.execute(order).rowcount))


def _date(on: Statements, user_ids: Sequence[str], chain: str | None) -> None:
    """Record the time of a change of keys."""
    number = len(user_ids)
    if number == 1:
        on.execute(_upsert_change, {'user_id': user_ids[0], 'chain': chain})
    elif number and bulk.is_known_to(on.connection):
        on.execute(_upsert_changes, bulk.changes(user_ids, chain))
    elif number:
        columns = {'user_id': user_ids, 'chain': [chain] * number}
        on.execute_each(_upsert_change, columns)


def _redate(connection: sa.Connection, user_ids: Sequence[str]) -> None:
    """Set a later time; a change in between keeps its own chain."""
    order = (
        sa.update(KEY_CHANGE)
        .where(KEY_CHANGE.c.user_id.in_(user_ids))
        .values(changed_at=tables.now(connection.dialect.name))
    )
    connection.execute(order)


@functools.cache
def _upsert_change(dialect: str) -> sa.Insert:
    order = tables.upsert(dialect, KEY_CHANGE, _CHANGED)
    return order.values(
        user_id=sa.bindparam('user_id'),
        changed_at=tables.now(dialect),
        chain=sa.bindparam('chain'),
    )


@functools.cache
def _upsert_changes(dialect: str) -> sa.Insert:
    return bulk.date(dialect, _CHANGED)


_CHANGED = ('changed_at', 'chain')
