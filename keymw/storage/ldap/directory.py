"""The directory: a pool of connections, renewed when they break."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import functools
import os
import threading
from typing import TypeVar

import ldap
import ldappool

from keymw.storage import base
from keymw.storage.ldap.connection import Connection
from keymw.storage.ldap.connection import outage
from keymw.storage.ldap.session import Session
from keymw.storage.ldap.settings import Settings

T = TypeVar('T')


class Directory:
    """The directory of [ldap].

    Each process connects at its first query, because two processes cannot
    share a connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[int, _Pool] = {}
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Session], T]) -> T:
        """Run a query and return its result; retry on a stale connection.

        :raises Outage: the directory cannot be reached, or refuses.
        """
        try:
            try:
                return self._ask(question)
            except ldap.SERVER_DOWN:
                # A restart of the server closes the connections of the pool.
                return self._ask(question)
        except ldap.LDAPError as error:
            raise outage(error) from error

    def _ask(self, question: Callable[[Session], T]) -> T:
        pool = self._of_this_process()
        try:
            with pool.session() as session:
                return question(session)
        except ldap.LDAPError:
            self._clear(pool)
            raise

    def _of_this_process(self) -> '_Pool':
        with self._lock:
            if os.getpid() not in self._pools:
                self._pools[os.getpid()] = _Pool(self._settings)
            return self._pools[os.getpid()]

    def _clear(self, pool: '_Pool') -> None:
        with self._lock:
            if self._pools.get(os.getpid()) is pool:
                del self._pools[os.getpid()]


class _Pool:
    """At most pool_size connections; a query waits for a free one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # ldappool itself gives up after three tenths of a second.
        self._free = threading.BoundedSemaphore(settings.pool_size)
        self._connections = ldappool.ConnectionManager(
            settings.urls[0],
            bind=settings.user,
            passwd=settings.password,
            size=settings.pool_size,
            retry_max=1,
            timeout=settings.operation_timeout,
            max_lifetime=settings.lifetime,
            connector_cls=functools.partial(Connection, settings),
        )

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session on a connection that no other thread uses.

        :raises Outage: no connection can be made, or none became free.
        """
        if not self._free.acquire(timeout=self._settings.operation_timeout):
            raise base.Outage('[ldap] pool_size: no connection came free')
        try:
            with self._connections.connection() as connection:
                connection.require()
                yield Session(connection, self._settings)
        finally:
            self._free.release()
