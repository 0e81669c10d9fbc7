"""Writes the last use of API keys in batches, beside the requests.

Source: doc/contract/api-keys 4.
"""

import atexit
from collections.abc import Callable
import logging
import os
import threading
import weakref

from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import Use

LOG = logging.getLogger(__name__)

# More uses than this are written with the request that brings them.
_MOST = 5000


class LastUsed:
    """Collects the latest use of each key, and writes them together.

    A timer thread writes once in an interval. Where no thread runs, the next
    request after the interval writes, and the exit of the process.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        interval: float,
        clock: Callable[[], float],
    ) -> None:
        """interval is in seconds; 0 writes with each request."""
        self._store = store
        self._interval = interval
        self._clock = clock
        self._forget()
        mine = weakref.ref(self)
        # A forked process has neither the threads nor the uses of its parent.
        os.register_at_fork(after_in_child=lambda: _call(mine, '_forget'))
        atexit.register(lambda: _call(mine, 'flush'))

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, bool], Use] = {}
        self._since = 0.0

    def mark(self, use: Use) -> None:
        """Note a use; no failure of the store is raised."""
        now = self._clock()
        with self._lock:
            is_first = not self._uses
            if is_first:
                self._since = now
            self._uses[use.key_id, use.was_previous] = use
            is_due = (
                now - self._since >= self._interval or len(self._uses) > _MOST
            )
        if is_due:
            self.flush()
        elif is_first:
            self._start_timer()

    def flush(self) -> None:
        """Write all uses now; on a failure they wait for the next time."""
        with self._lock:
            uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            self._store.used(list(uses.values()))
        except Exception as error:  # no request fails for it
            LOG.warning('the last use of keys is not written: %s', error)
            with self._lock:
                self._uses = dict(
                    [*uses.items(), *self._uses.items()][-_MOST:]
                )

    def _start_timer(self) -> None:
        timer = threading.Timer(self._interval, self.flush)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:
            LOG.debug('no thread for the last use of keys: %s', error)


def _call(of: 'weakref.ref[LastUsed]', method: str) -> None:
    found = of()
    if found is not None:
        getattr(found, method)()
