"""Records the last use of entries, in threads beside the requests.

Source: doc/contract/ops-manager-global-keys 6.4.
"""

import datetime
import logging
import os
import threading

from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore

LOG = logging.getLogger(__name__)

_MOST = 4


class LastUsed:
    """Writes the time of last use without delaying the request.

    A time is written if the stored one is older than the grain. Each write is
    a short thread. If _MOST threads run, or none can be started, nothing is
    written; a later request writes it.
    """

    def __init__(self, store: AccessListStore, grain: int) -> None:
        """Take the store and the grain in seconds."""
        self._store = store
        self._grain = datetime.timedelta(seconds=grain)
        self._clear()
        # A forked process has none of the threads of its parent.
        os.register_at_fork(after_in_child=self._clear)

    def _clear(self) -> None:
        self._lock = threading.Lock()
        self._writing: set[str] = set()

    def mark(self, entry: AccessEntry, now: datetime.datetime) -> None:
        """Start a write of the last use, unless the stored one is recent."""
        last = entry.last_used_at
        if last is not None and now - last < self._grain:
            return
        with self._lock:
            if entry.id in self._writing or len(self._writing) >= _MOST:
                return
            self._writing.add(entry.id)
        try:
            threading.Thread(
                target=self._write, args=(entry.id, now), daemon=True
            ).start()
        except RuntimeError as error:
            self._done(entry.id, error)

    def _write(self, entry_id: str, now: datetime.datetime) -> None:
        try:
            self._store.used(entry_id, now)
        except Exception as error:  # no request fails for it
            self._done(entry_id, error)
        else:
            self._done(entry_id, None)

    def _done(self, entry_id: str, error: Exception | None) -> None:
        if error is not None:
            LOG.warning('entry %s: use not written: %s', entry_id, error)
        with self._lock:
            self._writing.discard(entry_id)
