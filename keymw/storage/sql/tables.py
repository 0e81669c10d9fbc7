"""The tables. A test compares them with those of the migrations."""

import collections
from collections.abc import Sequence
import datetime
import importlib
import json
from typing import Any

import sqlalchemy as sa

from keymw import vault

METADATA = sa.MetaData()


def module_of(dialect: str) -> Any:
    """Return the module of a dialect, which the engine has loaded already.

    That of PostgreSQL alone takes a quarter of the start of keymw.
    """
    return importlib.import_module(f'sqlalchemy.dialects.{dialect}')


class Exact(sa.TypeDecorator[str]):
    """Text of at most 255 characters with exact comparison.

    It sorts by code point. SQLite compares text in this way. The others store
    the UTF-8 bytes: for text, MariaDB ignores trailing spaces and often case,
    PostgreSQL refuses NUL, and both sort by the collation of the database.
    """

    impl = sa.String(255)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == 'sqlite':
            return self.impl
        if dialect.name == 'mysql':
            return sa.VARBINARY(255 * 4)
        return sa.LargeBinary()

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        # SQLite takes and gives text as it is.
        if dialect.name == 'sqlite':
            return None
        return super().bind_processor(dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> Any:
        if dialect.name == 'sqlite':
            return None
        return super().result_processor(dialect, coltype)

    def process_bind_param(
        self, value: str | None, _dialect: sa.Dialect
    ) -> bytes | None:
        return None if value is None else value.encode()

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return bytes(value).decode()


class Names(sa.TypeDecorator[frozenset[str]]):
    """A set of names, as ASCII JSON, which every character set preserves."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(
        self, value: frozenset[str] | None, _dialect: sa.Dialect
    ) -> str:
        return json.dumps(sorted(value or ()))

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> frozenset[str]:
        try:
            return frozenset(map(str, json.loads(value)))
        except (TypeError, ValueError):
            # The row was changed in the database. The others stay readable.
            return frozenset()


class Texts(sa.TypeDecorator[tuple[str, ...]]):
    """Texts in order, or none at all, as ASCII JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(
        self, value: tuple[str, ...] | None, _dialect: sa.Dialect
    ) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(
        self, value: Any, _dialect: sa.Dialect
    ) -> tuple[str, ...] | None:
        if value is None:
            return None
        try:
            return tuple(map(str, json.loads(value)))
        except (TypeError, ValueError):
            # The row was changed in the database. The others stay readable.
            return ()


class Naive(sa.TypeDecorator[datetime.datetime]):
    """A time without a zone, stored with microseconds."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == 'mysql':
            return module_of(dialect.name).DATETIME(fsp=6)
        return self.impl


class Moment(Naive):
    """An aware time, stored in UTC with microseconds."""

    cache_ok = True

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


MOMENT = Naive()

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

KEY_CHANGE = sa.Table(
    'keymw_key_change',
    METADATA,
    sa.Column('user_id', Exact, primary_key=True),
    sa.Column('changed_at', Moment, nullable=False),
    sa.Column('chain', Exact),
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
    sa.Column('seal', sa.LargeBinary(1024)),
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
    sa.Column('seal', sa.LargeBinary(1024)),
    sa.UniqueConstraint('network', name='keymw_access_list_network'),
    mysql_engine='InnoDB',
)

API_KEY = sa.Table(
    'keymw_api_key',
    METADATA,
    sa.Column('id', Exact, primary_key=True),
    sa.Column('user_id', Exact, nullable=False),
    sa.Column('name', Exact, nullable=False),
    # The name, or NULL in a deleted row, which does not keep its name.
    sa.Column('taken_name', Exact),
    sa.Column('description', Exact, nullable=False),
    sa.Column('project_id', Exact),
    sa.Column('roles', Names, nullable=False),
    sa.Column('unrestricted', sa.Boolean, nullable=False),
    sa.Column('state', Exact, nullable=False),
    sa.Column('enabled', sa.Boolean, nullable=False),
    sa.Column('disabled_by', Exact),
    sa.Column('expires_at', Moment),
    sa.Column('allowed_cidrs', Texts),
    sa.Column('secret', sa.LargeBinary(1024), nullable=False),
    sa.Column('previous_secret', sa.LargeBinary(1024)),
    sa.Column('previous_expires_at', Moment),
    sa.Column('previous_last_used_at', Moment),
    sa.Column('trust_id', Exact),
    sa.Column('trustee_id', Exact),
    sa.Column('trust_expires_at', Moment),
    sa.Column('former_trust_id', Exact),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.Column('rotated_at', Moment),
    sa.Column('last_used_at', Moment),
    sa.Column('last_used_from', Exact),
    sa.Column('seal', sa.LargeBinary(1024)),
    sa.Column('revision', sa.BigInteger, nullable=False),
    sa.UniqueConstraint('user_id', 'taken_name', name='keymw_api_key_name'),
    # Counts by state read nothing but this index.
    sa.Index('keymw_api_key_state', 'state', 'enabled', 'expires_at'),
    mysql_engine='InnoDB',
)

USED_NONCE = sa.Table(
    'keymw_used_nonce',
    METADATA,
    sa.Column('nonce', Exact, primary_key=True),
    mysql_engine='InnoDB',
)

TURN = sa.Table(
    'keymw_turn',
    METADATA,
    sa.Column('name', Exact, primary_key=True),
    sa.Column('number', sa.BigInteger, nullable=False),
    mysql_engine='InnoDB',
)


def sealed_by(
    connection: sa.Connection, column: sa.Column[bytes]
) -> collections.Counter[bytes]:
    """Return the number of values of a column by id of the sealing key."""
    # As parameters they would be different expressions for GROUP BY.
    first = sa.literal_column('1', sa.Integer)
    length = sa.literal_column(str(vault.ID_BYTES), sa.Integer)
    key_id = sa.func.substr(column, first, length, type_=sa.LargeBinary)
    question = (
        sa.select(key_id, sa.func.count())
        .where(column.is_not(None))
        .group_by(key_id)
    )
    found = connection.execute(question)
    return collections.Counter({bytes(id_): count for id_, count in found})


def take_turn(connection: sa.Connection, table: sa.Table) -> None:
    """Lock a table against other transactions that call this function.

    Call it first in a transaction, so that later reads hold until its end. It
    increments a number because the nodes of a Galera cluster do not share
    locks: of two transactions that write the same row one fails, and is run
    again.
    """
    take_turn_of(connection, table.name)


def take_turn_of(connection: sa.Connection, name: str) -> None:
    """Do take_turn for a name that stands for a part of a table."""
    row = {'name': name, 'number': 1}
    connection.execute(_next_turn(connection.dialect.name), row)


def _next_turn(dialect: str) -> sa.Insert:
    following = {'number': TURN.c.number + 1}
    insert = module_of(dialect).insert(TURN)
    made: sa.Insert
    if dialect == 'mysql':
        made = insert.on_duplicate_key_update(following)
    else:
        made = insert.on_conflict_do_update(
            index_elements=['name'], set_=following
        )
    return made


def upsert(dialect: str, table: sa.Table, changed: Sequence[str]) -> sa.Insert:
    """Return an insert that changes columns of a user's row if it exists."""
    insert = module_of(dialect).insert(table)
    made: sa.Insert
    if dialect == 'mysql':
        new = {name: insert.inserted[name] for name in changed}
        made = insert.on_duplicate_key_update(new)
    else:
        new = {name: insert.excluded[name] for name in changed}
        made = insert.on_conflict_do_update(
            index_elements=['user_id'], set_=new
        )
    return made


def now(dialect: str) -> sa.ColumnElement[datetime.datetime]:
    """Return the SQL for the time of the server at this statement.

    For SQLite that is the time of this machine.
    """
    if dialect == 'mysql':
        return sa.func.utc_timestamp(6, type_=Moment)
    if dialect == 'postgresql':
        # now() is the start of the transaction, before it waited for locks.
        return sa.func.timezone('UTC', sa.func.clock_timestamp(), type_=Moment)
    to_milliseconds = sa.func.strftime('%Y-%m-%d %H:%M:%f', 'now')
    return sa.type_coerce(to_milliseconds.concat('000'), Moment)
