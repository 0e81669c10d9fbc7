"""The replay cache: no response to a challenge is accepted twice.

If entries were lost, nonces older than the oldest known entry are rejected
as stale, so none can be replayed. The client gets a new challenge.
Source: doc/contract/ops-manager-global-keys 3.4.
"""

import abc
from collections.abc import Callable
import dataclasses
import heapq
import logging
import os
import threading
import time

from oslo_config import cfg

from keymw.global_keys.digest import READS
from keymw.global_keys.digest import SKEW
from keymw.global_keys.digest import Nonce
from keymw.global_keys.digest import Refused
from keymw.global_keys.digest import Stale
from keymw.global_keys.digest import microseconds
from keymw.limits.counters import SharedCounters
from keymw.storage import load as storage_load
from keymw.storage.base import Outage
from keymw.storage.base import Taken
from keymw.storage.global_keys import UsedNonceStore

LOG = logging.getLogger(__name__)

LOCAL = 'memory://'
STORED = 'storage'
SIZE = 100_000
_OPTION = '[global_keys] replays'

_SINCE = 'keymw/digest/since'
# memcached takes no longer relative expiry.
_SINCE_LIFETIME = 30 * 24 * 60 * 60


class Replays(abc.ABC):
    """A cache of the uses of nonces that were accepted."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Prepare for nonces that are made from now on.

        :raises Outage: the cache is not available.
        """

    @abc.abstractmethod
    def remember(self, nonce: Nonce, count: int) -> None:
        """Record a use; return only for the first one. Any order is fine.

        count is the number of this use of the nonce.

        :raises Refused: this use is recorded already.
        :raises Stale: it may have been: the nonce is older than the cache.
        :raises Outage: the cache is not available; the use may have been
            recorded.
        """


class LocalReplays(Replays):
    """The uses that this process accepted, in its memory.

    A full cache drops the oldest nonces.
    """

    def __init__(
        self, size: int = SIZE, clock: Callable[[], float] = time.time
    ) -> None:
        self._size = size
        self._clock = clock
        self._forget_all()
        # A forked process does not know the uses that others accept.
        os.register_at_fork(after_in_child=self._forget_all)

    def _forget_all(self) -> None:
        self._lock = threading.Lock()
        self._since = microseconds(self._clock())
        self._uses: set[bytes] = set()
        self._by_age: list[bytes] = []

    def begin(self) -> None:
        """Do nothing: memory is always available."""

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
        # Nonces up to this one are stale from now on: a use may be lost.
        self._since = Nonce(use).made_at + 1


class SharedReplays(Replays):
    """The uses that all processes accepted, in memcached or Redis.

    A complete loss, as in a restart, is detected. The loss of single entries,
    or a return to old ones, is not. So the store must refuse writes when it is
    full (memcached -M, Redis with noeviction), and Redis must not start from
    an old snapshot.
    """

    def __init__(
        self, uri: str, lifetime: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Take the URI, and the lifetime of nonces in seconds.

        :raises ConfigError: the URI is not usable, or a client library is
            not installed; the message names it.
        """
        self._lifetime = lifetime + 2 * SKEW
        self._clock = clock
        self._store = SharedCounters(_OPTION, uri, (STORED, LOCAL))

    def begin(self) -> None:
        self._remembers_since()

    def remember(self, nonce: Nonce, count: int) -> None:
        use = f'keymw/digest/{nonce.id.hex()}/{count}'
        if self._store.incr(use, self._lifetime) != 1:
            raise _taken_before()
        # Read after the use was added, so that an earlier loss shows here.
        if nonce.made_at < self._remembers_since():
            raise _too_young()

    def _remembers_since(self) -> int:
        now = microseconds(self._clock())
        since = self._store.get(_SINCE) or self._store.incr(
            _SINCE, _SINCE_LIFETIME, now
        )
        # Two processes began at the same time, and both increments added up.
        if since > now + microseconds(SKEW):
            self._store.clear(_SINCE)
        return since


class StoredReplays(Replays):
    """The uses that all processes accepted, in the store of global keys.

    A restart loses no row, so a nonce made before this process began is valid.
    Only nonces are stale whose rows this process removed.
    """

    def __init__(
        self,
        store: UsedNonceStore,
        lifetime: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the store, and the lifetime of nonces in seconds."""
        self._store = store
        self._kept = microseconds(lifetime + 2 * SKEW)
        self._clock = clock
        self._removed = 0

    def begin(self) -> None:
        """Do nothing: a table needs no preparation."""

    def remember(self, nonce: Nonce, count: int) -> None:
        if nonce.made_at < self._removed:
            raise _too_young()
        try:
            self._store.add((nonce.id + count.to_bytes(4)).hex())
        except Taken:
            raise _taken_before() from None
        self._remove_old()

    def _remove_old(self) -> None:
        # One removal per lifetime of a nonce is enough.
        oldest = microseconds(self._clock()) - self._kept
        if oldest - self._removed < self._kept:
            return
        self._removed = oldest
        try:
            self._store.drop(oldest.to_bytes(8).hex())
        except Outage as error:
            # The use is recorded; the next removal takes the old rows too.
            LOG.warning('old uses of nonces are not removed: %s', error)


@dataclasses.dataclass(frozen=True)
class Memories:
    """The cache for reads and the one for writes.

    A replayed read returns its own response again. A replayed write could
    carry another body, so writes need the cache that all nodes share.
    """

    reads: Replays
    writes: Replays

    def begin(self) -> None:
        """Prepare both caches.

        :raises Outage: one of the two is not available.
        """
        self.reads.begin()
        if self.writes is not self.reads:
            self.writes.begin()

    def of(self, method: str) -> Replays:
        """Return the cache for a method."""
        return self.reads if method in READS else self.writes


def of(conf: cfg.ConfigOpts, clock: Callable[[], float]) -> Memories:
    """Return the caches that [global_keys] replays names.

    :raises ConfigError: see SharedReplays; or a driver is missing.
    """
    options = conf.global_keys
    if options.replays != STORED:
        one = load(options.replays, options.nonce_lifetime)
        return Memories(one, one)
    if conf.storage.global_keys == 'memory':
        # With this driver each process has global keys of its own.
        local = LocalReplays()
        return Memories(local, local)
    store = storage_load.used_nonces(conf)
    stored = StoredReplays(store, options.nonce_lifetime, clock)
    return Memories(LocalReplays(), stored)


def load(uri: str, lifetime: int) -> Replays:
    """Return the cache that a URI names: LOCAL, or a shared one.

    :raises ConfigError: see SharedReplays.
    """
    return LocalReplays() if uri == LOCAL else SharedReplays(uri, lifetime)


def _taken_before() -> Refused:
    return Refused('the same answer was taken before')


def _too_young() -> Stale:
    return Stale('the nonce is older than what is remembered')
