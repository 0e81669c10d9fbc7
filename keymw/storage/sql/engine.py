"""The engine that [database] connection names, as oslo.db makes it."""

import os
from typing import Any

from oslo_db.sqlalchemy import engines
from oslo_db.sqlalchemy import exc_filters
import sqlalchemy as sa

from keymw.conf import ConfigError
from keymw.storage.sql import nodes

BUSY_TIMEOUT = 10_000  # milliseconds
# What stands in a connection's info when its next transaction will write.
WRITES = 'keymw.writes'

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
    if backend == 'sqlite':
        return _make_sqlite(url)
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
    _isolate(engine, _ISOLATION[backend])
    return engine


def _make_sqlite(url: sa.URL) -> sa.Engine:
    """An engine that keeps its connections: oslo.db opens one each time.

    To open one and set it up takes several times as long as to find a key.
    """
    made = sa.create_engine(
        url, poolclass=sa.QueuePool, max_overflow=-1, hide_parameters=True
    )
    sa.event.listen(made, 'connect', _set_up_sqlite)
    sa.event.listen(made, 'checkout', _check_file)
    sa.event.listen(made, 'begin', _begin_sqlite)
    exc_filters.register_engine(made)
    return made


def _isolate(engine: sa.Engine, level: Any) -> None:
    @sa.event.listens_for(engine, 'connect')
    def set_level(connection: Any, _record: object) -> None:
        engine.dialect.set_isolation_level(connection, level)


def _set_up_sqlite(connection: Any, record: Any) -> None:
    # No transaction but those that we begin.
    connection.isolation_level = None
    ((_number, _name, path),) = connection.execute('PRAGMA database_list')
    record.info['path'], record.info['file'] = path, _file(path)
    connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')


def _check_file(_connection: object, record: Any, _fairy: object) -> None:
    """Let go of a file that is no longer the one of this name.

    What is written to it would be gone with the connection.
    """
    if record.info['file'] != _file(record.info['path']):
        raise sa.exc.DisconnectionError()


def _file(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when
    # another wrote in between; an immediate one waits its turn. Each read
    # is one question, which needs none.
    if connection.info.pop(WRITES, False):
        connection.exec_driver_sql('BEGIN IMMEDIATE')
