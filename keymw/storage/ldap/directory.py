"""Connections to the directory, and what is asked over one."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import functools
import os
import threading
from typing import Any
from typing import TypeVar

import ldap
from ldap import controls
from ldap import schema
import ldappool

from keymw.storage import base
from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.settings import Settings

T = TypeVar('T')

# What an error of the directory says of the options; else it is the url.
_BLAMED = {
    ldap.INVALID_CREDENTIALS: 'password',
    ldap.INVALID_DN_SYNTAX: 'user',
    ldap.INSUFFICIENT_ACCESS: 'user',
    ldap.NO_SUCH_OBJECT: 'user_tree_dn',
    ldap.UNDEFINED_TYPE: 'credential_objectclass',
    ldap.INVALID_SYNTAX: 'credential_objectclass',
    ldap.OBJECT_CLASS_VIOLATION: 'credential_objectclass',
    ldap.SIZELIMIT_EXCEEDED: 'user',
}


class Session:
    """What is asked over one connection."""

    def __init__(self, connection: Any, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    def search(self, wanted: str, attributes: list[str]) -> Iterator[Entry]:
        """The entries that pass a filter, read page by page."""
        page_size = self._settings.page_size
        page = controls.SimplePagedResultsControl(True, page_size, '')
        more = True
        while more:
            found, answered = self._search(
                wanted, attributes, [page] if page_size else []
            )
            yield from found
            page.cookie = next((c.cookie for c in answered), b'')
            more = bool(page.cookie)

    def _search(
        self, wanted: str, attributes: list[str], asked: list[Any]
    ) -> tuple[list[Entry], list[Any]]:
        number = self._connection.search_ext(
            self._settings.base,
            self._settings.scope,
            wanted,
            attributes,
            serverctrls=asked,
        )
        _kind, found, _number, answered = self._connection.result3(number)
        # What has no DN refers to another server.
        entries = [_entry(*pair) for pair in found if pair[0] is not None]
        return entries, [c for c in answered if _is_page(c)]

    def modify(self, dn: str, changes: list[Change]) -> None:
        """Make all the changes of an entry, or none."""
        self._connection.modify_ext_s(dn, changes)

    def schema(self) -> schema.SubSchema | None:
        """The schema of the directory, None where it is not shown."""
        dn = self._connection.search_subschemasubentry_s(self._settings.base)
        said = dn and self._connection.read_subschemasubentry_s(dn)
        return said and schema.SubSchema(said, check_uniqueness=0)


def _entry(dn: str, attributes: dict[str, list[bytes]]) -> Entry:
    return Entry(dn, {name.lower(): v for name, v in attributes.items()})


def _is_page(control: Any) -> bool:
    return isinstance(control, controls.SimplePagedResultsControl)


class Directory:
    """The directory of [ldap].

    Nothing connects before the first question in each process: two
    processes must not share a connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[int, _Pool] = {}
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Session], T]) -> T:
        """What a question answers, asked again where a connection was stale.

        :raises Outage: the directory cannot be reached, or refuses.
        """
        try:
            try:
                return self._ask(question)
            except ldap.SERVER_DOWN:
                # A server that restarts closes the connections kept here.
                return self._ask(question)
        except ldap.LDAPError as error:
            raise outage(error) from error

    def _ask(self, question: Callable[[Session], T]) -> T:
        pool = self._of_this_process()
        try:
            with pool.session() as session:
                return question(session)
        except ldap.LDAPError:
            self._forget(pool)
            raise

    def _of_this_process(self) -> '_Pool':
        with self._lock:
            if os.getpid() not in self._pools:
                self._pools[os.getpid()] = _Pool(self._settings)
            return self._pools[os.getpid()]

    def _forget(self, pool: '_Pool') -> None:
        with self._lock:
            if self._pools.get(os.getpid()) is pool:
                del self._pools[os.getpid()]


class _Pool:
    """At most pool_size connections; who finds none free waits for one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # ldappool itself fails in three tenths of a second.
        self._free = threading.BoundedSemaphore(settings.pool_size)
        self._connections = ldappool.ConnectionManager(
            'in the settings',
            bind=settings.user,
            passwd=settings.password,
            size=settings.pool_size,
            retry_max=1,
            timeout=settings.operation_timeout,
            max_lifetime=settings.lifetime,
            connector_cls=functools.partial(_Connection, settings),
        )

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session on a connection that nobody else has.

        :raises Outage: none can be made, or none came free.
        """
        if not self._free.acquire(timeout=self._settings.operation_timeout):
            raise base.Outage('[ldap] pool_size: no connection came free')
        try:
            with self._connections.connection() as connection:
                connection.require()
                yield Session(connection, self._settings)
        finally:
            self._free.release()


class _Connection(ldappool.StateConnector):  # type: ignore[misc]
    """A connection that fails plainly, set up apart from all others.

    Keystone may use the same libraries in this process: nothing global is
    set here.
    """

    # No binding and sending again behind our back.
    _reconnect_exceptions = ()

    def __init__(
        self, settings: Settings, _uri: object, **retries: Any
    ) -> None:
        super().__init__(settings.url, **retries)
        self._settings = settings
        self._failure: Exception | None = None

    def simple_bind_s(self, *args: Any, **kwargs: Any) -> None:
        """Set up and bind; a failure is kept until require().

        Raised here it would be logged with its traceback, by the pool.
        """
        try:
            for option, value in _options(self._settings):
                self.set_option(option, value)
            if self._settings.use_tls:
                self.start_tls_s()
            super().simple_bind_s(*args, **kwargs)
        except (ldap.LDAPError, ValueError) as error:
            self._failure = error

    def require(self) -> None:
        """Return when bound.

        :raises Outage: the connection could not be made; it says why.
        """
        if isinstance(self._failure, ValueError):
            raise base.Outage(
                '[ldap] tls_cacertfile: TLS cannot be set up with it'
            )
        if self._failure is not None:
            raise outage(self._failure) from self._failure


def _options(settings: Settings) -> Iterator[tuple[int, Any]]:
    yield ldap.OPT_REFERRALS, ldap.OPT_OFF
    yield ldap.OPT_NETWORK_TIMEOUT, settings.connection_timeout
    yield ldap.OPT_TIMEOUT, settings.operation_timeout
    yield ldap.OPT_X_TLS_REQUIRE_CERT, settings.check
    if settings.ca_file is not None:
        yield ldap.OPT_X_TLS_CACERTFILE, settings.ca_file
    # Last: it makes what was set above hold for this connection.
    yield ldap.OPT_X_TLS_NEWCTX, 0


def outage(error: Exception) -> base.Outage:
    """The one line that an error of the directory comes to."""
    said = error.args[0] if error.args else {}
    parts = [said.get('desc', type(error).__name__), said.get('info')]
    why = ': '.join(part.strip() for part in parts if part)
    return base.Outage(f'[ldap] {_BLAMED.get(type(error), "url")}: {why}')
