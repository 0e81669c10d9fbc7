"""API keys, many per user, in a SQL table."""

import collections
from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any
import zlib

from oslo_config import cfg
from oslo_db import exception
import sqlalchemy as sa

from keymw.storage import api_keys
from keymw.storage import base
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.storage.sql import changes
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql import retired
from keymw.storage.sql import tables
from keymw.storage.sql.prepared import Plain
from keymw.storage.sql.tables import API_KEY

_COLUMNS = API_KEY.c
_MEMBERS = [field.name for field in dataclasses.fields(ApiKey)]
_MEMBERS.remove('previous')
# What a swap leaves as the store has it.
_KEPT = (
    *('id', 'user_id', 'created_at', 'last_used_at', 'last_used_from'),
    *('previous_last_used_at', 'revision'),
)
# Owners share locks, so that the rows of locks stay few.
_LOCKS = 64


class SqlApiKeys(api_keys.ApiKeyStore):
    """API keys in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, key_id: str) -> ApiKey | None:
        row = self._db.first(_of_id, {'of_id': key_id})
        # An unknown id costs the same work.
        record = _to_record(_NOTHING if row is None else row._asdict())
        return None if row is None else record

    def add(self, key: ApiKey, limit: int | None = None) -> None:
        self._db.write(lambda on: _add(on, key, limit))

    def swap(
        self, before: ApiKey, after: ApiKey, chain: str | None = None
    ) -> ApiKey | None:
        if api_keys.ends_use(before, after):
            done = changes.write(
                self._db,
                chain,
                lambda on: _swap(on.connection, before, after),
            )
        else:
            done = self._db.write(lambda on: _swap(on, before, after))
        return api_keys.swapped(before, after) if done else None

    def swap_all(self, swaps: Iterable[tuple[ApiKey, ApiKey]]) -> int:
        pairs = list(swaps)
        return self._db.write(
            lambda on: sum(len(_swap(on, *pair)) for pair in pairs)
        )

    def remove(self, key: ApiKey) -> bool:
        order = sa.delete(API_KEY).where(*_unchanged(key))
        return self._db.write(lambda on: on.execute(order).rowcount > 0)

    def used(self, uses: Sequence[api_keys.Use]) -> None:
        last = [_use(use) for use in _last(uses)]
        previous = [_use(use) for use in _last(uses) if use.was_previous]
        if last:
            self._db.write(lambda on: _used(on, last, previous))

    def page(
        self, after: str, limit: int, where: Filter = api_keys.COMPLETE
    ) -> list[ApiKey]:
        question = (
            sa.select(API_KEY)
            .where(_COLUMNS.id > after, *_conditions(where))
            .order_by(_COLUMNS.id)
            .limit(limit)
        )
        rows = self._db.read(lambda on: on.execute(question).mappings().all())
        return [_to_record(row) for row in rows]

    def owners(self, after: str, limit: int) -> list[str]:
        question = (
            sa.select(_COLUMNS.user_id)
            .where(_COLUMNS.user_id > after)
            .distinct()
            .order_by(_COLUMNS.user_id)
            .limit(limit)
        )
        found = self._db.read(lambda on: on.execute(question).scalars().all())
        return list(found)

    def count(self, where: Filter = api_keys.COMPLETE) -> int:
        question = _count(*_conditions(where))
        return self._db.read(lambda on: int(on.execute(question).scalar_one()))

    def change(self, user_id: str) -> base.Change | None:
        return changes.of_user(self._db, user_id)

    def forget_changes(self, before: datetime.datetime) -> int:
        return changes.forget(self._db, before)

    def sealed_by(self) -> collections.Counter[bytes]:
        columns = (_COLUMNS.secret, _COLUMNS.previous_secret, _COLUMNS.seal)
        return self._db.read(
            lambda on: sum(
                (tables.sealed_by(on, column) for column in columns),
                collections.Counter(),
            )
        )

    def check(self) -> None:
        migrate.check(self._db)


def _add(on: sa.Connection, key: ApiKey, limit: int | None) -> None:
    lock = zlib.crc32(key.user_id.encode()) % _LOCKS
    tables.take_turn_of(on, f'{API_KEY.name} {lock}')
    if on.execute(_count(_COLUMNS.id == key.id)).scalar_one():
        raise base.Taken('the id of an API key')
    if key.state is not State.DELETED:
        _refuse_taken(on, key, limit)
    retired.check(Plain(on), key.sealed)
    try:
        on.execute(sa.insert(API_KEY).values(_to_row(key)))
    except exception.DBDuplicateEntry:
        # A swap took the name meanwhile; it does not wait for this lock.
        raise api_keys.NameTaken(key.name) from None


def _refuse_taken(on: sa.Connection, key: ApiKey, limit: int | None) -> None:
    of_owner = _COLUMNS.user_id == key.user_id
    if on.execute(
        _count(of_owner, _COLUMNS.taken_name == key.name)
    ).scalar_one():
        raise api_keys.NameTaken(key.name)
    taken = _count(of_owner, _COLUMNS.taken_name.is_not(None))
    if limit is not None and on.execute(taken).scalar_one() >= limit:
        raise api_keys.TooMany(key.user_id)


def _swap(on: sa.Connection, before: ApiKey, after: ApiKey) -> list[str]:
    """Return the owner of the key that was written, if it was."""
    retired.check(Plain(on), set(after.sealed) - set(before.sealed))
    row = _to_row(after)
    values = {name: row[name] for name in row if name not in _KEPT}
    if after.rotated_at != before.rotated_at or after.previous is None:
        values['previous_last_used_at'] = None
    values['revision'] = before.revision + 1
    order = sa.update(API_KEY).where(*_unchanged(before)).values(values)
    try:
        done = on.execute(order).rowcount > 0
    except exception.DBDuplicateEntry:
        raise api_keys.NameTaken(after.name) from None
    return [before.user_id] if done else []


def _unchanged(key: ApiKey) -> list[sa.ColumnElement[bool]]:
    return [_COLUMNS.id == key.id, _COLUMNS.revision == key.revision]


def _last(uses: Sequence[api_keys.Use]) -> list[api_keys.Use]:
    """Return the last use of each secret, in one order for all batches."""
    in_order = sorted(uses, key=lambda use: use.at)
    last = {(use.key_id, use.was_previous): use for use in in_order}
    return [last[place] for place in sorted(last)]


def _use(use: api_keys.Use) -> dict[str, Any]:
    return {'of_id': use.key_id, 'moment': use.at, 'address': use.address}


def _used(
    on: sa.Connection,
    last: Sequence[dict[str, Any]],
    previous: Sequence[dict[str, Any]],
) -> None:
    on.execute(_LAST_USE, last)
    if previous:
        on.execute(_LAST_USE_OF_PREVIOUS, previous)


def _of_id(_dialect: str) -> sa.Select[Any]:
    key_id: sa.BindParameter[str] = sa.bindparam('of_id')
    return sa.select(API_KEY).where(_COLUMNS.id == key_id)


_MOMENT = sa.bindparam('moment', type_=tables.Moment)


def _is_not_after(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column <= _MOMENT)


_LAST_USE = (
    sa.update(API_KEY)
    .where(
        _COLUMNS.id == sa.bindparam('of_id'),
        _is_not_after(_COLUMNS.last_used_at),
    )
    .values(last_used_at=_MOMENT, last_used_from=sa.bindparam('address'))
)
_LAST_USE_OF_PREVIOUS = (
    sa.update(API_KEY)
    .where(
        _COLUMNS.id == sa.bindparam('of_id'),
        _COLUMNS.previous_secret.is_not(None),
        _is_not_after(_COLUMNS.previous_last_used_at),
        _is_not_after(_COLUMNS.rotated_at),
    )
    .values(previous_last_used_at=_MOMENT)
)


def _count(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(API_KEY).where(*conditions)


def _conditions(where: Filter) -> list[sa.ColumnElement[bool]]:
    """Return the SQL of Filter.admits."""
    last_use = sa.func.coalesce(_COLUMNS.last_used_at, _COLUMNS.created_at)
    found = [
        _COLUMNS[name] == value
        for name in ('user_id', 'project_id', 'name', 'enabled')
        if (value := getattr(where, name)) is not None
    ]
    found += [
        column < moment
        for column, moment in (
            (last_use, where.unused_since),
            (_COLUMNS.expires_at, where.expires_before),
            (_COLUMNS.updated_at, where.updated_before),
        )
        if moment is not None
    ]
    if where.states != api_keys.ANY_STATE:
        found.append(_COLUMNS.state.in_(sorted(where.states)))
    return found


def _to_row(key: ApiKey) -> dict[str, Any]:
    previous = key.previous
    return {
        **{name: getattr(key, name) for name in _MEMBERS},
        'state': str(key.state),
        'taken_name': None if key.state is State.DELETED else key.name,
        'previous_secret': previous and previous.secret,
        'previous_expires_at': previous and previous.expires_at,
        'previous_last_used_at': previous and previous.last_used_at,
    }


def _to_record(row: Any) -> ApiKey:
    values = {name: row[name] for name in _MEMBERS}
    values['state'] = _state(row['state'])
    return ApiKey(**values, previous=_previous(row))


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        # The row was changed in the database: a pending key does not log in.
        return State.PENDING


def _previous(row: Any) -> Previous | None:
    secret, end = row['previous_secret'], row['previous_expires_at']
    if secret is None or end is None:
        return None
    return Previous(secret, end, row['previous_last_used_at'])


_NOTHING = _to_row(
    ApiKey(
        id='',
        user_id='nobody',
        name='',
        description='',
        project_id=None,
        roles=frozenset(),
        unrestricted=False,
        expires_at=None,
        allowed_cidrs=None,
        secret=bytes(92),
        created_at=datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC),
        updated_at=datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC),
    )
)
