"""Metrics by prometheus-client, in a registry of keymw's own.

With PROMETHEUS_MULTIPROC_DIR set, each process writes its numbers to files
in that directory, and any process can show the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import functools
import logging
import os
import time
from time import perf_counter
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import prometheus_client as client
from prometheus_client import exposition
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from keymw.conf import ConfigError
from keymw.observe import batch
from keymw.observe import metrics_base as base
from keymw.observe.batch import Batch
from keymw.web.faults import Fault
from keymw.web.request import Request
from keymw.web.table import Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)
T = TypeVar('T')
DIRECTORY = 'PROMETHEUS_MULTIPROC_DIR'

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)
_PART_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
# A reason may contain an id; no label may have values without end.
_MOST_REASONS = 100
_COUNT_PERIOD = 60.0  # seconds


class Prometheus(base.Metrics):
    """Counters and histograms. Their children are bound once.

    batch  what waits to be written; the registry has it first
    """

    def __init__(self, registry: client.CollectorRegistry) -> None:
        self.batch = Batch()
        registry.register(self.batch)
        counter = functools.partial(client.Counter, registry=registry)
        histogram = functools.partial(client.Histogram, registry=registry)
        self._requests = counter(
            'keymw_requests',
            'Requests that keymw answered.',
            ('family', 'operation', 'status'),
        )
        self._seconds = histogram(
            'keymw_request_seconds',
            'Time from the match of a route to its response.',
            ('family', 'operation'),
            buckets=_REQUEST_SECONDS,
        )
        self._failures = counter(
            'keymw_failures',
            'Faults by status and internal reason, which no response shows.',
            ('status', 'reason'),
        )
        self._parts = histogram(
            'keymw_part_seconds',
            'Time of calls to the store, the vault and the identity service.',
            ('part', 'call'),
            buckets=_PART_SECONDS,
        )
        self._outages = counter(
            'keymw_part_failures',
            'Failed calls to a part; for the vault, values it cannot open.',
            ('part', 'call'),
        )
        self._caches = counter(
            'keymw_cache_lookups',
            'Look-ups in the caches of the identity service.',
            ('cache', 'result'),
        )
        self._of_route = functools.cache(self._bound_to_route)
        self._reasons: set[str] = set()
        self._is_checked = DIRECTORY in os.environ

    def request(
        self, route: Route, request: Request, status: int, seconds: float
    ) -> None:
        if not self._is_checked:
            self._check(request.environ)
        count, observe = self._of_route(route, status)
        count()
        observe(seconds)
        self.batch.bound()

    def _bound_to_route(
        self, route: Route, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        family = route.handler.__module__.split('.')[1]
        operation = route.rule or f'{route.method} {route.path}'
        return (
            self.batch.counter(
                self._requests.labels(family, operation, status)
            ),
            self.batch.histogram(self._seconds.labels(family, operation)),
        )

    def failure(self, fault: Fault) -> None:
        reason = fault.reason or fault.name
        if reason not in self._reasons:
            if len(self._reasons) >= _MOST_REASONS:
                reason = 'other'
            self._reasons.add(reason)
        self._failures.labels(fault.status, reason).inc()

    def cache(self, name: str) -> Callable[[bool], None]:
        hit = self.batch.counter(self._caches.labels(name, 'hit'))
        miss = self.batch.counter(self._caches.labels(name, 'miss'))
        return lambda is_hit: hit() if is_hit else miss()

    def _check(self, environ: WSGIEnvironment) -> None:
        """Log at the first request that numbers of other workers lack."""
        self._is_checked = True
        if environ.get('wsgi.multiprocess'):
            LOG.warning('%s', OF_ONE_WORKER)

    def timed(
        self, part: str, of: T, methods: Iterable[str], name: str = ''
    ) -> T:
        for method in methods:
            call = f'{name}.{method}' if name else method
            timed = _timed(
                getattr(of, method),
                self.batch.histogram(self._parts.labels(part, call)),
                self._outages.labels(part, call).inc,
            )
            setattr(of, method, timed)
        return of


OF_ONE_WORKER = (
    f'{DIRECTORY} is not set, and several workers serve: the metrics are '
    'those of one worker'
)


def _timed(
    call: Callable[..., Any],
    observe: Callable[[float], None],
    count_failure: Callable[[], None],
) -> Callable[..., Any]:
    @functools.wraps(call)
    def timed(*arguments: Any, **named: Any) -> Any:
        started = perf_counter()
        try:
            return call(*arguments, **named)
        except Exception as error:
            # A fault below 500 is about the request.
            if getattr(error, 'status', 500) >= 500:
                count_failure()
            raise
        finally:
            observe(perf_counter() - started)

    return timed


_REGISTRY = client.CollectorRegistry()


@functools.cache
def metrics() -> Prometheus:
    """The metrics of this process.

    :raises ConfigError: PROMETHEUS_MULTIPROC_DIR names no directory.
    """
    directory = os.environ.get(DIRECTORY)
    if directory is not None and not os.path.isdir(directory):
        raise ConfigError(f'{DIRECTORY}: there is no directory {directory}')
    return Prometheus(_REGISTRY)


class _Ours(Collector):
    """The metrics of keymw, without others in the same directory."""

    def __init__(self, all_: Collector) -> None:
        self._all = all_

    def collect(self) -> Iterator[Metric]:
        for metric in self._all.collect():
            if metric.name.startswith('keymw_'):
                yield metric


class _KeyTime(Collector):
    """The time of the sealing key: its age grows between two scrapes."""

    def __init__(self, read: Callable[[], float | None]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        made = self._read()
        if made is not None:
            yield GaugeMetricFamily(
                'keymw_vault_key_made_timestamp_seconds',
                'Time at which the sealing key of the vault was made.',
                value=made,
            )


class _ApiKeys(Collector):
    """API keys by state, counted anew at most once in a period."""

    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count
        self._counts: Mapping[str, int] = {}
        self._next = 0.0

    def collect(self) -> Iterator[Metric]:
        now = perf_counter()
        if now >= self._next:
            self._counts, self._next = self._count(), now + _COUNT_PERIOD
        found = GaugeMetricFamily(
            'keymw_api_keys',
            'API keys by state; those that expire in 7 days are active too.',
            labels=('state',),
        )
        for state, number in self._counts.items():
            found.add_metric((state,), number)
        yield found


def application(
    key_time: Callable[[], float | None],
    api_keys: Callable[[], Mapping[str, int]],
) -> WSGIApplication:
    """The application that shows the metrics, on every path.

    key_time returns when the sealing key was made, None if unknown. api_keys
    counts API keys by state, {} if unknown. With several workers and no
    shared directory each response is 503.
    """
    shown = client.CollectorRegistry()
    if DIRECTORY in os.environ:
        shown.register(metrics().batch)
        shown.register(_Ours(MultiProcessCollector(None)))  # type: ignore[no-untyped-call]
    else:
        shown.register(_Ours(_REGISTRY))
    shown.register(_KeyTime(key_time))
    shown.register(_ApiKeys(api_keys))
    show = exposition.make_wsgi_app(shown)

    def app(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if environ.get('wsgi.multiprocess') and DIRECTORY not in os.environ:
            start_response(
                '503 Service Unavailable', [('Content-Type', 'text/plain')]
            )
            return [f'{OF_ONE_WORKER}\n'.encode()]
        if DIRECTORY in os.environ:
            # Other workers have written by then what they have counted.
            time.sleep(1.5 * batch.SECONDS)
        page: Iterable[bytes] = show(environ, start_response)
        return page

    return app
