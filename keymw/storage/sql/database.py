"""One engine per process, and transactions on it."""

from collections.abc import Callable
from collections.abc import Mapping
import os
import threading
import time
from typing import Any
from typing import TypeVar

from oslo_config import cfg
from oslo_db import api
from oslo_db import exception
import sqlalchemy as sa

from keymw.storage import base
from keymw.storage.sql import engine
from keymw.storage.sql.prepared import Fast
from keymw.storage.sql.prepared import Order
from keymw.storage.sql.prepared import Plain
from keymw.storage.sql.prepared import Prepared
from keymw.storage.sql.prepared import Query
from keymw.storage.sql.prepared import Statements

T = TypeVar('T')
Work = Callable[[sa.Connection], T]

PATIENCE = 10.0  # seconds
_SERIALIZATION_FAILURE = '40001'


class Database:
    """Transactions with the options of [database].

    Each process makes its engine at the first query. Before a fork it must not
    be made: two processes cannot share a connection.

    :raises ConfigError: [database] connection is not usable.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options = dict(conf.database)
        self.url = engine.url(options.pop('connection'))
        self._is_postgresql = self.url.get_backend_name() == 'postgresql'
        self._options = options
        self._engine: sa.Engine | None = None
        self._prepared: dict[Order, Prepared] = {}
        self._pid = 0
        self._lock = threading.Lock()

    def first(self, query: Query, values: Mapping[str, Any]) -> Any:
        """The first row of a query, a named tuple; None if there is no row.

        The first attempt takes a connection as it is. If that fails, read()
        takes over: it tests its connection, and knows which errors pass.

        :raises Outage: as read().
        """
        try:
            return self._at_once(query, Prepared.first, values)
        except _Failed:
            return self.read(
                lambda on: on.execute(query(on.dialect.name), values).first()
            )

    def all(self, query: Query, values: Mapping[str, Any]) -> list[Any]:
        """All rows of a query, each a named tuple, read as by first().

        :raises Outage: as read().
        """
        try:
            return self._at_once(query, Prepared.all, values)
        except _Failed:
            return self.read(
                lambda on: [*on.execute(query(on.dialect.name), values)]
            )

    def _at_once(
        self,
        query: Query,
        fetch: Callable[[Prepared, Any, Mapping[str, Any]], T],
        values: Mapping[str, Any],
    ) -> T:
        made = self._of_this_process
        connection = _connect(lambda: made().raw_connection())
        try:
            self._begin_at_statements(connection, value=False)
            found = fetch(self._prepare(query), connection, values)
            self._begin_at_statements(connection, value=True)
        except BaseException as error:
            connection.invalidate()
            if not isinstance(error, made().dialect.loaded_dbapi.Error):
                raise
            raise _Failed from error
        connection.close()
        return found

    def _begin_at_statements(self, connection: Any, *, value: bool) -> None:
        """Set whether a statement begins a transaction.

        On PostgreSQL, BEGIN and ROLLBACK cost as much as a read each. Other
        drivers would send a statement to switch.
        """
        if self._is_postgresql:
            connection.driver_connection.autocommit = not value

    def _prepare(self, order: Order) -> Prepared:
        found = self._prepared.get(order)
        if found is None:
            found = Prepared(order, self._of_this_process().dialect)
            self._prepared[order] = found
        return found

    def read(self, work: Work[T]) -> T:
        """Call work with a connection and return its result.

        work is called again if its connection broke or another transaction
        conflicted with it.

        :raises Outage: the database cannot be reached or fails.
        """
        return _insist(lambda: self._read(work))

    def _read(self, work: Work[T]) -> T:
        with _connect(lambda: self._of_this_process().connect()) as connection:
            return _until_commit(work, connection)

    def write(self, work: Work[T]) -> T:
        """Call work in a transaction, commit, and return its result.

        work may be called again, as in read.

        :raises Outage: the database cannot be reached or fails. Nothing was
            written; if the response to the commit was lost, all or nothing.
        """
        return _insist(lambda: self._write(work))

    def _write(self, work: Work[T]) -> T:
        with (
            _connect(lambda: self._of_this_process().connect()) as connection,
            engine.begin_write(connection),
        ):
            return _until_commit(work, connection)

    def change(self, work: Callable[[Statements], T]) -> T:
        """Call work in a transaction, as write, with compiled statements.

        The first attempt runs them on the connection of the driver. If one
        fails, write() takes over: it knows which errors pass.

        :raises Outage: as write().
        """
        try:
            return self.write(lambda on: self._fast(on, work))
        except _Failed:
            return self.write(lambda on: work(Plain(on)))

    def _fast(
        self, connection: sa.Connection, work: Callable[[Statements], T]
    ) -> T:
        try:
            return work(Fast(connection, self._prepare))
        except connection.dialect.loaded_dbapi.Error as error:
            _roll_back(connection)
            raise _Failed from error

    def change_schema(self, work: Work[None]) -> None:
        """Call work once, in a transaction without a short time limit.

        :raises Outage: the database cannot be reached or refuses it.
        """
        made = engine.make(self.url, self._options, patient=True)
        try:
            with (
                _connect(made.connect) as connection,
                engine.begin_write(connection),
            ):
                work(connection)
        except _FAILURES as error:
            raise _outage(error) from error
        finally:
            # An open connection would keep holding the named lock of MariaDB.
            made.dispose()

    def close(self) -> None:
        """Close all connections; the next query opens a new one."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    def _of_this_process(self) -> sa.Engine:
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine = engine.make(self.url, self._options)
                self._pid = os.getpid()
            return self._engine


def _connect(connect: Callable[[], T]) -> T:
    try:
        return connect()
    except Exception as error:  # a driver's opinion of the URL is anything
        raise _outage(error) from error


class _Failed(Exception):  # noqa: N818, its cause is the error
    """The driver failed in the first attempt; nothing was written."""


class _Broken(exception.DBConnectionError):  # type: ignore[misc]
    """The connection broke before the commit; nothing was written."""


def _roll_back(connection: sa.Connection) -> None:
    """Roll back on the driver's connection, or drop it if it is broken."""
    try:
        connection.connection.rollback()
    except connection.dialect.loaded_dbapi.Error:
        connection.invalidate()


def _until_commit(work: Work[T], connection: sa.Connection) -> T:
    try:
        return work(connection)
    except exception.DBConnectionError as error:
        raise _Broken(error.inner_exception) from error


def _insist(attempt: Callable[[], T]) -> T:
    """Retry an attempt for up to PATIENCE seconds on passing failures."""
    try:
        return attempt()
    except _FAILURES as error:
        if not _is_passing(error):
            raise _outage(error) from error
    try:
        return _again(attempt)
    except _FAILURES as error:
        raise _outage(error) from error


def _again(attempt: Callable[[], T]) -> T:
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
    done: T = again(attempt)()
    return done


_FAILURES = (exception.DBError, sa.exc.SQLAlchemyError)


def _is_passing(error: Exception) -> bool:
    """Whether nothing was written and a retry may succeed."""
    if isinstance(error, sa.exc.DBAPIError):
        state = getattr(error.orig, 'sqlstate', None)
        return bool(state == _SERIALIZATION_FAILURE)
    # Galera reports a conflict with another node as a deadlock.
    return isinstance(error, (exception.DBDeadlock, _Broken))


def _outage(error: Exception) -> base.Outage:
    first_line = str(error).strip().partition('\n')[0]
    return base.Outage(f'[database] connection: {first_line}')
