"""One engine for each process, and the transactions on it."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import os
import threading
import time
from typing import TypeVar

from oslo_config import cfg
from oslo_db import api
from oslo_db import exception
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import engine

T = TypeVar('T')
Work = Callable[[sa.Connection], T]

PATIENCE = 10.0  # seconds
_SERIALIZATION_FAILURE = '40001'


class Database:
    """Transactions by the options of [database].

    The engine is made at the first question in each process, never before
    a server forks its workers: two processes must not share a connection.

    :raises ConfigError: [database] connection is none that we can use.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options = dict(conf.database)
        self._url = engine.url(options.pop('connection'))
        self._options = options
        self._engine: sa.Engine | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def read(self, work: Work[T]) -> T:
        """What work finds on a connection.

        work is run again when its connection broke or another transaction
        was in its way.

        :raises Outage: the database cannot be reached or cannot answer.
        """
        return _insist(lambda: self._read(work))

    def _read(self, work: Work[T]) -> T:
        with _connect(self._of_this_process) as connection, _until_commit():
            return work(connection)

    def write(self, work: Work[T]) -> T:
        """What work does in a transaction, committed; run again likewise.

        :raises Outage: the same, and nothing was written; where the answer
            to the commit was lost, nothing or all.
        """
        return _insist(lambda: self._write(work))

    def _write(self, work: Work[T]) -> T:
        with _connect(self._of_this_process) as connection:
            connection.info[engine.WRITES] = True
            with connection.begin(), _until_commit():
                return work(connection)

    def change_schema(self, work: Work[None]) -> None:
        """Do work once, in a transaction that may take its time.

        :raises Outage: the database cannot be reached or refuses it.
        """
        made = engine.make(self._url, self._options, patient=True)
        try:
            with _outages(), _connect(lambda: made) as connection:
                connection.info[engine.WRITES] = True
                with connection.begin():
                    work(connection)
        finally:
            # Kept open, a connection would keep the lock of MariaDB.
            made.dispose()

    def _of_this_process(self) -> sa.Engine:
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine = engine.make(self._url, self._options)
                self._pid = os.getpid()
            return self._engine


def _connect(make: Callable[[], sa.Engine]) -> sa.Connection:
    try:
        return make().connect()
    except Exception as error:  # a driver's opinion of the URL is anything
        raise _outage(error) from error


class _Broken(exception.DBConnectionError):  # type: ignore[misc]
    """The connection broke before the commit: nothing was written."""


@contextlib.contextmanager
def _until_commit() -> Iterator[None]:
    try:
        yield
    except exception.DBConnectionError as error:
        raise _Broken(error.inner_exception) from error


def _insist(attempt: Callable[[], T]) -> T:
    """Attempt again what failed for a passing reason, for a while."""
    deadline = time.monotonic() + PATIENCE
    again = api.wrap_db_retry(
        max_retries=100,
        retry_interval=0.01,
        max_retry_interval=0.5,
        jitter=True,
        exception_checker=lambda error: (
            _is_passing(error) and time.monotonic() < deadline
        ),
    )
    with _outages():
        done: T = again(attempt)()
    return done


def _is_passing(error: Exception) -> bool:
    """Whether nothing was written and another attempt may succeed."""
    if isinstance(error, sa.exc.DBAPIError):
        state = getattr(error.orig, 'sqlstate', None)
        return bool(state == _SERIALIZATION_FAILURE)
    # Galera says that another node was first in the words of a deadlock.
    return isinstance(error, (exception.DBDeadlock, _Broken))


@contextlib.contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (exception.DBError, sa.exc.SQLAlchemyError) as error:
        raise _outage(error) from error


def _outage(error: Exception) -> base.Outage:
    first_line = str(error).strip().partition('\n')[0]
    return base.Outage(f'[database] connection: {first_line}')
