"""Global API keys in a SQL table."""

import collections
from collections.abc import Callable
from typing import Any

from oslo_config import cfg
import sqlalchemy as sa

from keymw.storage.base import Taken
from keymw.storage.global_keys import OWNER
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import LastOwner
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql import retired
from keymw.storage.sql import start
from keymw.storage.sql import tables
from keymw.storage.sql.prepared import Plain
from keymw.storage.sql.prepared import Query
from keymw.storage.sql.records import Records
from keymw.storage.sql.tables import GLOBAL_KEY
from keymw.storage.sql.tables import take_turn

_COLUMNS = GLOBAL_KEY.c
_KEYS = Records(GLOBAL_KEY, GlobalKey)


class SqlGlobalKeys(GlobalKeyStore):
    """Global keys in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, key_id: str) -> GlobalKey | None:
        return self._first(_of_id, key_id)

    def find(self, public_key: str) -> GlobalKey | None:
        return self._first(_of_public_key, public_key)

    def _first(self, query: Query, wanted: str) -> GlobalKey | None:
        row = self._db.first(query, {'wanted': wanted})
        return None if row is None else GlobalKey(**row._asdict())

    def add(self, key: GlobalKey) -> None:
        self._db.write(lambda on: _add(on, key))

    def update(
        self, key_id: str, change: Callable[[GlobalKey], GlobalKey]
    ) -> GlobalKey | None:
        return self._db.write(lambda on: _update(on, key_id, change))

    def delete(
        self,
        key_id: str,
        check: Callable[[GlobalKey], None],
        *,
        leave_no_owner: bool = False,
    ) -> bool:
        return self._db.write(
            lambda on: _delete(on, key_id, check, leave_no_owner)
        )

    def reseal(self, key_id: str, old: bytes, new: bytes) -> bool:
        return self._db.write(lambda on: _reseal(on, key_id, old, new))

    def page(self, offset: int, limit: int) -> list[GlobalKey]:
        return _KEYS.page(self._db, offset, limit)

    def count(self) -> int:
        return _KEYS.count(self._db)

    def sealed_by(self) -> collections.Counter[bytes]:
        return self._db.read(lambda on: tables.sealed_by(on, _COLUMNS.ha1))

    def check(self) -> None:
        migrate.check(self._db)

    def check_at_start(self) -> None:
        start.check(self._db)


def _of_id(_dialect: str) -> sa.Select[Any]:
    return _KEYS.where(_COLUMNS.id == sa.bindparam('wanted'))


def _of_public_key(_dialect: str) -> sa.Select[Any]:
    wanted: sa.BindParameter[str] = sa.bindparam('wanted')
    return _KEYS.where(_COLUMNS.public_key == wanted)


def _add(on: sa.Connection, key: GlobalKey) -> None:
    take_turn(on, GLOBAL_KEY)
    same = sa.or_(_COLUMNS.id == key.id, _COLUMNS.public_key == key.public_key)
    if _KEYS.exists(on, same):
        raise Taken('the id or the public key of a global key')
    retired.check(Plain(on), _sealed(key))
    _KEYS.insert(on, key)


def _sealed(key: GlobalKey) -> set[bytes]:
    return {key.ha1} | ({key.seal} if key.seal is not None else set())


def _update(
    on: sa.Connection, key_id: str, change: Callable[[GlobalKey], GlobalKey]
) -> GlobalKey | None:
    before = _KEYS.take(on, key_id)
    if before is None:
        return None
    after = change(before)
    retired.check(Plain(on), _sealed(after) - _sealed(before))
    _KEYS.replace(on, key_id, after)
    _check_owners(on, before)
    return after


def _reseal(on: sa.Connection, key_id: str, old: bytes, new: bytes) -> bool:
    retired.check(Plain(on), [new])
    order = (
        sa.update(GLOBAL_KEY)
        .where(_COLUMNS.id == key_id, _COLUMNS.ha1 == old)
        .values(ha1=new)
    )
    return on.execute(order).rowcount > 0


def _delete(
    on: sa.Connection,
    key_id: str,
    check: Callable[[GlobalKey], None],
    leave_no_owner: bool,
) -> bool:
    before = _KEYS.take(on, key_id)
    if before is None:
        return False
    check(before)
    _KEYS.delete(on, key_id)
    if not leave_no_owner:
        _check_owners(on, before)
    return True


def _check_owners(on: sa.Connection, before: GlobalKey) -> None:
    """Check that an owner is left, if this key was one.

    :raises LastOwner: no owner is left.
    """
    if not before.is_owner:
        return
    held = on.execute(sa.select(_COLUMNS.roles)).scalars()
    if not any(OWNER in roles for roles in held):
        raise LastOwner(before.id)
