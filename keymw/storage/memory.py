"""Drivers that keep rows in the memory of one process, for tests."""

from collections.abc import Callable
import dataclasses
import datetime
import threading

from oslo_config import cfg

from keymw.storage import base
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import Address
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import LastOwner
from keymw.storage.global_keys import LockedOut


class MemoryCredentials(base.CredentialStore):
    """A dict behind a lock. Its rows are lost when the process ends."""

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._rows: dict[str, base.Credential] = {}
        self._changes: dict[str, base.Change] = {}
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

    def change(self, user_id: str) -> base.Change | None:
        return self._changes.get(user_id)

    def forget_changes(self, before: datetime.datetime) -> int:
        with self._lock:
            count = len(self._changes)
            self._changes = {
                user_id: change
                for user_id, change in self._changes.items()
                if change.at >= before
            }
            return count - len(self._changes)

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def put(
        self, credential: base.Credential, chain: str | None = None
    ) -> None:
        with self._lock:
            self._take_name(credential.domain_id, credential.username)
            self._date(credential.user_id, chain)
            mine = self._rows.get(credential.user_id, credential)
            self._rows[credential.user_id] = dataclasses.replace(
                credential, created_at=mine.created_at
            )

    def renew(
        self,
        former: base.Credential,
        renewed: base.Credential,
        chain: str | None,
    ) -> bool:
        with self._lock:
            if self._rows.get(former.user_id) != former:
                return False
            self._rows[former.user_id] = renewed
            self._date(former.user_id, chain)
            return True

    def _date(self, user_id: str, chain: str | None) -> None:
        self._changes[user_id] = base.Change(self.now(), chain)

    def _take_name(self, domain_id: str, username: str | None) -> None:
        former = self._named(domain_id, username)
        if former is not None:
            self._rows[former.user_id] = dataclasses.replace(
                former, username=None
            )

    def rename(self, credential: base.Credential, username: str) -> None:
        with self._lock:
            if self._rows.get(credential.user_id) == credential:
                self._take_name(credential.domain_id, username)
                self._rows[credential.user_id] = dataclasses.replace(
                    credential, username=username
                )

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        with self._lock:
            row = self._rows.get(user_id)
            if row is None or row.secret != old:
                return False
            self._rows[user_id] = dataclasses.replace(row, secret=new)
            return True

    def delete(self, user_id: str, chain: str | None = None) -> bool:
        with self._lock:
            if self._rows.pop(user_id, None) is None:
                return False
            self._date(user_id, chain)
            return True

    def page(self, after: str, limit: int) -> list[base.Credential]:
        with self._lock:
            ids = sorted(id_ for id_ in self._rows if id_ > after)
            return [self._rows[id_] for id_ in ids[:limit]]

    def check(self) -> None:
        """Do nothing: memory is always available."""


class MemoryGlobalKeys(GlobalKeyStore):
    """A dict behind a lock. Its rows are lost when the process ends."""

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._rows: dict[str, GlobalKey] = {}
        self._lock = threading.Lock()

    def get(self, key_id: str) -> GlobalKey | None:
        return self._rows.get(key_id)

    def find(self, public_key: str) -> GlobalKey | None:
        with self._lock:
            return self._named(public_key)

    def _named(self, public_key: str) -> GlobalKey | None:
        for row in self._rows.values():
            if row.public_key == public_key:
                return row
        return None

    def add(self, key: GlobalKey) -> None:
        with self._lock:
            if key.id in self._rows or self._named(key.public_key):
                raise base.Taken('the id or the public key of a global key')
            self._rows[key.id] = key

    def update(
        self, key_id: str, change: Callable[[GlobalKey], GlobalKey]
    ) -> GlobalKey | None:
        with self._lock:
            before = self._rows.get(key_id)
            if before is None:
                return None
            after = change(before)
            if not after.is_owner:
                self._refuse_last_owner(before)
            self._rows[key_id] = after
            return after

    def delete(
        self,
        key_id: str,
        check: Callable[[GlobalKey], None],
        *,
        leave_no_owner: bool = False,
    ) -> bool:
        with self._lock:
            before = self._rows.get(key_id)
            if before is None:
                return False
            check(before)
            if not leave_no_owner:
                self._refuse_last_owner(before)
            del self._rows[key_id]
            return True

    def _refuse_last_owner(self, key: GlobalKey) -> None:
        owners = [row for row in self._rows.values() if row.is_owner]
        if owners == [key]:
            raise LastOwner(key.id)

    def reseal(self, key_id: str, old: bytes, new: bytes) -> bool:
        with self._lock:
            row = self._rows.get(key_id)
            if row is None or row.ha1 != old:
                return False
            self._rows[key_id] = dataclasses.replace(row, ha1=new)
            return True

    def page(self, offset: int, limit: int) -> list[GlobalKey]:
        with self._lock:
            rows = sorted(self._rows.values(), key=_age)
        return rows[offset : offset + limit]

    def count(self) -> int:
        return len(self._rows)

    def check(self) -> None:
        """Do nothing: memory is always available."""


class MemoryAccessList(AccessListStore):
    """A dict behind a lock. Its rows are lost when the process ends."""

    def __init__(self, _conf: cfg.ConfigOpts) -> None:
        self._rows: dict[str, AccessEntry] = {}
        self._lock = threading.Lock()

    def get(self, entry_id: str) -> AccessEntry | None:
        return self._rows.get(entry_id)

    def add(self, entry: AccessEntry) -> None:
        with self._lock:
            if entry.id in self._rows:
                raise base.Taken('the id of an entry')
            self._refuse_taken(entry)
            self._rows[entry.id] = entry

    def _refuse_taken(self, entry: AccessEntry) -> None:
        for row in self._rows.values():
            if row.network == entry.network and row.id != entry.id:
                raise base.Taken('the network of an entry')

    def update(
        self,
        entry_id: str,
        change: Callable[[AccessEntry], AccessEntry],
        keeps: Address | None,
    ) -> AccessEntry | None:
        with self._lock:
            before = self._rows.get(entry_id)
            if before is None:
                return None
            after = change(before)
            self._refuse_taken(after)
            self._replace({**self._rows, entry_id: after}, keeps)
            return after

    def delete(self, entry_id: str, keeps: Address | None) -> bool:
        with self._lock:
            rows = dict(self._rows)
            if rows.pop(entry_id, None) is None:
                return False
            self._replace(rows, keeps)
            return True

    def _replace(
        self, rows: dict[str, AccessEntry], keeps: Address | None
    ) -> None:
        admitted = keeps is None or any(
            row.admits(keeps) for row in rows.values()
        )
        if not admitted:
            raise LockedOut(str(keeps))
        self._rows = rows

    def used(self, entry_id: str, moment: datetime.datetime) -> None:
        with self._lock:
            row = self._rows.get(entry_id)
            if row is None:
                return
            latest = max(moment, row.last_used_at or moment)
            self._rows[entry_id] = dataclasses.replace(
                row, last_used_at=latest
            )

    def all(self) -> list[AccessEntry]:
        with self._lock:
            return sorted(self._rows.values(), key=_age)

    def page(self, offset: int, limit: int) -> list[AccessEntry]:
        return self.all()[offset : offset + limit]

    def count(self) -> int:
        return len(self._rows)

    def check(self) -> None:
        """Do nothing: memory is always available."""


def _age(
    row: GlobalKey | AccessEntry,
) -> tuple[datetime.datetime, str]:
    return row.created_at, row.id
