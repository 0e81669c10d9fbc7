"""The tables; migrations/versions makes the same, and a test compares."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

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
