"""Counts that wait, so that many requests share one write.

prometheus-client takes a lock, looks up its process and writes to a shared
file for each number; a request has up to twenty of them. Here a request only
appends, and the sums are written ten times a second.
"""

import atexit
from bisect import bisect_left
import collections
from collections.abc import Callable
from collections.abc import Iterator
import functools
import logging
import os
import threading
import time
from typing import TypeVar

import prometheus_client as client
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

LOG = logging.getLogger(__name__)
T = TypeVar('T')
SECONDS = 0.1
_MOST = 1000


class Batch(Collector):
    """Amounts that are added to counters and histograms later.

    A thread writes them after SECONDS at the latest; so do the end of the
    process, and each registry that shows this collector first. A process that
    is killed loses those of its last SECONDS.
    """

    def __init__(self) -> None:
        # The methods of a deque are atomic: no request waits for a lock.
        self._counts: collections.deque[client.Counter] = collections.deque()
        self._times: dict[client.Histogram, _Observations] = {}
        self._start()
        os.register_at_fork(after_in_child=self._start_anew)
        atexit.register(self.write)

    def _start(self) -> None:
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def _start_anew(self) -> None:
        # A forked worker has no thread, and its parent writes these amounts.
        self._counts.clear()
        for of in self._times.values():
            of.waiting.clear()
        self._start()

    def _run(self) -> None:
        while True:
            time.sleep(SECONDS)
            try:
                self.write()
            except Exception:  # the next write may succeed
                LOG.exception('metrics: some numbers are lost')

    def counter(self, child: client.Counter) -> Callable[[], None]:
        """The function that adds 1 to a counter, later."""
        return functools.partial(self._counts.append, child)

    def histogram(self, child: client.Histogram) -> Callable[[float], None]:
        """The function that adds an observation to a histogram, later."""
        of = self._times.setdefault(child, _Observations(child))
        return of.waiting.append

    def bound(self) -> None:
        """Write if many amounts wait: a server may run no threads."""
        if len(self._counts) > _MOST:
            self.write()

    def write(self) -> None:
        """Write all amounts so far."""
        with self._lock:
            counts = collections.Counter(_taken(self._counts))
            for child, count in counts.items():
                child.inc(count)
            for of in list(self._times.values()):
                of.write()

    def collect(self) -> Iterator[Metric]:
        """Write, and show nothing: the metrics of the registry do."""
        self.write()
        return iter(())


class _Observations:
    """Observations of a histogram, which itself takes them one by one."""

    def __init__(self, child: client.Histogram) -> None:
        self.waiting: collections.deque[float] = collections.deque()
        self._bucket_of = functools.partial(bisect_left, child._upper_bounds)
        self._buckets, self._sum = child._buckets, child._sum

    def write(self) -> None:
        amounts = _taken(self.waiting)
        if not amounts:
            return
        self._sum.inc(sum(amounts))
        counts = collections.Counter(map(self._bucket_of, amounts))
        for bucket, count in counts.items():
            self._buckets[bucket].inc(count)


def _taken(items: collections.deque[T]) -> list[T]:
    """All items so far, which are no longer there; others may follow."""
    return [items.popleft() for _ in range(len(items))]
