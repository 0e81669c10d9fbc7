"""Counters that all processes share, in memcached or Redis."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import importlib
import os
import threading
from typing import Any

import limits
from limits.storage import storage_from_string

from keymw.conf import ConfigError
from keymw.storage.base import Outage

_WAIT = 2.0  # seconds for a store that does not answer
_MEMCACHED = {'connect_timeout': _WAIT, 'timeout': _WAIT, 'no_delay': True}
_REDIS = {'socket_connect_timeout': _WAIT, 'socket_timeout': _WAIT}
# The client library and its options, by URI scheme.
_STORES: dict[str, tuple[str, dict[str, Any]]] = {
    'memcached': ('pymemcache', _MEMCACHED),
    'redis': ('redis', _REDIS),
    'rediss': ('redis', _REDIS),
    'redis+unix': ('redis', _REDIS),
}
# TypeError: the client does not know an option of the URI.
_FAILURES = (limits.errors.StorageError, OSError, ValueError, TypeError)


class SharedCounters:
    """Counters by key, each with an end. The first call connects.

    A failed call is repeated once, so an increment may count twice. Each
    method raises Outage if the store cannot answer.
    """

    def __init__(
        self, option: str, uri: str, others: Sequence[str] = ()
    ) -> None:
        """option has the URI; others are its values that are no URI.

        :raises ConfigError: the URI is not usable, or a client library is
            not installed; the message names it.
        """
        self._option = option
        self._uri = uri
        self._others = others
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._store = self._unconnected()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter and return it; a new one ends in expiry seconds."""
        found: int = self._ask('incr', key, expiry, amount)
        return found

    def get(self, key: str) -> int:
        """Return a counter; 0 if it has ended or never began."""
        found: int = self._ask('get', key)
        return found

    def get_expiry(self, key: str) -> float:
        """Return the end of a counter, in seconds since the epoch."""
        found: float = self._ask('get_expiry', key)
        return found

    def clear(self, key: str) -> None:
        """End a counter now."""
        self._ask('clear', key)

    def _ask(self, method: str, *about: str | int) -> Any:
        question: Callable[..., Any] = getattr(self._of_process(), method)
        with self._outages():
            try:
                return question(*about)
            except _FAILURES:
                # An idle connection may be closed; the retry opens a new one.
                return question(*about)

    @contextlib.contextmanager
    def _outages(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise Outage(f'{self._option}: {error}') from error

    def _of_process(self) -> Any:
        # Two processes must not share a connection.
        with self._lock:
            if self._pid != os.getpid():
                self._store = self._unconnected()
                self._pid = os.getpid()
            return self._store

    def _unconnected(self) -> Any:
        """Return the store of the URI; its first call connects it."""
        scheme, _, place = self._uri.partition('://')
        if scheme not in _STORES:
            allowed = ', '.join((*self._others, 'memcached'))
            raise self._refusal(f'it is not {allowed} or Redis')
        # Of several servers, one that fails would lose its share of the keys.
        if scheme == 'memcached' and (not place or ',' in place):
            raise self._refusal('it names not one memcached')
        library, options = _STORES[scheme]
        self._check_installed(library)
        try:
            return storage_from_string(
                self._uri, wrap_exceptions=True, **options
            )
        except (limits.errors.ConfigurationError, ValueError):
            # The message of the library may hold the password of the URI.
            raise self._refusal(
                'it is no URL such as redis://host:6379'
            ) from None

    def _check_installed(self, library: str) -> None:
        try:
            importlib.import_module(library)
        except ImportError as error:
            extra = 'redis' if library == 'redis' else 'memcached'
            raise self._refusal(
                f'it needs {error.name}, which is not installed: '
                f"pip install 'keymw[{extra}]'"
            ) from None

    def _refusal(self, why: str) -> ConfigError:
        return ConfigError(f'{self._option}: {why}')
