"""What a handler of the admin routes is given."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import re
from typing import Any
from typing import Protocol

from oslo_config import cfg

from keymw import admin_faults
from keymw.bodies.admin import Page
from keymw.bodies.admin import Paging
from keymw.storage.base import AccessListStore
from keymw.storage.base import Address
from keymw.storage.base import GlobalKeyStore
from keymw.vault import Vault

_ID = re.compile('[0-9A-Fa-f]{24}', re.ASCII)


@dataclasses.dataclass(frozen=True)
class AdminParts:
    """What the admin routes work with, built once."""

    conf: cfg.ConfigOpts
    vault: Vault
    keys: GlobalKeyStore
    access_list: AccessListStore
    clock: Callable[[], float]

    def now(self) -> datetime.datetime:
        """The present time, in UTC."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Asker:
    """Who asks: the id of a key, or of a user that is as good as an owner.

    writes says whether they may change anything. kept is the address that
    the access list must go on to admit; None where it does not matter.
    """

    id: str
    owner: bool
    writes: bool
    kept: Address | None = None


@dataclasses.dataclass(frozen=True)
class AdminCall:
    """One request of somebody who may make it."""

    parts: AdminParts
    asker: Asker
    path: Mapping[str, str]
    body: Any
    paging: Paging | None

    def has_id(self) -> bool:
        """Whether anything can have the id in the path."""
        return _ID.fullmatch(self.path['id']) is not None

    def denied(self) -> admin_faults.RoleDenied:
        """What to raise where the role of a key is not enough."""
        status = self.parts.conf.global_keys.role_denied_status
        return admin_faults.RoleDenied(status)

    def page(self, store: 'Paged') -> Page:
        """The part of what is stored that is asked for."""
        paging = self.paging or Paging(1, 1, False)
        # One more says whether another page follows.
        rows = store.page(paging.offset, paging.size + 1)
        total = store.count() if paging.includes_count else None
        is_last = len(rows) <= paging.size
        return Page(rows[: paging.size], is_last, total, paging)


class Paged(Protocol):
    """A store of which parts are shown."""

    def page(self, offset: int, limit: int) -> Sequence[Any]:
        """At most limit rows after the first offset ones."""

    def count(self) -> int:
        """How many rows there are."""
