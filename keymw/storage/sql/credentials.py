"""The API keys of users, in a table."""

from collections.abc import Sequence
import dataclasses
import datetime
import functools
from typing import Any
import zlib

from oslo_config import cfg
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite

from keymw.storage import base
from keymw.storage.sql import database
from keymw.storage.sql import migrate
from keymw.storage.sql.tables import CREDENTIAL

_COLUMNS = CREDENTIAL.c


class SqlCredentials(base.CredentialStore):
    """Credentials in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, user_id: str) -> base.Credential | None:
        values = {'of_user': user_id}
        row = self._db.read(lambda on: on.execute(_OF_USER, values).first())
        return None if row is None else _to_record(row)

    def find(self, domain_id: str, username: str) -> base.Credential | None:
        values = {'of_domain': domain_id, 'name': username}
        row = self._db.read(lambda on: on.execute(_OF_NAME, values).one())
        # Who tries names must not learn from the time which there are.
        is_there = row.user_id is not None
        record = _to_record(row if is_there else _NOBODY)
        return record if is_there else None

    def put(self, credential: base.Credential) -> None:
        self._db.write(lambda on: _put(on, [credential]))

    def put_all(self, credentials: Sequence[base.Credential]) -> None:
        if credentials:
            self._db.write(lambda on: _put(on, credentials))

    def rename(self, credential: base.Credential, username: str) -> None:
        renamed = dataclasses.replace(credential, username=username)
        self._db.write(lambda on: _rename(on, renamed))

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        return self.reseal_all([(user_id, old, new)]) > 0

    def reseal_all(self, changes: Sequence[tuple[str, bytes, bytes]]) -> int:
        names = ('of_user', 'old', 'new')
        rows = [dict(zip(names, change, strict=True)) for change in changes]
        return self._db.write(
            lambda on: int(on.execute(_RESEAL, rows).rowcount)
        )

    def delete(self, user_id: str) -> bool:
        order = sa.delete(CREDENTIAL).where(_COLUMNS.user_id == user_id)
        return self._db.write(lambda on: on.execute(order).rowcount > 0)

    def page(self, after: str, limit: int) -> list[base.Credential]:
        question = (
            sa.select(CREDENTIAL)
            .where(_COLUMNS.user_id > after)
            .order_by(_COLUMNS.user_id)
            .limit(limit)
        )
        rows = self._db.read(lambda on: on.execute(question).all())
        return [_to_record(row) for row in rows]

    def check(self) -> None:
        migrate.check(self._db)


_OF_USER = sa.select(CREDENTIAL).where(
    _COLUMNS.user_id == sa.bindparam('of_user')
)
# Always one row, of nothing where there is none of this name. Two may hold a
# name that two servers wrote at the same moment.
_OF_NAME = (
    sa.select(CREDENTIAL)
    .select_from(
        sa.select(sa.literal(1).label('always'))
        .subquery()
        .outerjoin(
            CREDENTIAL,
            sa.and_(
                _COLUMNS.domain_id == sa.bindparam('of_domain'),
                _COLUMNS.username == sa.bindparam('name'),
            ),
        )
    )
    .order_by(_COLUMNS.updated_at.desc())
    .limit(1)
)
_NOBODY = base.Credential(
    user_id='',
    domain_id='',
    username=None,
    secret=bytes(64),
    created_at=datetime.datetime.min,
    updated_at=datetime.datetime.min,
)
_RENAME = (
    sa.update(CREDENTIAL)
    .where(
        _COLUMNS.user_id == sa.bindparam('of_user'),
        _COLUMNS.secret == sa.bindparam('unchanged'),
    )
    .values(username=sa.bindparam('name'))
)
_RESEAL = (
    sa.update(CREDENTIAL)
    .where(
        _COLUMNS.user_id == sa.bindparam('of_user'),
        _COLUMNS.secret == sa.bindparam('old'),
    )
    .values(secret=sa.bindparam('new'))
)
_TAKE_NAME_AWAY = (
    sa.update(CREDENTIAL)
    .where(
        _COLUMNS.domain_id == sa.bindparam('of_domain'),
        _COLUMNS.username == sa.bindparam('name'),
        _COLUMNS.user_id != sa.bindparam('new_holder'),
    )
    .values(username=None)
)


def _put(
    connection: sa.Connection, credentials: Sequence[base.Credential]
) -> None:
    dialect = connection.dialect.name
    if dialect == 'postgresql':
        connection.execute(_wait_for_names(credentials))
    named = [_claim(credential) for credential in credentials]
    connection.execute(_TAKE_NAME_AWAY, named)
    rows = [_to_row(c) for c in _as_after_the_last(credentials)]
    connection.execute(_upsert(dialect), rows)


def _rename(connection: sa.Connection, renamed: base.Credential) -> None:
    if connection.dialect.name == 'postgresql':
        connection.execute(_wait_for_names([renamed]))
    values = {
        'of_user': renamed.user_id,
        'unchanged': renamed.secret,
        'name': renamed.username,
    }
    if connection.execute(_RENAME, values).rowcount:
        connection.execute(_TAKE_NAME_AWAY, _claim(renamed))


def _claim(credential: base.Credential) -> dict[str, Any]:
    return {
        'of_domain': credential.domain_id,
        'name': credential.username,
        'new_holder': credential.user_id,
    }


def _as_after_the_last(
    credentials: Sequence[base.Credential],
) -> list[base.Credential]:
    """Each user once, and each name with the last who claimed it."""
    holders = {(c.domain_id, c.username): c.user_id for c in credentials}
    last = {c.user_id: c for c in credentials}
    return [
        c
        if holders[c.domain_id, c.username] == c.user_id
        else dataclasses.replace(c, username=None)
        for c in last.values()
    ]


def _wait_for_names(
    credentials: Sequence[base.Credential],
) -> sa.Executable:
    """Let no other transaction write these names before this one ends.

    On PostgreSQL neither of two would see the row of the other; MariaDB
    locks the place in the index, and SQLite everything.
    """
    if len(credentials) > 1:
        return sa.text(f'LOCK {CREDENTIAL.name} IN SHARE ROW EXCLUSIVE MODE')
    (credential,) = credentials
    name = f'{credential.domain_id}\0{credential.username}'
    number = zlib.crc32(name.encode()) - 2**31
    return sa.select(sa.func.pg_advisory_xact_lock(_LOCK, number))


_LOCK = 7238124


@functools.cache
def _upsert(dialect: str) -> sa.Insert:
    if dialect == 'mysql':
        order = mysql.insert(CREDENTIAL)
        new = {name: order.inserted[name] for name in _CHANGED}
        return order.on_duplicate_key_update(new)
    kind = postgresql if dialect == 'postgresql' else sqlite
    insert = kind.insert(CREDENTIAL)
    made: sa.Insert = insert.on_conflict_do_update(
        index_elements=['user_id'],
        set_={name: insert.excluded[name] for name in _CHANGED},
    )
    return made


_CHANGED = ('domain_id', 'username', 'secret', 'updated_at')


def _to_row(credential: base.Credential) -> dict[str, Any]:
    return {
        'user_id': credential.user_id,
        'domain_id': credential.domain_id,
        'username': credential.username,
        'secret': credential.secret,
        'created_at': _naive(credential.created_at),
        'updated_at': _naive(credential.updated_at),
    }


def _to_record(row: Any) -> base.Credential:
    return base.Credential(
        user_id=row.user_id,
        domain_id=row.domain_id,
        username=row.username,
        secret=bytes(row.secret),
        created_at=row.created_at.replace(tzinfo=datetime.UTC),
        updated_at=row.updated_at.replace(tzinfo=datetime.UTC),
    )


def _naive(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.UTC).replace(tzinfo=None)
