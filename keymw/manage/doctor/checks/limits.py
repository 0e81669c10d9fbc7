"""Check of the limit on wrong keys."""

import time

from keymw.conf import ConfigError
from keymw.conf.limits import MEMORY
from keymw.limits import failures
from keymw.limits.client_address import Clients
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation


def _limits(at: Installation) -> str:
    """Whether the limit is on, for which addresses, and its counters."""
    options = at.conf.limits
    if not options.failures_per_minute:
        return 'off, as [limits] failures_per_minute is 0'
    if not failures.storage(options, time.time).check():
        raise ConfigError(
            f'{failures.OPTION} does not answer: each worker counts alone'
        )
    if failures.is_partial(at.conf, Clients(at.conf)):
        return failures.NOT_LIMITED
    where = 'each worker' if options.storage == MEMORY else 'all workers'
    return (
        f'{options.failures_per_minute} wrong keys a minute for each address, '
        f'counted by {where}'
    )


CHECKS = (Check('limits', _limits, ('configuration', 'client address')),)
