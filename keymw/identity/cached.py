"""Answers remembered for a short while, and the dialect once it is known."""

from collections.abc import Callable
import dataclasses
import hashlib
import logging
import threading
from typing import Any

from cachetools import TLRUCache
from oslo_config import cfg

from keymw import faults
from keymw.identity import base
from keymw.identity.transport import Origin
from keymw.identity.v3 import V3

LOG = logging.getLogger(__name__)


class Cached(base.Identity):
    """Asks in the dialect that find finds, and the same thing rarely.

    Only good answers are kept: a token's until it expires at the longest,
    under a hash of it; a user's where service_user asks, whose answers are
    the same for every caller.
    """

    def __init__(
        self,
        find: Callable[[Origin], base.Identity],
        conf: cfg.ConfigOpts,
        clock: Callable[[], float],
    ) -> None:
        options = conf.identity
        self._find = find
        self._dialect: base.Identity | None = None
        self._shares_users = bool(
            options.service_user or options.transport == 'remote'
        )
        self._token_ttl = options.token_cache_ttl
        self._user_ttl = options.user_cache_ttl
        self._lock = threading.Lock()
        self._callers: TLRUCache[bytes, base.Caller] = TLRUCache(
            options.cache_size, self._token_end, clock
        )
        self._users: TLRUCache[str, base.User] = TLRUCache(
            options.cache_size, self._user_end, clock
        )
        self._owners: TLRUCache[str, base.Owner] = TLRUCache(
            options.cache_size, self._user_end, clock
        )
        self._clock = clock

    def _token_end(
        self, _key: bytes, caller: base.Caller, now: float
    ) -> float:
        end: float = now + self._token_ttl
        return min(end, caller.expires_at.timestamp())

    def _user_end(self, _key: str, _user: base.User, now: float) -> float:
        end: float = now + self._user_ttl
        return end

    def _asked(self, origin: Origin) -> base.Identity:
        try:
            return self._known(origin)
        except base.SpeaksNeither as nobody:
            LOG.error('%s', nobody.__cause__)
            raise

    def _known(self, origin: Origin) -> base.Identity:
        if self._dialect is None:
            self._dialect = self._find(origin)
        return self._dialect

    def caller(self, origin: Origin, token: str) -> base.Caller:
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known = self._callers.get(key)
        if known is not None:
            return dataclasses.replace(known, token=token)
        found = self._asked(origin).caller(origin, token)
        if found.expires_at.timestamp() <= self._clock():
            raise faults.Unauthorized()
        with self._lock:
            # A memory that is read out must not yield tokens.
            self._callers[key] = dataclasses.replace(found, token='')
        return found

    @property
    def is_known(self) -> bool:
        """Whether the dialect is known already."""
        return self._dialect is not None

    def v3(self, origin: Origin) -> V3 | None:
        """The dialect, where it is v3."""
        try:
            found = self._known(origin)
        except base.SpeaksNeither:
            return None
        return found if isinstance(found, V3) else None

    def has_domains(self, origin: Origin) -> bool:
        """Whether the dialect knows domains.

        :raises Unavailable: it cannot be found out.
        """
        return isinstance(self._asked(origin), V3)

    def service(self, origin: Origin) -> base.Caller:
        return self._asked(origin).service(origin)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        if not self._shares_users:
            return self._asked(origin).user(origin, user_id, caller)
        with self._lock:
            known = self._users.get(user_id)
        if known is not None:
            return known
        found = self._asked(origin).user(origin, user_id, caller)
        with self._lock:
            self._users[user_id] = found
        return found

    def present(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        """The same as user, and never what was remembered."""
        with self._lock:
            self._users.pop(user_id, None)
        return self.user(origin, user_id, caller)

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        with self._lock:
            known = self._owners.get(user_id)
        if known is not None:
            return known
        found = self._asked(origin).owner(origin, user_id)
        with self._lock:
            self._owners[user_id] = found
        return found

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> dict[str, Any]:
        return self._asked(origin).issue(origin, owner, tenant)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        return self._asked(origin).roles(origin, user_id, caller)
