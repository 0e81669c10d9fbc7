"""Shared counters, with those of this process in an outage."""

from collections.abc import Callable
import logging
from typing import TypeVar

from limits.storage import Storage

from keymw.limits.counters import SharedCounters
from keymw.limits.table import Table
from keymw.storage.base import Outage

LOG = logging.getLogger(__name__)
Number = TypeVar('Number', int, float)

# Seconds without a new attempt, so that an outage does not slow each login.
PAUSE = 10


class Fallback(Storage):
    """Counters in memcached or Redis; in an outage those of a table.

    A limit must neither end with its cache nor refuse all users without it.
    """

    STORAGE_SCHEME = None

    def __init__(
        self,
        option: str,
        uri: str,
        table: Table,
        clock: Callable[[], float],
    ) -> None:
        """See SharedCounters.

        :raises ConfigError: the URI is not usable.
        """
        super().__init__()
        self._shared = SharedCounters(option, uri, ('memory://',))
        self._table = table
        self._clock = clock
        self._resume_at: float | None = None

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: the table answers in an outage."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter and return it; a new one ends in expiry seconds."""
        return self._ask(
            lambda: self._shared.incr(key, expiry, amount),
            lambda: self._table.incr(key, expiry, amount),
        )

    def get(self, key: str) -> int:
        """Return a counter; 0 if it has ended or never began."""
        return self._ask(
            lambda: self._shared.get(key), lambda: self._table.get(key)
        )

    def get_expiry(self, key: str) -> float:
        """Return the end of a counter, in seconds since the epoch."""
        return self._ask(
            lambda: self._shared.get_expiry(key),
            lambda: self._table.get_expiry(key),
        )

    def _ask(
        self, shared: Callable[[], Number], local: Callable[[], Number]
    ) -> Number:
        resume_at = self._resume_at
        if resume_at is not None and self._clock() < resume_at:
            return local()
        try:
            found = shared()
        except Outage as error:
            if resume_at is None:
                LOG.warning('%s: this worker counts alone', error)
            self._resume_at = self._clock() + PAUSE
            return local()
        if resume_at is not None:
            LOG.warning('the failures of all workers are counted again')
            self._resume_at = None
        return found

    def check(self) -> bool:
        """Whether the shared counters can answer."""
        try:
            self._shared.get('keymw/check')
        except Outage:
            return False
        return True

    def reset(self) -> int:
        """Drop the counters of this process; return their number."""
        return self._table.reset()

    def clear(self, key: str) -> None:
        """Drop a counter here; the shared one ends by itself."""
        self._table.clear(key)
