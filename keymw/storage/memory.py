"""Credentials in the memory of one process, for tests."""

import dataclasses
import threading

from oslo_config import cfg

from keymw.storage import base


class MemoryCredentials(base.CredentialStore):
    """A dict behind a lock; gone when its process ends."""

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._rows: dict[str, base.Credential] = {}
        self._lock = threading.Lock()

    def get(self, user_id: str) -> base.Credential | None:
        return self._rows.get(user_id)

    def find(self, domain_id: str, username: str) -> base.Credential | None:
        with self._lock:
            return self._named(domain_id, username)

    def _named(
        self, domain_id: str, username: str | None
    ) -> base.Credential | None:
        for row in self._rows.values():
            if (row.domain_id, row.username) == (domain_id, username):
                return row
        return None

    def put(self, credential: base.Credential) -> None:
        with self._lock:
            former = self._named(credential.domain_id, credential.username)
            if former is not None:
                self._rows[former.user_id] = dataclasses.replace(
                    former, username=None
                )
            mine = self._rows.get(credential.user_id, credential)
            self._rows[credential.user_id] = dataclasses.replace(
                credential, created_at=mine.created_at
            )

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        with self._lock:
            row = self._rows.get(user_id)
            if row is None or row.secret != old:
                return False
            self._rows[user_id] = dataclasses.replace(row, secret=new)
            return True

    def delete(self, user_id: str) -> bool:
        with self._lock:
            return self._rows.pop(user_id, None) is not None

    def page(self, after: str, limit: int) -> list[base.Credential]:
        with self._lock:
            ids = sorted(id_ for id_ in self._rows if id_ > after)
            return [self._rows[id_] for id_ in ids[:limit]]

    def check(self) -> None:
        """Memory always serves."""
