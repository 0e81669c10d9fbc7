"""One engine for each process, and the transactions on it."""

from collections.abc import Iterator
import contextlib
import os
import threading
from typing import Any

from oslo_config import cfg
from oslo_db import exception
from oslo_db.sqlalchemy import engines
import sqlalchemy as sa

from keymw.storage import base

BUSY_TIMEOUT = 10_000  # milliseconds
# oslo.db begins a deferred transaction on SQLite unless this stands in the
# connection's info; it takes it out again at the end.
_IMMEDIATE = 'immediate'


class Database:
    """Connections by the options of [database].

    The engine is made at the first question in each process, never before
    a server forks its workers: two processes must not share a connection.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options = dict(conf.database)
        self._url = options.pop('connection')
        self._options = options
        self._engine: sa.Engine | None = None
        self._pid = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection to read on.

        :raises Outage: the database cannot be reached or cannot answer.
        """
        with _outages(), self._of_this_process().connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction to write in, committed at the end.

        :raises Outage: the same; nothing was written.
        """
        with _outages(), self._of_this_process().connect() as connection:
            connection.info['in_transaction'] = _IMMEDIATE
            with connection.begin():
                yield connection

    def _of_this_process(self) -> sa.Engine:
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine = _make_engine(self._url, self._options)
                self._pid = os.getpid()
            return self._engine


@contextlib.contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (exception.DBError, sa.exc.SQLAlchemyError, ImportError) as error:
        raise base.Outage(
            f'[database] connection: {_first_line(error)}'
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0]


def _make_engine(url: str, options: dict[str, Any]) -> sa.Engine:
    # No retries at start: an outage is answered, not waited for.
    engine: sa.Engine = engines.create_engine(url, max_retries=0, **options)
    # The text of a database error must not hold what was being written.
    engine.hide_parameters = True
    if engine.dialect.name == 'sqlite':
        sa.event.listen(engine, 'connect', _set_up_sqlite)
        sa.event.listen(engine, 'begin', _begin_immediate)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.execute(f'PRAGMA busy_timeout = {BUSY_TIMEOUT}')
    connection.execute('PRAGMA journal_mode = WAL')
    connection.execute('PRAGMA synchronous = FULL')


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when
    # another wrote in between; an immediate one waits its turn.
    if connection.info['in_transaction'] == _IMMEDIATE:
        connection.exec_driver_sql('BEGIN IMMEDIATE')
