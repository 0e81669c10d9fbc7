"""Writes of many keys: one statement for all rows instead of one for each.

A server gets the rows as one text: base64 of JSON, an array of arrays with
bytes in base64. PyMySQL escapes any other text character by character. SQLite
has no server to send rows to, and some servers cannot read such a text: they
run the statements of one row.
"""

import base64
from collections.abc import Iterable
from collections.abc import Sequence
import datetime
import functools
from typing import Any

import msgspec
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import tables
from keymw.storage.sql.prepared import Values
from keymw.storage.sql.tables import CREDENTIAL
from keymw.storage.sql.tables import KEY_CHANGE

_CLAIM = ('user_id', 'domain_id', 'username')
_WHOLE = (*_CLAIM, 'secret', 'created_at', 'updated_at')
_CHANGE = ('user_id', 'chain')


def is_known_to(connection: sa.Connection) -> bool:
    """Whether the server of a connection takes many rows as one text."""
    dialect: Any = connection.dialect
    if dialect.name != 'mysql':
        return bool(dialect.name == 'postgresql')
    version = dialect.server_version_info or (0,)
    return bool(dialect.is_mariadb and version >= _FIRST_JSON_TABLE)


# Of MariaDB. MySQL has the function too, but no test runs on it.
_FIRST_JSON_TABLE = (10, 6)


def make_room(connection: sa.Connection) -> None:
    """Let a connection to SQLite keep and log more pages.

    Many keys change pages all over the indexes. With the room for one request
    each page is read and written many times.
    """
    connection.exec_driver_sql(f'PRAGMA cache_size = -{_ROOM // 1024}')
    connection.exec_driver_sql(f'PRAGMA wal_autocheckpoint = {_ROOM // _PAGE}')


_ROOM, _PAGE = 64 * 2**20, 4096  # bytes


def naive(
    credentials: Iterable[base.Credential],
) -> dict[datetime.datetime, datetime.datetime]:
    """Return the times of credentials, each in UTC without its zone.

    Most credentials of an import have the same two times.
    """
    moments = {c.created_at for c in credentials}
    moments.update(c.updated_at for c in credentials)
    return {
        m: m.astimezone(datetime.UTC).replace(tzinfo=None) for m in moments
    }


def claims(credentials: Iterable[base.Credential]) -> Values:
    """Return the parameters of take_names."""
    return _rows([_claim(c) for c in credentials])


def whole(credentials: Sequence[base.Credential]) -> Values:
    """Return the parameters of upsert."""
    of = naive(credentials)
    return _rows(
        [
            (*_claim(c), c.secret, of[c.created_at], of[c.updated_at])
            for c in credentials
        ]
    )


def changes(user_ids: Iterable[str], chain: str | None) -> Values:
    """Return the parameters of date."""
    octets = None if chain is None else chain.encode()
    return _rows([(user_id.encode(), octets) for user_id in user_ids])


def _claim(credential: base.Credential) -> tuple[bytes, bytes, bytes | None]:
    name = credential.username
    return (
        credential.user_id.encode(),
        credential.domain_id.encode(),
        None if name is None else name.encode(),
    )


def _rows(values: Sequence[tuple[Any, ...]]) -> Values:
    text = msgspec.json.encode(values)
    return {'rows': base64.b64encode(text).decode()}


@functools.cache
def take_names(dialect: str) -> sa.TextClause:
    """Remove each claimed name from other users.

    A join could be planned for a small table, and read a large one whole for
    each claim. This looks each claim up in the index.
    """
    columns = {name: _column(dialect, _CLAIM, name) for name in _CLAIM}
    given = _given(dialect, _CLAIM)
    return sa.text(_TAKE_NAMES[dialect].format(given=given, **columns))


_TAKE_NAMES = {
    'postgresql': (
        'UPDATE keymw_credential SET username = NULL WHERE ctid = ANY (ARRAY('
        'SELECT held.at FROM {given} CROSS JOIN LATERAL ('
        'SELECT ctid AS at FROM keymw_credential AS held'
        ' WHERE held.domain_id = {domain_id} AND held.username = {username}'
        ' AND held.user_id <> {user_id} OFFSET 0) AS held))'
    ),
    'mysql': (
        'UPDATE {given} STRAIGHT_JOIN keymw_credential AS held'
        ' FORCE INDEX (keymw_credential_name)'
        ' ON held.domain_id = {domain_id} AND held.username = {username}'
        ' AND held.user_id <> {user_id} SET held.username = NULL'
    ),
}


@functools.cache
def upsert(dialect: str, changed: tuple[str, ...]) -> sa.Insert:
    """Write credentials, or some columns of those there."""
    columns = _columns(dialect, _WHOLE)
    given = sa.text(_given(dialect, _WHOLE))
    made: sa.Select[Any] = sa.select(*columns).select_from(given)
    order = tables.upsert(dialect, CREDENTIAL, changed)
    return order.from_select(_WHOLE, made)


@functools.cache
def date(dialect: str, changed: tuple[str, ...]) -> sa.Insert:
    """Record changes of keys at the time of the server."""
    columns = (*_columns(dialect, _CHANGE), tables.now(dialect))
    given = sa.text(_given(dialect, _CHANGE))
    made: sa.Select[Any] = sa.select(*columns).select_from(given)
    order = tables.upsert(dialect, KEY_CHANGE, changed)
    return order.from_select((*_CHANGE, 'changed_at'), made)


def _given(dialect: str, names: Sequence[str]) -> str:
    """Return the SQL for the rows as a table named "given"."""
    text = _TEXT[dialect]
    if dialect == 'postgresql':
        return f'jsonb_array_elements(CAST({text} AS jsonb)) AS given (list)'
    columns = (f"{name} TEXT PATH '$[{n}]'" for n, name in enumerate(names))
    listed = ', '.join(columns)
    return f"JSON_TABLE({text}, '$[*]' COLUMNS ({listed})) AS given"


_TEXT = {
    'postgresql': "convert_from(decode(:rows, 'base64'), 'UTF8')",
    'mysql': 'CONVERT(FROM_BASE64(:rows) USING utf8mb4)',
}


def _columns(
    dialect: str, names: Sequence[str]
) -> list[sa.ColumnElement[Any]]:
    return [sa.literal_column(_column(dialect, names, name)) for name in names]


def _column(dialect: str, names: Sequence[str], name: str) -> str:
    """Return the SQL for a column of the rows."""
    is_time = name.endswith('_at')
    if dialect == 'mysql':
        text = f'given.{name}'
        return (
            f'CAST({text} AS DATETIME(6))'
            if is_time
            else f'FROM_BASE64({text})'
        )
    text = f'given.list ->> {names.index(name)}'
    return (
        f'CAST({text} AS timestamp)'
        if is_time
        else f"decode({text}, 'base64')"
    )
