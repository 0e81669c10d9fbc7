"""Stale tokens: tokens bought with a key that has changed since.

A stale token must not read the new key, or set one after the old key was
deleted. Otherwise a stolen key would survive its own reset.
"""

from collections.abc import Callable
from collections.abc import Sequence
import datetime
import logging
import math
from typing import Protocol

from oslo_config import cfg

from keymw.identity.base import Caller
from keymw.storage.base import COMMIT
from keymw.storage.base import Change
from keymw.web import faults

LOG = logging.getLogger(__name__)

# The methods of a token issued for keymw, and of tokens made from it.
_ISSUED = frozenset(('external',))
_REMADE = _ISSUED | {'token'}
# Seconds: one for rounding, the commit of a change, and one of difference
# between two clocks.
_LONGEST_WAIT = 1 + COMMIT.total_seconds() + 1


class Changes(Protocol):
    """A store of keys that dates their changes."""

    def change(self, user_id: str) -> Change | None:
        """The last change of a key of a user, or None."""


class StaleTokens:
    """Refuses stale tokens, and keeps logins from issuing them."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        stores: Sequence[Changes],
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._are_refused = conf.kskey.stale_tokens == 'refuse'
        self._ttl = datetime.timedelta(seconds=conf.kskey.tombstone_ttl)
        self._stores = stores
        self._clock = clock
        self._sleep = sleep

    def refuse(self, caller: Caller) -> None:
        """Refuse a stale token.

        The store is read only for tokens that a key may have bought.

        :raises SignInAgain: the token is stale.
        :raises Outage: the store cannot be read.
        """
        if not self._are_refused or caller.methods not in (_ISSUED, _REMADE):
            return
        change = self._change(caller.user_id)
        if change is not None and self._is_older(caller, change):
            raise faults.SignInAgain()

    def _change(self, user_id: str) -> Change | None:
        found = [store.change(user_id) for store in self._stores]
        changes = [change for change in found if change is not None]
        return max(changes, key=lambda change: change.at, default=None)

    def _is_older(self, caller: Caller, change: Change) -> bool:
        if change.chain == caller.chain:
            return False
        if caller.issued_at is None or 'token' in caller.methods:
            # A token made from another one has a time of issue of its own.
            return self._now() - change.at < self._ttl
        # Keystone reports whole seconds.
        return math.floor(caller.issued_at.timestamp()) <= _last_second(change)

    def wait(self, user_id: str) -> None:
        """Wait until a new token is younger than the last change of the key.

        Waits _LONGEST_WAIT seconds at most. If the clocks differ by more, it
        logs a warning and does not wait.

        :raises Outage: the store cannot be read.
        """
        if not self._are_refused:
            return
        change = self._change(user_id)
        if change is None:
            return
        left = _last_second(change) + 1 - self._clock()
        if left > _LONGEST_WAIT:
            LOG.warning(
                'the clock of the store is %.0f s ahead: run keymw-manage '
                'doctor',
                left,
            )
        elif left > 0:
            self._sleep(left)

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)


def _last_second(change: Change) -> int:
    """The last in which a token may be had for the former key."""
    return math.floor((change.at + COMMIT).timestamp())
