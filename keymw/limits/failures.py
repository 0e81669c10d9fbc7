"""The limit on wrong keys of one client address.

Only the address decides, before a key is looked at: a limit on names would
lock out their owners, and would reveal which names exist. Failures by name are
counted for the operator alone.
"""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import functools
import ipaddress
import math
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from oslo_config import cfg

from keymw.conf.limits import MEMORY
from keymw.limits import addresses
from keymw.limits import audited_names
from keymw.limits.client_address import Clients
from keymw.limits.fallback import Fallback
from keymw.limits.table import Table
from keymw.vault import Vault
from keymw.web import faults

WINDOW = 60  # seconds
OPTION = '[limits] storage'
_NETWORK_BITS = 64
_CACHED_ADDRESSES = 4096
NOT_LIMITED = (
    'wrong keys of private addresses are not limited: set [client_address] '
    'behind a proxy, else [limits] direct_clients'
)


@dataclasses.dataclass(frozen=True)
class Excess:
    """An address over the limit; retry_at is in seconds since the epoch."""

    limit: int
    retry_after: int
    retry_at: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a refusal; no other response has them."""
        wait = str(self.retry_after)
        return {
            'Retry-After': wait,
            'RateLimit-Limit': str(self.limit),
            'RateLimit-Remaining': '0',
            'RateLimit-Reset': wait,
            'RateLimit-Policy': f'{self.limit};w={WINDOW}',
        }


class Failures:
    """Counts wrong keys by client address, and by name."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        clients: Clients,
        vault: Vault,
        clock: Callable[[], float],
    ) -> None:
        """Read the options.

        :raises ConfigError: [limits] storage is not usable.
        """
        options = conf.limits
        self._clients = clients
        self._vault = vault
        self._clock = clock
        self._limits_all = not is_partial(conf, clients)
        self._item = RateLimitItemPerMinute(
            options.failures_per_minute, namespace='keymw'
        )
        self._is_on = options.failures_per_minute > 0
        self._limiter = FixedWindowRateLimiter(storage(options, clock))
        # Apart, so that many names cannot displace addresses.
        self._names = storage(options, clock)
        self._bucket = functools.lru_cache(_CACHED_ADDRESSES)(self._find)

    def check(
        self,
        environ: Mapping[str, Any],
        fault: type[faults.OverLimit] = faults.OverLimit,
    ) -> None:
        """Check that the address of a request may try a key.

        :raises OverLimit: it sent too many wrong ones, or the fault given.
        """
        found = self.excess(environ)
        if found is not None:
            raise fault(found.headers, found.retry_at)

    def excess(self, environ: Mapping[str, Any]) -> Excess | None:
        """The excess of a request's address; None: it may try a key."""
        bucket = self._bucket_of(environ)
        if bucket is None or self._limiter.test(self._item, bucket):
            return None
        end = self._limiter.get_window_stats(self._item, bucket).reset_time
        now = int(self._clock())
        # Another process may have ended the count meanwhile.
        retry_at = max(math.ceil(end), now + 1)
        return Excess(self._item.amount, retry_at - now, retry_at)

    def count(self, environ: Mapping[str, Any], name: str) -> dict[str, str]:
        """Count a wrong key for the address of a request, and for a name.

        Returns the failures of this name in the last minute, for the audit
        event. They refuse nobody.
        """
        if not self._is_on:
            return {}
        bucket = self._bucket_of(environ)
        if bucket is not None:
            self._limiter.hit(self._item, bucket)
        hashed = audited_names.hash_of(name, self._vault)
        found = self._names.incr(f'keymw/name/{hashed}', WINDOW)
        return {'failuresOfName': str(found)}

    def _bucket_of(self, environ: Mapping[str, Any]) -> str | None:
        if not self._is_on:
            return None
        return self._bucket(self._clients.shown(environ))

    def _find(self, shown: str) -> str | None:
        """The key of an address; None: it is not limited."""
        try:
            address = addresses.address(shown)
        except ValueError:
            # A Unix socket: all clients are one.
            return None
        if not (self._limits_all or address.is_global):
            return None
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        network = int(address) >> (128 - _NETWORK_BITS)
        return f'{network:016x}'


def is_partial(conf: cfg.ConfigOpts, clients: Clients) -> bool:
    """Whether the limit is on, but not for private addresses."""
    options = conf.limits
    is_for_all = clients.is_configured or options.direct_clients
    return options.failures_per_minute > 0 and not is_for_all


def storage(options: Any, clock: Callable[[], float]) -> Storage:
    """The counters of [limits] storage.

    :raises ConfigError: it is not usable.
    """
    table = Table(clock=clock)
    if options.storage == MEMORY:
        return table
    return Fallback(OPTION, options.storage, table, clock)
