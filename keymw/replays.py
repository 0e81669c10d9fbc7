"""Right answers remembered, so that none is taken twice (contract, 3.4).

What a memory has forgotten it does not take for new: nonces from before it
reaches back to are stale, and the client is asked again.
"""

import abc
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import heapq
import importlib
import os
import threading
import time
from typing import Any

from keymw.conf import ConfigError
from keymw.digest import SKEW
from keymw.digest import Nonce
from keymw.digest import Refused
from keymw.digest import Stale
from keymw.digest import microseconds
from keymw.storage.base import Outage

LOCAL = 'memory://'
SIZE = 100_000
_OPTION = '[global_keys] replays'

_WAIT = 2.0  # seconds for a store that does not answer
_MEMCACHED = {'connect_timeout': _WAIT, 'timeout': _WAIT, 'no_delay': True}
_REDIS = {'socket_connect_timeout': _WAIT, 'socket_timeout': _WAIT}
# The client library of each kind of store, and its options.
_STORES: dict[str, tuple[str, dict[str, Any]]] = {
    'memcached': ('pymemcache', _MEMCACHED),
    'redis': ('redis', _REDIS),
    'rediss': ('redis', _REDIS),
    'redis+unix': ('redis', _REDIS),
}
_SINCE = 'keymw/digest/since'
# The longest that memcached takes for a time from now.
_SINCE_LIFETIME = 30 * 24 * 60 * 60


class Replays(abc.ABC):
    """The uses of nonces that were answered rightly."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Be ready for nonces that are made from now on.

        :raises Outage: the memory is not there.
        """

    @abc.abstractmethod
    def remember(self, nonce: Nonce, count: int) -> None:
        """Return once for each use of a nonce; the order is free.

        :raises Refused: there was this one before.
        :raises Stale: there may have been: the memory is younger.
        :raises Outage: the memory is not there; it was remembered or not.
        """


class LocalReplays(Replays):
    """Remembers what this process has answered, and nothing else.

    Where it is full it forgets the oldest nonces.
    """

    def __init__(
        self, size: int = SIZE, clock: Callable[[], float] = time.time
    ) -> None:
        self._size = size
        self._clock = clock
        self._forget_all()
        # One that is forked later does not know what others have answered.
        os.register_at_fork(after_in_child=self._forget_all)

    def _forget_all(self) -> None:
        self._lock = threading.Lock()
        self._since = microseconds(self._clock())
        self._uses: set[bytes] = set()
        self._by_age: list[bytes] = []

    def begin(self) -> None:
        """It is here from the start."""

    def remember(self, nonce: Nonce, count: int) -> None:
        use = nonce.id + count.to_bytes(4)
        with self._lock:
            if use in self._uses:
                raise _taken_before()
            if nonce.made_at < self._since:
                raise _too_young()
            self._uses.add(use)
            heapq.heappush(self._by_age, use)
            if len(self._by_age) > self._size:
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        use = heapq.heappop(self._by_age)
        self._uses.remove(use)
        # Whether its nonce was used is not known any more.
        self._since = Nonce(use).made_at + 1


class SharedReplays(Replays):
    """Remembers in memcached or Redis what all processes have answered.

    It is seen when the store has lost everything, as in a restart, but not
    when it drops single entries or comes back with old ones: it must refuse
    what it has no room for (memcached -M, Redis with noeviction), and Redis
    must not start with an old snapshot.
    """

    def __init__(
        self, uri: str, lifetime: int, clock: Callable[[], float] = time.time
    ) -> None:
        """lifetime is that of nonces, in seconds.

        :raises ConfigError: the uri is none that can be used, or a client
            library is not installed; the message names it.
        """
        self._uri = uri
        self._lifetime = lifetime + 2 * SKEW
        self._clock = clock
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._store = _unconnected(uri)

    def begin(self) -> None:
        self._remembers_since()

    def remember(self, nonce: Nonce, count: int) -> None:
        use = f'keymw/digest/{nonce.id.hex()}/{count}'
        if _ask(self._of_this_process().incr, use, self._lifetime) != 1:
            raise _taken_before()
        # Only now: what was lost before the use was added is seen here.
        if nonce.made_at < self._remembers_since():
            raise _too_young()

    def _remembers_since(self) -> int:
        store = self._of_this_process()
        now = microseconds(self._clock())
        since: int = _ask(store.get, _SINCE) or _ask(
            store.incr, _SINCE, _SINCE_LIFETIME, now
        )
        # Two have begun at the same moment, and their times add up.
        if since > now + microseconds(SKEW):
            _ask(store.clear, _SINCE)
        return since

    def _of_this_process(self) -> Any:
        # Two processes must not share a connection.
        with self._lock:
            if self._pid != os.getpid():
                self._store = _unconnected(self._uri)
                self._pid = os.getpid()
            return self._store


def load(uri: str, lifetime: int) -> Replays:
    """The memory that an option names: LOCAL, or a shared one.

    :raises ConfigError: as SharedReplays says.
    """
    return LocalReplays() if uri == LOCAL else SharedReplays(uri, lifetime)


def _unconnected(uri: str) -> Any:
    """The store of a URI; it connects when it is asked something."""
    scheme, _, place = uri.partition('://')
    if scheme not in _STORES:
        raise _refusal(f'it names no {LOCAL}, memcached or Redis')
    # One of several that goes away takes what it remembers with it.
    if scheme == 'memcached' and (not place or ',' in place):
        raise _refusal('it names not one memcached')
    library, options = _STORES[scheme]
    limits = _installed('limits', library)
    try:
        return limits.storage.storage_from_string(
            uri, wrap_exceptions=True, **options
        )
    except (limits.errors.ConfigurationError, ValueError):
        # What it says may hold the password of the URI.
        raise _refusal('it is no URL such as redis://host:6379') from None


def _installed(module: str, *others: str) -> Any:
    try:
        found, *_ = map(importlib.import_module, (module, *others))
    except ImportError as error:
        raise _refusal(
            f'it needs {error.name}, which is not installed'
        ) from None
    return found


def _refusal(why: str) -> ConfigError:
    return ConfigError(f'{_OPTION}: {why}')


def _ask(question: Callable[..., Any], *about: str | int) -> Any:
    """What a store answers; what is to be counted is, once or twice."""
    with _outages():
        try:
            return question(*about)
        except _failures():
            # A connection may have died unused; the next one is new.
            return question(*about)


@contextlib.contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except _failures() as error:
        raise Outage(f'{_OPTION}: {error}') from error


def _failures() -> tuple[type[Exception], ...]:
    # The last is for an option of the URI that the client does not know.
    return (
        _installed('limits').errors.StorageError,
        *(OSError, ValueError, TypeError),
    )


def _taken_before() -> Refused:
    return Refused('the same answer was taken before')


def _too_young() -> Stale:
    return Stale('the nonce is older than what is remembered')
