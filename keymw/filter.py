"""The filter: the steps of one request, from fast exit to response."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
from time import perf_counter
from typing import TYPE_CHECKING

from oslo_config import cfg
import webob

from keymw.as_faults import AsFaults
from keymw.call import Parts
from keymw.family import Family
from keymw.observe import audit
from keymw.observe import context
from keymw.observe import metrics_base
from keymw.web import faults
from keymw.web import paths
from keymw.web import reply
from keymw.web import request as wsgi
from keymw.web.request import Request
from keymw.web.table import Match
from keymw.web.table import Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment


_READS = ('GET', 'HEAD', 'OPTIONS')


class Filter:
    """Answers the requests of the families; passes all others on unchanged."""

    def __init__(
        self,
        app: WSGIApplication,
        families: Sequence[Family],
        conf: cfg.ConfigOpts,
        parts: Parts,
    ) -> None:
        """The first family whose table matches a request answers it."""
        self._app = app
        self._families = families
        self._clients = parts.clients
        self._audit = parts.audit
        self._drops = frozenset(conf.identity.drop_environ)
        self._limit = conf.limits.max_body_size
        self._metrics = metrics_base.of(conf)
        search = paths.Search({w for family in families for w in family.words})
        self._marks, self._may_be_guarded = search.marks, search.finds
        self._shared = tuple(
            pair for family in families for pair in family.shared.items()
        )
        written = [w for family in families for w in family.written]
        self._may_be_written = (
            paths.Search(written).finds if written else _never
        )

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request, or pass it to the wrapped application."""
        drops = self._drops
        if drops and not environ.keys().isdisjoint(drops):
            for name in drops:
                environ.pop(name, None)
        if not self._may_be_ours(environ):
            return self._app(environ, start_response)
        return self.answer(environ)(environ, start_response)

    def _may_be_ours(self, environ: WSGIEnvironment) -> bool:
        """Whether a request needs the full match: the fast exit.

        Each guarded path contains a word with a mark in PATH_INFO or across
        the end of SCRIPT_NAME, maybe percent-encoded. Four exceptions: a
        POST to a URL shared with the application, a write to a path that a
        family judges, a version that a filter moved to KEYSTONE_API_VERSION,
        and a version in SCRIPT_NAME.
        """
        path: str = environ.get('PATH_INFO', '')
        mount = environ.get('SCRIPT_NAME')
        if mount:
            if 'v3' in mount:
                return True
            path = mount + path
        for mark in self._marks:
            if mark in path:
                if self._may_be_guarded(path):
                    return True
                break
        if 'KEYSTONE_API_VERSION' in environ:
            return True
        return environ['REQUEST_METHOD'] not in _READS and (
            self._may_be_judged(environ, path)
        )

    def _may_share(self, environ: WSGIEnvironment) -> bool:
        """Whether a POST may be ours, by a cheap search of its body.

        A body that is too long is not; one that cannot be read gets a fault.
        """
        path = environ.get('PATH_INFO', '')
        for url, may_be_ours in self._shared:
            if path.startswith(url):
                try:
                    body = wsgi.keep_body(environ, self._limit)
                except faults.Fault:
                    return True
                return body is not None and may_be_ours(body)
        return False

    def _may_be_judged(self, environ: WSGIEnvironment, path: str) -> bool:
        """Whether a write is a POST to a shared URL, or to a judged path."""
        if environ['REQUEST_METHOD'] == 'POST' and self._may_share(environ):
            return True
        return self._may_be_written(path)

    def answer(
        self, environ: WSGIEnvironment, *, probe: bool = False
    ) -> WSGIApplication:
        """Our response to a request, or the wrapped application.

        probe: we may ask the wrapped application now which API it speaks.
        """
        request = Request(environ, self._limit, probe=probe)
        for family in self._families:
            try:
                match = family.table.find(request)
            except faults.Fault as fault:
                request.keep_body()
                self._metrics.failure(fault)
                return _with_id(family.write_fault(fault, request), request)
            if match is not None:
                return self._answer(family, match, request)
        return self._app

    def _answer(
        self, family: Family, match: Match, request: Request
    ) -> WSGIApplication:
        route = match[0]
        started = perf_counter()
        # The thread still has the context of the service's last request.
        global_id = wsgi.global_request_id(request.environ)
        with context.of(request.id, None, global_id):
            try:
                with AsFaults(request.id):
                    found = _first(match, request)
                    if found is None:
                        return family.otherwise(
                            match, request, self._app, self.answer
                        )
                    route = found
                    response = self._serve(family, route, request)
            except faults.Fault as fault:
                self._metrics.failure(fault)
                write = route.write_fault or family.write_fault
                response = write(fault, request)
        seconds = perf_counter() - started
        self._metrics.request(route, request, response.status_code, seconds)
        return _with_id(response, request)

    def _serve(
        self, family: Family, route: Route, request: Request
    ) -> webob.Response:
        """The response of a route, and its line in the audit log."""
        # The server would read an unread body as the next request.
        request.keep_body()
        with (
            self._logged(family, route, request) as entry,
            AsFaults(request.id),
        ):
            caller = None
            if route.rule is not None:
                caller = family.identify(request)
                entry.caller = family.name(caller)
                caller = family.authorize(route, caller, request)
            call = family.call(route, request, caller)
            result = route.handler(call)
            entry.target = family.target(request, result)
            return (route.write or reply.empty)(result, call)

    def _logged(
        self, family: Family, route: Route, request: Request
    ) -> contextlib.AbstractContextManager[audit.Entry]:
        """Log an operation that has a rule; a login writes its own line."""
        target = family.target(request)
        if route.rule is None:
            return contextlib.nullcontext(audit.Entry('', target, request.id))

        def describe() -> dict[str, str]:
            return {'address': self._clients.shown(request.environ)}

        return self._audit.operation(route.rule, target, request.id, describe)


def _never(_path: str) -> bool:
    return False


def _first(match: Match, request: Request) -> Route | None:
    for route in match:
        if route.applies is None or route.applies(request):
            return route
    return None


def _with_id(response: webob.Response, request: Request) -> webob.Response:
    response.headers.setdefault('X-Openstack-Request-Id', request.id)
    return response
