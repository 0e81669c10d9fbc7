"""The API keys of users, in a table."""

import datetime
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
        return self._first(_COLUMNS.user_id == user_id)

    def find(self, domain_id: str, username: str) -> base.Credential | None:
        return self._first(
            _COLUMNS.domain_id == domain_id, _COLUMNS.username == username
        )

    def _first(self, *where: Any) -> base.Credential | None:
        # Two may hold a name that two servers wrote at the same moment.
        question = (
            sa.select(CREDENTIAL)
            .where(*where)
            .order_by(_COLUMNS.updated_at.desc())
            .limit(1)
        )
        row = self._db.read(lambda on: on.execute(question).first())
        return None if row is None else _to_record(row)

    def put(self, credential: base.Credential) -> None:
        row = _to_row(credential)
        take_name_away = (
            sa.update(CREDENTIAL)
            .where(
                _COLUMNS.domain_id == credential.domain_id,
                _COLUMNS.username == credential.username,
                _COLUMNS.user_id != credential.user_id,
            )
            .values(username=None)
        )

        def work(connection: sa.Connection) -> None:
            if connection.dialect.name == 'postgresql':
                connection.execute(_wait_for_name(credential))
            connection.execute(take_name_away)
            connection.execute(_upsert(connection.dialect.name, row))

        self._db.write(work)

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
        at, head = migrate.current(self._db), migrate.head()
        if at != head:
            raise base.Outage(
                f'[database] connection: the schema is at {at or "nothing"} '
                f'and keymw needs {head}: run "keymw-manage db sync"'
            )


def _wait_for_name(credential: base.Credential) -> sa.Select[Any]:
    """Let no other transaction write this name before this one ends.

    On PostgreSQL neither of two would see the row of the other; MariaDB
    locks the place in the index, and SQLite everything.
    """
    name = f'{credential.domain_id}\0{credential.username}'
    number = zlib.crc32(name.encode()) - 2**31
    return sa.select(sa.func.pg_advisory_xact_lock(_LOCK, number))


_LOCK = 7238124


def _upsert(dialect: str, row: dict[str, Any]) -> sa.Insert:
    changed = {k: v for k, v in row.items() if k not in _KEPT}
    if dialect == 'mysql':
        return (
            mysql.insert(CREDENTIAL)
            .values(row)
            .on_duplicate_key_update(changed)
        )
    kind = postgresql if dialect == 'postgresql' else sqlite
    made: sa.Insert = (
        kind.insert(CREDENTIAL)
        .values(row)
        .on_conflict_do_update(index_elements=['user_id'], set_=changed)
    )
    return made


_KEPT = ('user_id', 'created_at')


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
