"""Counters in the memory of this process, bounded in number."""

import collections
from collections.abc import Callable
import threading
import time

from limits.storage import Storage

SIZE = 50_000


class Table(Storage):
    """At most size counters. A full table drops the one that began first.

    All counters last equally long, so they end in the order of their start.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, size: int = SIZE, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        # A dict would search for its first key past all that were dropped.
        self._rows: collections.OrderedDict[str, tuple[int, float]] = (
            collections.OrderedDict()
        )

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: memory is always available."""
        return ()

    def __len__(self) -> int:
        """The number of counters that are kept."""
        return len(self._rows)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter and return it; a new one ends in expiry seconds."""
        now = self._clock()
        with self._lock:
            count, end = self._rows.get(key, (0, 0.0))
            if end > now:
                self._rows[key] = (count + amount, end)
                return count + amount
            self._rows.pop(key, None)
            self._make_room(now)
            self._rows[key] = (amount, now + expiry)
            return amount

    def _make_room(self, now: float) -> None:
        rows = self._rows
        while rows:
            first = next(iter(rows))
            if rows[first][1] > now and len(rows) < self._size:
                return
            del rows[first]

    def get(self, key: str) -> int:
        """Return a counter; 0 if it has ended or never began."""
        count, end = self._rows.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """Return the end of a counter, in seconds since the epoch."""
        return self._rows.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """Return true: memory is always available."""
        return True

    def reset(self) -> int:
        """Drop all counters; return their number."""
        with self._lock:
            found = len(self._rows)
            self._rows.clear()
        return found

    def clear(self, key: str) -> None:
        """Drop a counter."""
        with self._lock:
            self._rows.pop(key, None)
