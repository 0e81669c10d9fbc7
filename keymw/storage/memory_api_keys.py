"""API keys in the memory of one process, for tests."""

from collections.abc import Sequence
import dataclasses
import datetime
import threading

from oslo_config import cfg

from keymw.storage import api_keys
from keymw.storage import base
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import State


class MemoryApiKeys(api_keys.ApiKeyStore):
    """A dict behind a lock. Its rows are lost when the process ends."""

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._rows: dict[str, ApiKey] = {}
        self._changes: dict[str, base.Change] = {}
        self._lock = threading.Lock()

    def get(self, key_id: str) -> ApiKey | None:
        return self._rows.get(key_id)

    def add(self, key: ApiKey, limit: int | None = None) -> None:
        with self._lock:
            if key.id in self._rows:
                raise base.Taken('the id of an API key')
            if key.state != State.DELETED:
                self._refuse_taken(key)
                self._refuse_too_many(key, limit)
            self._rows[key.id] = key

    def _refuse_too_many(self, key: ApiKey, limit: int | None) -> None:
        if limit is not None and len(self._of_owner(key)) >= limit:
            raise api_keys.TooMany(key.user_id)

    def _of_owner(self, key: ApiKey) -> list[ApiKey]:
        return [
            row
            for row in self._rows.values()
            if row.user_id == key.user_id and row.state != State.DELETED
        ]

    def _refuse_taken(self, key: ApiKey) -> None:
        for row in self._of_owner(key):
            if row.name == key.name and row.id != key.id:
                raise api_keys.NameTaken(key.name)

    def swap(
        self, before: ApiKey, after: ApiKey, chain: str | None = None
    ) -> ApiKey | None:
        with self._lock:
            row = self._unchanged(before)
            if row is None:
                return None
            if after.state != State.DELETED:
                self._refuse_taken(after)
            if api_keys.ends_use(before, after):
                now = datetime.datetime.now(datetime.UTC)
                self._changes[row.user_id] = base.Change(now, chain)
            self._rows[row.id] = api_keys.swapped(row, after)
            return self._rows[row.id]

    def _unchanged(self, before: ApiKey) -> ApiKey | None:
        row = self._rows.get(before.id)
        return row if row and row.revision == before.revision else None

    def remove(self, key: ApiKey) -> bool:
        with self._lock:
            if self._unchanged(key) is None:
                return False
            del self._rows[key.id]
            return True

    def used(self, uses: Sequence[api_keys.Use]) -> None:
        with self._lock:
            for use in uses:
                if use.key_id in self._rows:
                    row = self._rows[use.key_id]
                    self._rows[use.key_id] = _with_use(row, use)

    def page(
        self,
        after: str,
        limit: int,
        where: api_keys.Filter = api_keys.COMPLETE,
    ) -> list[ApiKey]:
        return [row for row in self._admitted(where) if row.id > after][:limit]

    def _admitted(self, where: api_keys.Filter) -> list[ApiKey]:
        with self._lock:
            rows = sorted(self._rows.values(), key=lambda row: row.id)
        return [row for row in rows if where.admits(row)]

    def owners(self, after: str, limit: int) -> list[str]:
        found = {row.user_id for row in self._admitted(api_keys.ALL)}
        return sorted(id_ for id_ in found if id_ > after)[:limit]

    def count(self, where: api_keys.Filter = api_keys.COMPLETE) -> int:
        return len(self._admitted(where))

    def change(self, user_id: str) -> base.Change | None:
        return self._changes.get(user_id)

    def forget_changes(self, before: datetime.datetime) -> int:
        with self._lock:
            old = [
                user_id
                for user_id, change in self._changes.items()
                if change.at < before
            ]
            for user_id in old:
                del self._changes[user_id]
            return len(old)

    def check(self) -> None:
        """Do nothing: memory is always available."""


def _with_use(row: ApiKey, use: api_keys.Use) -> ApiKey:
    previous = row.previous
    if previous is not None and _is_of_previous(row, use):
        last = max(use.at, previous.last_used_at or use.at)
        previous = dataclasses.replace(previous, last_used_at=last)
    if row.last_used_at is not None and row.last_used_at > use.at:
        return dataclasses.replace(row, previous=previous)
    return dataclasses.replace(
        row,
        previous=previous,
        last_used_at=use.at,
        last_used_from=use.address,
    )


def _is_of_previous(row: ApiKey, use: api_keys.Use) -> bool:
    return use.was_previous and (
        row.rotated_at is None or use.at >= row.rotated_at
    )
