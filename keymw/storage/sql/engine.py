"""The engine that [database] connection names, as oslo.db makes it."""

from typing import Any

from oslo_db.sqlalchemy import engines
import sqlalchemy as sa

from keymw.conf import ConfigError
from keymw.storage.sql import nodes

BUSY_TIMEOUT = 10_000  # milliseconds
# oslo.db begins a deferred transaction on SQLite unless this stands in the
# connection's info; it takes it out again at the end.
IMMEDIATE = 'immediate'

# The drivers we install; and oslo.db knows MariaDB by the name of MySQL.
_DRIVERS = {
    'mariadb': 'mysql+pymysql',
    'mariadb+pymysql': 'mysql+pymysql',
    'mysql': 'mysql+pymysql',
    'postgresql': 'postgresql+psycopg',
}
# How long a request waits for a server that does not answer, unless the URL
# says it: seconds, and milliseconds for tcp_user_timeout.
WAITS = {
    'mysql': {
        'connect_timeout': '5',
        'read_timeout': '10',
        'write_timeout': '10',
    },
    'postgresql': {'connect_timeout': '5', 'tcp_user_timeout': '10000'},
    'sqlite': {},
}
# What writes rely on, whatever the server does by itself: that MariaDB locks
# the place of a row that is not there yet, and that PostgreSQL sees what was
# committed while it waited.
_ISOLATION = {'mysql': 'REPEATABLE READ', 'postgresql': 'READ COMMITTED'}
# In some others the byte of a backslash may be half of a character, and what
# the driver takes for quoted is not.
_CHARSET = 'utf8mb4'


def url(text: str) -> sa.URL:
    """The URL of a database that keymw can use.

    :raises ConfigError: it is none, or its driver is not installed.
    """
    try:
        found = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise _refusal(
            'it is no URL such as sqlite:////var/lib/keymw/keymw.db'
        ) from None
    name = found.drivername
    found = found.set(drivername=_DRIVERS.get(name, name))
    if found.get_backend_name() not in WAITS:
        raise _refusal(
            'keymw keeps keys in SQLite, PostgreSQL, MariaDB and MySQL, not '
            f'in {found.get_backend_name()}'
        )
    _check_driver(found)
    return found


def _check_driver(url: sa.URL) -> None:
    try:
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise _refusal(
            f'it needs {error.name}, which is not installed'
        ) from None
    except sa.exc.NoSuchModuleError:
        raise _refusal(f'there is no driver {url.drivername}') from None


def _refusal(why: str) -> ConfigError:
    return ConfigError(f'[database] connection: {why}')


def make(
    url: sa.URL, options: dict[str, Any], *, patient: bool = False
) -> sa.Engine:
    """An engine by the options of [database]; a patient one waits long."""
    backend = url.get_backend_name()
    query: dict[str, Any] = {} if patient else dict(WAITS[backend])
    query |= url.query
    hosts: tuple[str, ...] = ()
    if backend == 'mysql':
        query['charset'] = _CHARSET
        hosts = query.pop('host', ())
    # No retries at start: an outage is answered, not waited for.
    engine: sa.Engine = engines.create_engine(
        url.set(query=query), max_retries=0, **options
    )
    # The text of a database error must not hold what was being written.
    engine.hide_parameters = True
    if hosts:
        sa.event.listen(engine, 'do_connect', nodes.Nodes(hosts).connect)
    if backend == 'sqlite':
        sa.event.listen(engine, 'connect', _set_up_sqlite)
        sa.event.listen(engine, 'begin', _begin_immediate)
    else:
        _isolate(engine, _ISOLATION[backend])
    return engine


def _isolate(engine: sa.Engine, level: Any) -> None:
    @sa.event.listens_for(engine, 'connect')
    def set_level(connection: Any, _record: object) -> None:
        engine.dialect.set_isolation_level(connection, level)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when
    # another wrote in between; an immediate one waits its turn.
    if connection.info['in_transaction'] == IMMEDIATE:
        connection.exec_driver_sql('BEGIN IMMEDIATE')
