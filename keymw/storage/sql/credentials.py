"""The API keys of users in a SQL table."""

import collections
from collections.abc import Sequence
import dataclasses
import datetime
import functools
from typing import Any
import zlib

from oslo_config import cfg
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import bulk
from keymw.storage.sql import changes
from keymw.storage.sql import database
from keymw.storage.sql import equal_reads
from keymw.storage.sql import migrate
from keymw.storage.sql import retired
from keymw.storage.sql import start
from keymw.storage.sql import tables
from keymw.storage.sql.prepared import Columns
from keymw.storage.sql.prepared import Plain
from keymw.storage.sql.prepared import Query
from keymw.storage.sql.prepared import Statements
from keymw.storage.sql.tables import CREDENTIAL

_COLUMNS = CREDENTIAL.c


class SqlCredentials(base.CredentialStore):
    """Credentials in SQLite, PostgreSQL, MariaDB or MySQL."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._db = database.Database(conf)

    def get(self, user_id: str) -> base.Credential | None:
        values = {'of_user': user_id}
        return self._one(equal_reads.of_user, values)

    def find(self, domain_id: str, username: str) -> base.Credential | None:
        values = {'of_domain': domain_id, 'name': username}
        return self._one(equal_reads.of_name, values)

    def _one(
        self, query: Query, values: dict[str, str]
    ) -> base.Credential | None:
        row = self._db.first(query, values)
        # Do the same work for an unknown user, so that timing does not reveal
        # which users have a key.
        record = _to_record(row)
        return record if row.user_id is not None else None

    def change(self, user_id: str) -> base.Change | None:
        return changes.of_user(self._db, user_id)

    def now(self) -> datetime.datetime:
        return self._db.read(_now)

    def put(
        self, credential: base.Credential, chain: str | None = None
    ) -> None:
        changes.write(self._db, chain, lambda on: _put_all(on, [credential]))

    def renew(
        self,
        former: base.Credential,
        renewed: base.Credential,
        chain: str | None,
    ) -> bool:
        return bool(
            changes.write(
                self._db, chain, lambda on: _renew(on, former, renewed)
            )
        )

    def put_all(self, credentials: Sequence[base.Credential]) -> None:
        if credentials:
            changes.write(self._db, None, lambda on: _put_all(on, credentials))

    def rename(self, credential: base.Credential, username: str) -> None:
        renamed = dataclasses.replace(credential, username=username)
        self._db.change(lambda on: _rename(on, renamed))

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        return self.reseal_all([(user_id, old, new)]) > 0

    def reseal_all(self, changed: Sequence[tuple[str, bytes, bytes]]) -> int:
        names = ('of_user', 'old', 'new')
        rows = [dict(zip(names, change, strict=True)) for change in changed]
        return self._db.write(lambda on: _reseal(on, rows))

    def delete(self, user_id: str, chain: str | None = None) -> bool:
        return bool(
            changes.write(self._db, chain, lambda on: _delete(on, user_id))
        )

    def page(self, after: str, limit: int) -> list[base.Credential]:
        question = (
            sa.select(CREDENTIAL)
            .where(_COLUMNS.user_id > after)
            .order_by(_COLUMNS.user_id)
            .limit(limit)
        )
        rows = self._db.read(lambda on: on.execute(question).all())
        return [_to_record(row) for row in rows]

    def count(self) -> int:
        return self._db.read(lambda on: int(on.execute(_COUNT).scalar_one()))

    def sealed_by(self) -> collections.Counter[bytes]:
        return self._db.read(lambda on: tables.sealed_by(on, _COLUMNS.secret))

    def forget_changes(self, before: datetime.datetime) -> int:
        return changes.forget(self._db, before)

    def retire(self, key_id: bytes) -> None:
        self._db.write(lambda on: retired.add(on, key_id))

    def check(self) -> None:
        migrate.check(self._db)

    def check_at_start(self) -> None:
        start.check(self._db)


_COUNT = sa.select(sa.func.count()).select_from(CREDENTIAL)


@functools.cache
def _rename_unchanged(_dialect: str) -> sa.Update:
    return (
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


@functools.cache
def _take_name_away(_dialect: str) -> sa.Update:
    return (
        sa.update(CREDENTIAL)
        .where(
            _COLUMNS.domain_id == sa.bindparam('of_domain'),
            _COLUMNS.username == sa.bindparam('name'),
            _COLUMNS.user_id != sa.bindparam('new_holder'),
        )
        .values(username=None)
    )


@functools.cache
def _by_index(_dialect: str) -> sa.TextClause:
    return sa.text('SET LOCAL enable_seqscan = off')


def _put_all(
    on: Statements, credentials: Sequence[base.Credential]
) -> list[str]:
    """Write credentials in order, and return the ids of their users."""
    retired.check(on, [c.secret for c in credentials])
    dialect = on.connection.dialect.name
    if dialect == 'postgresql':
        _wait_for_names(on, credentials)
        # A cached plan from a small table would scan the whole table for each
        # name, even after the table has grown.
        on.execute(_by_index, {})
    last = _as_after_the_last(credentials)
    if len(credentials) == 1:
        on.execute(_take_name_away, _claim(credentials[0]))
        on.execute(_upsert, _to_row(last[0]))
    elif bulk.is_known_to(on.connection):
        on.execute(bulk.take_names, bulk.claims(credentials))
        on.execute(_upsert_all, bulk.whole(last))
    else:
        if dialect == 'sqlite':
            bulk.make_room(on.connection)
        on.execute_each(_take_name_away, _claims(credentials))
        on.execute_each(_upsert, _to_columns(last))
    return [c.user_id for c in last]


def _renew(
    on: Statements, former: base.Credential, renewed: base.Credential
) -> list[str]:
    retired.check(on, [renewed.secret])
    values = {
        'of_user': former.user_id,
        'name': former.username,
        'former': former.secret,
        'new': renewed.secret,
        'at': _to_row(renewed)['updated_at'],
    }
    return [former.user_id] if on.execute(_renew_unchanged, values) else []


@functools.cache
def _renew_unchanged(_dialect: str) -> sa.Update:
    return (
        sa.update(CREDENTIAL)
        .where(
            _COLUMNS.user_id == sa.bindparam('of_user'),
            _COLUMNS.username == sa.bindparam('name'),
            _COLUMNS.secret == sa.bindparam('former'),
        )
        .values(
            secret=sa.bindparam('new'),
            updated_at=sa.bindparam('at', type_=_COLUMNS.updated_at.type),
        )
    )


def _delete(on: Statements, user_id: str) -> list[str]:
    return [user_id] if on.execute(_remove, {'of_user': user_id}) else []


@functools.cache
def _remove(_dialect: str) -> sa.Delete:
    of_user: sa.BindParameter[str] = sa.bindparam('of_user')
    return sa.delete(CREDENTIAL).where(_COLUMNS.user_id == of_user)


def _now(connection: sa.Connection) -> datetime.datetime:
    question = sa.select(tables.now(connection.dialect.name))
    return connection.execute(question).scalar_one()


def _reseal(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
    retired.check(Plain(connection), [row['new'] for row in rows])
    return int(connection.execute(_RESEAL, rows).rowcount)


def _rename(on: Statements, renamed: base.Credential) -> None:
    if on.connection.dialect.name == 'postgresql':
        _wait_for_names(on, [renamed])
    values = {
        'of_user': renamed.user_id,
        'unchanged': renamed.secret,
        'name': renamed.username,
    }
    if on.execute(_rename_unchanged, values):
        on.execute(_take_name_away, _claim(renamed))


def _claim(credential: base.Credential) -> dict[str, Any]:
    return {
        'of_domain': credential.domain_id,
        'name': credential.username,
        'new_holder': credential.user_id,
    }


def _claims(credentials: Sequence[base.Credential]) -> Columns:
    return {
        'of_domain': [c.domain_id for c in credentials],
        'name': [c.username for c in credentials],
        'new_holder': [c.user_id for c in credentials],
    }


def _as_after_the_last(
    credentials: Sequence[base.Credential],
) -> list[base.Credential]:
    """Return the last credential per user; only the last keeps a name."""
    holders = {(c.domain_id, c.username): c.user_id for c in credentials}
    last = {c.user_id: c for c in credentials}
    return [
        c
        if holders[c.domain_id, c.username] == c.user_id
        else dataclasses.replace(c, username=None)
        for c in last.values()
    ]


def _wait_for_names(
    on: Statements, credentials: Sequence[base.Credential]
) -> None:
    """Lock these names until the commit.

    Only PostgreSQL needs it: there two transactions do not see each other's
    new rows. MariaDB locks the gap in the index, SQLite the whole database.
    """
    if len(credentials) > 1:
        on.execute(_lock_all, {})
        return
    (credential,) = credentials
    name = f'{credential.domain_id}\0{credential.username}'
    on.first(_lock, {'number': zlib.crc32(name.encode()) - 2**31})


_LOCK = 7238124


@functools.cache
def _lock_all(_dialect: str) -> sa.TextClause:
    return sa.text(f'LOCK {CREDENTIAL.name} IN SHARE ROW EXCLUSIVE MODE')


@functools.cache
def _lock(_dialect: str) -> sa.Select[Any]:
    number = sa.bindparam('number', type_=sa.Integer)
    locked = sa.func.pg_advisory_xact_lock(_LOCK, number)
    return sa.select(locked.label('locked'))


@functools.cache
def _upsert(dialect: str) -> sa.Insert:
    return tables.upsert(dialect, CREDENTIAL, _CHANGED)


@functools.cache
def _upsert_all(dialect: str) -> sa.Insert:
    return bulk.upsert(dialect, _CHANGED)


_CHANGED = ('domain_id', 'username', 'secret', 'updated_at')


def _to_row(credential: base.Credential) -> dict[str, Any]:
    columns = _to_columns([credential])
    return {name: values[0] for name, values in columns.items()}


def _to_columns(credentials: Sequence[base.Credential]) -> Columns:
    naive = bulk.naive(credentials)
    return {
        'user_id': [c.user_id for c in credentials],
        'domain_id': [c.domain_id for c in credentials],
        'username': [c.username for c in credentials],
        'secret': [c.secret for c in credentials],
        'created_at': [naive[c.created_at] for c in credentials],
        'updated_at': [naive[c.updated_at] for c in credentials],
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
