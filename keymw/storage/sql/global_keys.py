"""Global API keys, in a table."""

from collections.abc import Callable
import dataclasses
from typing import Any

from oslo_config import cfg
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql.tables import GLOBAL_KEY
from keymw.storage.sql.tables import take_turn

_COLUMNS = GLOBAL_KEY.c


class SqlGlobalKeys(base.GlobalKeyStore):
    """Global keys in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, key_id: str) -> base.GlobalKey | None:
        return self._first(_COLUMNS.id == key_id)

    def find(self, public_key: str) -> base.GlobalKey | None:
        return self._first(_COLUMNS.public_key == public_key)

    def _first(self, where: Any) -> base.GlobalKey | None:
        question = sa.select(GLOBAL_KEY).where(where)
        return self._db.read(lambda on: _one(on, question))

    def add(self, key: base.GlobalKey) -> None:
        self._db.write(lambda on: _add(on, key))

    def update(
        self, key_id: str, change: Callable[[base.GlobalKey], base.GlobalKey]
    ) -> base.GlobalKey | None:
        return self._db.write(lambda on: _update(on, key_id, change))

    def delete(
        self,
        key_id: str,
        check: Callable[[base.GlobalKey], None],
        *,
        leave_no_owner: bool = False,
    ) -> bool:
        return self._db.write(
            lambda on: _delete(on, key_id, check, leave_no_owner)
        )

    def reseal(self, key_id: str, old: bytes, new: bytes) -> bool:
        order = (
            sa.update(GLOBAL_KEY)
            .where(_COLUMNS.id == key_id, _COLUMNS.ha1 == old)
            .values(ha1=new)
        )
        return self._db.write(lambda on: on.execute(order).rowcount > 0)

    def page(self, offset: int, limit: int) -> list[base.GlobalKey]:
        question = (
            sa.select(GLOBAL_KEY)
            .order_by(_COLUMNS.created_at, _COLUMNS.id)
            .offset(offset)
            .limit(limit)
        )
        rows = self._db.read(lambda on: on.execute(question).mappings().all())
        return [base.GlobalKey(**row) for row in rows]

    def count(self) -> int:
        question = sa.select(sa.func.count()).select_from(GLOBAL_KEY)
        return self._db.read(lambda on: on.execute(question).scalar_one())

    def check(self) -> None:
        migrate.check(self._db)


def _one(on: sa.Connection, question: sa.Select[Any]) -> base.GlobalKey | None:
    row = on.execute(question).mappings().first()
    return None if row is None else base.GlobalKey(**row)


def _add(on: sa.Connection, key: base.GlobalKey) -> None:
    take_turn(on, GLOBAL_KEY)
    same = sa.or_(_COLUMNS.id == key.id, _COLUMNS.public_key == key.public_key)
    if on.execute(sa.select(_COLUMNS.id).where(same)).first():
        raise base.Taken('the id or the public key of a global key')
    on.execute(sa.insert(GLOBAL_KEY).values(dataclasses.asdict(key)))


def _update(
    on: sa.Connection,
    key_id: str,
    change: Callable[[base.GlobalKey], base.GlobalKey],
) -> base.GlobalKey | None:
    before = _take(on, key_id)
    if before is None:
        return None
    after = change(before)
    on.execute(
        sa.update(GLOBAL_KEY)
        .where(_COLUMNS.id == key_id)
        .values(dataclasses.asdict(after))
    )
    _check_owners(on, before)
    return after


def _delete(
    on: sa.Connection,
    key_id: str,
    check: Callable[[base.GlobalKey], None],
    leave_no_owner: bool,
) -> bool:
    before = _take(on, key_id)
    if before is None:
        return False
    check(before)
    on.execute(sa.delete(GLOBAL_KEY).where(_COLUMNS.id == key_id))
    if not leave_no_owner:
        _check_owners(on, before)
    return True


def _take(on: sa.Connection, key_id: str) -> base.GlobalKey | None:
    """A key that nobody else writes before this transaction ends."""
    take_turn(on, GLOBAL_KEY)
    question = sa.select(GLOBAL_KEY).where(_COLUMNS.id == key_id)
    # reseal takes no turn.
    return _one(on, question.with_for_update())


def _check_owners(on: sa.Connection, before: base.GlobalKey) -> None:
    """Refuse to leave no owner when this one was.

    :raises LastOwner: none is left.
    """
    if not before.is_owner:
        return
    held = on.execute(sa.select(_COLUMNS.roles)).scalars()
    if not any(base.OWNER in roles for roles in held):
        raise base.LastOwner(before.id)
