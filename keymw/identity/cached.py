"""A cache in front of the identity service, for answers and the dialect."""

from collections.abc import Callable
import hashlib
import logging
import threading
from typing import Generic
from typing import TypeVar

from cachetools import TLRUCache
from oslo_config import cfg

from keymw.identity import base
from keymw.identity.access import Access
from keymw.identity.transport import Origin
from keymw.identity.v3 import V3
from keymw.observe import metrics_base
from keymw.web import faults

LOG = logging.getLogger(__name__)
K = TypeVar('K')
V = TypeVar('V')


class Cached(base.Identity):
    """Determines the dialect once with find, and caches answers.

    Only successes are cached: a token's caller under a hash of the token,
    until the token expires at the latest; a user only if read as
    service_user, as then the answer is the same for every caller.
    """

    def __init__(
        self,
        find: Callable[[Origin], base.Identity],
        conf: cfg.ConfigOpts,
        clock: Callable[[], float],
        has_v2: Callable[[Origin], bool],
    ) -> None:
        """has_v2 returns whether a service that speaks v3 speaks v2.0 too."""
        options = conf.identity
        self._find = find
        self._dialect: base.Identity | None = None
        self._has_v2 = has_v2
        self._is_v3_alone: bool | None = None
        self._shares_users = bool(
            options.service_user or options.transport == 'remote'
        )
        self._token_ttl = options.token_cache_ttl
        self._user_ttl = options.user_cache_ttl
        self._owner_ttl = options.owner_cache_ttl
        size, count = options.cache_size, metrics_base.of(conf).cache
        self._callers: _Kept[bytes, base.Caller] = _Kept(
            TLRUCache(size, self._token_end, clock), count('callers')
        )
        self._users: _Kept[str, base.User] = _Kept(
            TLRUCache(size, self._user_end, clock), count('users')
        )
        self._owners: _Kept[str, base.Owner] = _Kept(
            TLRUCache(size, self._owner_end, clock), count('owners')
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

    def _owner_end(self, _key: str, _owner: base.Owner, now: float) -> float:
        end: float = now + self._owner_ttl
        return end

    def _asked(self, origin: Origin) -> base.Identity:
        try:
            return self._known(origin)
        except base.UnknownDialect as nobody:
            LOG.error('%s', nobody.__cause__)
            raise

    def _known(self, origin: Origin) -> base.Identity:
        if self._dialect is None:
            self._dialect = self._find(origin)
        return self._dialect

    def caller(self, origin: Origin, token: str) -> base.Caller:
        key = hashlib.sha256(token.encode()).digest()
        known = self._callers.get(key)
        if known is not None:
            return known.with_token(token)
        return self.present_caller(origin, token)

    def present_caller(self, origin: Origin, token: str) -> base.Caller:
        """The caller of a token, as in caller(), but never from the cache."""
        key = hashlib.sha256(token.encode()).digest()
        found = self._asked(origin).caller(origin, token)
        if found.expires_at.timestamp() <= self._clock():
            raise faults.Unauthorized()
        # Keep tokens out of the cache: a memory dump must not show them.
        self._callers.put(key, found.with_token(''))
        return found

    @property
    def is_settled(self) -> bool:
        """Whether is_v3_alone needs no request any more."""
        return self._is_v3_alone is not None

    def is_v3_alone(self, origin: Origin) -> bool:
        """Whether the service speaks v3 but not v2.0.

        :raises Unavailable: the dialect cannot be determined.
        """
        if self._is_v3_alone is None:
            try:
                found = self._known(origin)
            except base.UnknownDialect:
                return False
            self._is_v3_alone = isinstance(found, V3) and not self._has_v2(
                origin
            )
        return self._is_v3_alone

    def v3(self, origin: Origin) -> V3 | None:
        """The dialect if it is v3, else None."""
        try:
            found = self._known(origin)
        except base.UnknownDialect:
            return None
        return found if isinstance(found, V3) else None

    def has_domains(self, origin: Origin) -> bool:
        """Whether the dialect has domains.

        :raises Unavailable: the dialect cannot be determined.
        """
        return isinstance(self._asked(origin), V3)

    def service(self, origin: Origin) -> base.Caller:
        return self._asked(origin).service(origin)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        if not self._shares_users:
            return self._asked(origin).user(origin, user_id, caller)
        known = self._users.get(user_id)
        if known is not None:
            return known
        found = self._asked(origin).user(origin, user_id, caller)
        self._users.put(user_id, found)
        return found

    def present(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        """The user, as in user(), but never from the cache."""
        self._users.drop(user_id)
        return self.user(origin, user_id, caller)

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        known = self._owners.get(user_id)
        if known is not None:
            return known
        found = self._asked(origin).owner(origin, user_id)
        self._owners.put(user_id, found)
        return found

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        return self._asked(origin).issue(origin, owner, tenant)

    def revoke(self, origin: Origin, token: str) -> None:
        self._asked(origin).revoke(origin, token)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        return self._asked(origin).roles(origin, user_id, caller)


class _Kept(Generic[K, V]):
    """One cache; its look-ups are counted."""

    def __init__(
        self, rows: TLRUCache[K, V], count: Callable[[bool], None]
    ) -> None:
        self._rows = rows
        self._count = count
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            # TLRUCache.get() looks each key up twice.
            try:
                found = self._rows[key]
            except KeyError:
                found = None
        self._count(found is not None)
        return found

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._rows[key] = value

    def drop(self, key: K) -> None:
        with self._lock:
            self._rows.pop(key, None)
