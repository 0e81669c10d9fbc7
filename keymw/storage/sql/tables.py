"""The tables; migrations/versions makes the same, and a test compares."""

import datetime
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite

METADATA = sa.MetaData()


class Exact(sa.TypeDecorator[str]):
    """Text of at most 255 characters that equals nothing but itself.

    It is sorted by code point. SQLite treats text that way. Elsewhere it is
    kept as its UTF-8 bytes: for text, MariaDB takes "bob " for "bob" at best
    and "BOB" for "bob" at worst, PostgreSQL refuses NUL, and both sort by the
    rules of a language unless the one who made the database thought of it.
    """

    impl = sa.String(255)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == 'sqlite':
            return self.impl
        if dialect.name == 'mysql':
            return mysql.VARBINARY(255 * 4)
        return sa.LargeBinary()

    def process_bind_param(
        self, value: str | None, dialect: sa.Dialect
    ) -> str | bytes | None:
        if value is None or dialect.name == 'sqlite':
            return value
        return value.encode()

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return bytes(value).decode()


class Names(sa.TypeDecorator[frozenset[str]]):
    """A set of names, as JSON in ASCII: a character set cannot harm it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(
        self, value: frozenset[str] | None, _dialect: sa.Dialect
    ) -> str:
        return json.dumps(sorted(value or ()))

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> frozenset[str]:
        return frozenset(json.loads(value))


class Moment(sa.TypeDecorator[datetime.datetime]):
    """An aware time, kept as that of UTC, to the microsecond."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return MOMENT.dialect_impl(dialect)

    def process_bind_param(
        self, value: datetime.datetime | None, _dialect: sa.Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        found: datetime.datetime = value.replace(tzinfo=datetime.UTC)
        return found


MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')

CREDENTIAL = sa.Table(
    'keymw_credential',
    METADATA,
    sa.Column('user_id', Exact, primary_key=True),
    sa.Column('domain_id', Exact, nullable=False),
    sa.Column('username', Exact),
    sa.Column('secret', sa.LargeBinary(1024), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('updated_at', MOMENT, nullable=False),
    sa.Index('keymw_credential_name', 'domain_id', 'username'),
    mysql_engine='InnoDB',
)

GLOBAL_KEY = sa.Table(
    'keymw_global_key',
    METADATA,
    sa.Column('id', Exact, primary_key=True),
    sa.Column('public_key', Exact, nullable=False),
    sa.Column('description', Exact, nullable=False),
    sa.Column('roles', Names, nullable=False),
    sa.Column('ha1', sa.LargeBinary(1024), nullable=False),
    sa.Column('suffix', Exact, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.UniqueConstraint('public_key', name='keymw_global_key_public_key'),
    mysql_engine='InnoDB',
)

ACCESS_LIST = sa.Table(
    'keymw_access_list',
    METADATA,
    sa.Column('id', Exact, primary_key=True),
    sa.Column('cidr_block', Exact, nullable=False),
    sa.Column('network', Exact, nullable=False),
    sa.Column('description', Exact, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.Column('last_used_at', Moment),
    sa.UniqueConstraint('network', name='keymw_access_list_network'),
    mysql_engine='InnoDB',
)

TURN = sa.Table(
    'keymw_turn',
    METADATA,
    sa.Column('name', Exact, primary_key=True),
    sa.Column('number', sa.BigInteger, nullable=False),
    mysql_engine='InnoDB',
)


def take_turn(connection: sa.Connection, table: sa.Table) -> None:
    """Let no other transaction take a turn at a table before this one ends.

    It comes first in a transaction, so that what is read afterwards holds
    until the end. The number is written because the nodes of a Galera cluster
    know nothing of each other's locks: of two transactions that write the
    same row one fails, and is run again.
    """
    row = {'name': table.name, 'number': 1}
    connection.execute(_next_turn(connection.dialect.name), row)


def _next_turn(dialect: str) -> sa.Insert:
    following = {'number': TURN.c.number + 1}
    if dialect == 'mysql':
        return mysql.insert(TURN).on_duplicate_key_update(following)
    kind = postgresql if dialect == 'postgresql' else sqlite
    made: sa.Insert = kind.insert(TURN).on_conflict_do_update(
        index_elements=['name'], set_=following
    )
    return made
