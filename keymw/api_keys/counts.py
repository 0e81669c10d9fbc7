"""How many keys are in each state, for the metrics."""

from collections.abc import Mapping
import datetime

from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import Filter

SOON = datetime.timedelta(days=7)


def by_state(store: ApiKeyStore, now: datetime.datetime) -> Mapping[str, int]:
    """The number of keys by state, from four counts of an index.

    active    enabled and not expired; "expiring" ones are among them
    disabled  not enabled
    expired   enabled, and past their end
    expiring  enabled, and at their end within SOON

    :raises Outage: the store cannot be read.
    """
    expired = store.count(Filter(enabled=True, expires_before=now))
    by_then = store.count(Filter(enabled=True, expires_before=now + SOON))
    return {
        'active': store.count(Filter(enabled=True)) - expired,
        'disabled': store.count(Filter(enabled=False)),
        'expired': expired,
        'expiring': by_then - expired,
    }
