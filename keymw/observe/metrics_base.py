"""The metrics that the parts of a filter count into; off by default."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import TypeVar

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.web.faults import Fault
from keymw.web.request import Request
from keymw.web.table import Route

T = TypeVar('T')


class Metrics:
    """Metrics that are switched off: all methods do nothing."""

    def request(
        self, route: Route, request: Request, status: int, seconds: float
    ) -> None:
        """Count the response of a route to a request, and its time."""

    def failure(self, fault: Fault) -> None:
        """Count a fault by its internal reason."""

    def cache(self, name: str) -> Callable[[bool], None]:
        """The counter of look-ups in a cache; it takes whether one hit."""
        del name
        return _ignore

    def timed(
        self, part: str, of: T, methods: Iterable[str], name: str = ''
    ) -> T:
        """The same object, whose methods are timed from now on.

        part   "store", "vault" or "identity"
        name   the name of the object, if the part has several
        """
        del part, methods, name
        return of


def _ignore(_is_hit: bool) -> None:
    pass


_OFF = Metrics()


def of(conf: cfg.ConfigOpts) -> Metrics:
    """The metrics of this process, as [metrics] switches them on.

    :raises ConfigError: they are on, but cannot work.
    """
    if not conf.metrics.enabled:
        return _OFF
    try:
        from keymw.observe import metrics_prometheus
    except ImportError as error:
        raise ConfigError(
            f'[metrics] enabled: it needs {error.name}, which is not '
            "installed: pip install 'keymw[metrics]'"
        ) from None
    return metrics_prometheus.metrics()
