"""Named checks with a deadline, and the page that shows their results."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent import futures
import json
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)
OK = 'ok'
FAILS = 'fails'
# Check by name, and its result in words: OK, or what is wrong.
Results = Mapping[str, str]


class Check:
    """A check that runs in a thread of its own, once at a time.

    A hanging check is waited for by all probes: it takes one thread.
    """

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        """run raises any exception if its part is not usable."""
        self._name = name
        self._run = run
        self._lock = threading.Lock()
        self._running: futures.Future[str] | None = None
        self._last = OK

    def start(self) -> futures.Future[str]:
        """The result of the check, to come."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = futures.Future()
                # The process does not wait for it at its end.
                threading.Thread(
                    target=self._finish, args=[self._running], daemon=True
                ).start()
            return self._running

    def _finish(self, running: futures.Future[str]) -> None:
        try:
            self._run()
        except Exception as error:  # any failure of a part is its result
            self._note(FAILS, error)
            running.set_result(FAILS)
        else:
            self._note(OK)
            running.set_result(OK)

    def _note(self, result: str, error: Exception | None = None) -> None:
        """Log a change: probes come every second."""
        if result == self._last:
            return
        self._last = result
        if error is None:
            LOG.info('health: %s is usable again', self._name)
        else:
            LOG.warning('health: %s is not usable: %s', self._name, error)


class Checks:
    """The checks of one filter, by name."""

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = {name: Check(name, run) for name, run in checks.items()}

    def run(self, deadline: float) -> Results:
        """Run all checks at once, and wait at most deadline seconds."""
        started = {name: c.start() for name, c in self._checks.items()}
        futures.wait(started.values(), deadline)
        late = f'no answer within {deadline:g} s'
        return {
            name: running.result() if running.done() else late
            for name, running in started.items()
        }


def is_ready(results: Results) -> bool:
    """Whether all checks succeeded; without any check, nothing is ready."""
    return bool(results) and set(results.values()) == {OK}


class Health:
    """Answers /healthz and /readyz; passes other requests to app.

    /healthz is 200 as long as the process answers. /readyz is 200 if all
    checks succeed, else 503. Results are words of ours: no page shows the
    text of an exception.
    """

    def __init__(
        self,
        run: Callable[[], Results],
        app: WSGIApplication,
        *,
        is_detailed: bool,
    ) -> None:
        self._run = run
        self._app = app
        self._is_detailed = is_detailed

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        # A map of URLs may have moved the path to SCRIPT_NAME.
        path = environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', '')
        if path.endswith('/healthz'):
            return self._respond(environ, start_response, True, {})
        if path.endswith('/readyz'):
            results = self._run()
            ready = is_ready(results)
            return self._respond(environ, start_response, ready, results)
        return self._app(environ, start_response)

    def _respond(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        is_good: bool,
        results: Results,
    ) -> Iterable[bytes]:
        kind, body = self._body(is_good, results)
        headers = [
            ('Content-Type', kind),
            ('Content-Length', str(len(body))),
            ('Cache-Control', 'no-store'),
        ]
        status = '200 OK' if is_good else '503 Service Unavailable'
        start_response(status, headers)
        return [] if environ['REQUEST_METHOD'] == 'HEAD' else [body]

    def _body(self, is_good: bool, results: Results) -> tuple[str, bytes]:
        if self._is_detailed and results:
            shown = {'ready': is_good, 'checks': dict(sorted(results.items()))}
            return 'application/json', json.dumps(shown).encode()
        return 'text/plain', b'ok\n' if is_good else b'not ready\n'


def nowhere(
    _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """The application behind a Health that stands alone: 404."""
    start_response('404 Not Found', [('Content-Length', '0')])
    return []
