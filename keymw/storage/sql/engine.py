"""Make the SQLAlchemy engine for [database] connection with oslo.db."""

import os
from typing import Any

from oslo_db.sqlalchemy import engines
from oslo_db.sqlalchemy import exc_filters
import sqlalchemy as sa

from keymw.conf import ConfigError
from keymw.storage.sql import nodes

BUSY_TIMEOUT = 10_000  # milliseconds

# The drivers that the extras install. oslo.db knows MariaDB as MySQL.
_DRIVERS = {
    'mariadb': 'mysql+pymysql',
    'mariadb+pymysql': 'mysql+pymysql',
    'mysql': 'mysql+pymysql',
    'postgresql': 'postgresql+psycopg',
}
# The extra of keymw that installs a missing driver.
_EXTRAS = {'pymysql': 'mysql', 'psycopg': 'postgresql'}
_TLS_FILES = {
    *('ssl_ca', 'ssl_capath', 'ssl_cert', 'ssl_key'),
    *('sslrootcert', 'sslcert', 'sslkey', 'sslcrl'),
}
# The time limits of a request, unless the URL sets them: in seconds, but
# tcp_user_timeout in milliseconds.
WAITS = {
    'mysql': {
        'connect_timeout': '5',
        'read_timeout': '10',
        'write_timeout': '10',
    },
    'postgresql': {'connect_timeout': '5', 'tcp_user_timeout': '10000'},
    'sqlite': {},
}
# The isolation levels that writes rely on, whatever the server's default:
# MariaDB must lock the gap of a row that does not exist yet, and PostgreSQL
# must see rows that were committed while it waited.
_ISOLATION = {'mysql': 'REPEATABLE READ', 'postgresql': 'READ COMMITTED'}
# In some other character sets a backslash byte may be half of a character, so
# the quoting of the driver would not be safe.
_CHARSET = 'utf8mb4'


def url(text: str) -> sa.URL:
    """Return the URL of a supported database, with its driver.

    :raises ConfigError: the text is no such URL, or its driver is not
        installed.
    """
    found = parse(text)
    name = found.drivername
    found = found.set(drivername=_DRIVERS.get(name, name))
    if found.get_backend_name() not in WAITS:
        raise _refusal(
            'keymw keeps keys in SQLite, PostgreSQL, MariaDB and MySQL, not '
            f'in {found.get_backend_name()}'
        )
    _check_files(found)
    _check_driver(found)
    return found


def parse(text: str) -> sa.URL:
    """Return the parts of a URL of any database.

    :raises ConfigError: the text is no URL, or is probably misspelt.
    """
    try:
        found = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise _refusal(
            'it is no URL such as sqlite:////var/lib/keymw/keymw.db'
        ) from None
    if found.get_backend_name() == 'sqlite':
        _check_absolute(found.database)
    elif text.count('@') > 1:
        # The rest of the password would be taken for the host, and be shown.
        raise _refusal(
            'more than one @ is in it: write each but the one before the '
            'host as %40, in a password too'
        )
    return found


def _check_absolute(file: str | None) -> None:
    in_memory = file in (None, '', ':memory:')
    if not in_memory and not str(file).startswith(('/', 'file:')):
        raise _refusal(
            f'the path {file} is relative: an absolute one has four slashes, '
            f'sqlite:////{file}'
        )


def _check_files(url: sa.URL) -> None:
    """Name a missing TLS file, because drivers do not."""
    for name in _TLS_FILES & url.query.keys():
        for file in sa.util.to_list(url.query[name]):
            if file != 'system' and not os.access(file, os.R_OK):
                raise _refusal(
                    f'{name}: there is no file {file} that this user may read'
                )


def _check_driver(url: sa.URL) -> None:
    backend = url.get_backend_name()
    usual = f'write {_DRIVERS.get(backend, backend)}://'
    try:
        url.get_dialect().import_dbapi()
    except ImportError as error:
        extra = _EXTRAS.get(error.name or '')
        mend = f"pip install 'keymw[{extra}]'" if extra else usual
        raise _refusal(
            f'it needs {error.name}, which is not installed: {mend}'
        ) from None
    except sa.exc.NoSuchModuleError:
        raise _refusal(
            f'there is no driver {url.drivername}: {usual}'
        ) from None


def _refusal(why: str) -> ConfigError:
    return ConfigError(f'[database] connection: {why}')


def make(
    url: sa.URL, options: dict[str, Any], *, patient: bool = False
) -> sa.Engine:
    """Return an engine; a patient one has no short time limits."""
    backend = url.get_backend_name()
    if backend == 'sqlite':
        return _make_sqlite(url)
    query: dict[str, Any] = {} if patient else dict(WAITS[backend])
    query |= url.query
    hosts: tuple[str, ...] = ()
    if backend == 'mysql':
        query['charset'] = _CHARSET
        hosts = query.pop('host', ())
    # No retries at start: an outage is reported at once.
    engine: sa.Engine = engines.create_engine(
        url.set(query=query), max_retries=0, **options
    )
    # Error messages must not contain the values that were written.
    engine.hide_parameters = True
    if hosts:
        sa.event.listen(engine, 'do_connect', nodes.Nodes(hosts).connect)
    _isolate(engine, _ISOLATION[backend])
    return engine


def _make_sqlite(url: sa.URL) -> sa.Engine:
    """Return an engine that pools its connections; oslo.db's does not.

    Opening and preparing a connection takes several times as long as reading
    a key.
    """
    made = sa.create_engine(
        url, poolclass=sa.QueuePool, max_overflow=-1, hide_parameters=True
    )
    sa.event.listen(made, 'connect', _set_up_sqlite)
    sa.event.listen(made, 'checkout', _check_file)
    # Only the error filter: register_engine would also listen to each commit
    # and rollback, for savepoints, which are not used here.
    sa.event.listen(made, 'handle_error', exc_filters.handler, retval=True)
    return made


def _isolate(engine: sa.Engine, level: Any) -> None:
    @sa.event.listens_for(engine, 'connect')
    def set_level(connection: Any, _record: object) -> None:
        engine.dialect.set_isolation_level(connection, level)


def _set_up_sqlite(connection: Any, record: Any) -> None:
    # The driver must not begin transactions by itself.
    connection.isolation_level = None
    ((_number, _name, path),) = connection.execute('PRAGMA database_list')
    record.info['path'], record.info['file'] = path, _file(path)
    connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')


def _check_file(_connection: object, record: Any, _fairy: object) -> None:
    """Drop a connection if its file was replaced.

    Writes to a removed file would be lost.
    """
    if record.info['file'] != _file(record.info['path']):
        raise sa.exc.DisconnectionError()


def _file(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def begin_write(connection: sa.Connection) -> sa.RootTransaction:
    """Begin a transaction that will write.

    On SQLite a deferred transaction that reads and then writes fails at once
    if another one wrote in between. An immediate one waits for the lock.
    """
    transaction = connection.begin()
    if connection.dialect.name == 'sqlite':
        connection.exec_driver_sql('BEGIN IMMEDIATE')
    return transaction
