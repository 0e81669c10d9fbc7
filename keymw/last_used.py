"""When an entry was last used, written beside the requests (6.4)."""

import datetime
import logging
import os
import threading

from keymw.storage.base import AccessEntry
from keymw.storage.base import AccessListStore

LOG = logging.getLogger(__name__)

_MOST = 4


class LastUsed:
    """Writes what is more than a grain behind, and never holds a request up.

    Each write is a short thread; where _MOST are at work, or one cannot be
    started, nothing is written: a later request is as good.
    """

    def __init__(self, store: AccessListStore, grain: int) -> None:
        """grain is in seconds."""
        self._store = store
        self._grain = datetime.timedelta(seconds=grain)
        self._forget()
        # No thread goes along into a process that is forked.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._writing: set[str] = set()

    def mark(self, entry: AccessEntry, now: datetime.datetime) -> None:
        """Have it written that an entry was used, unless it is told."""
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
