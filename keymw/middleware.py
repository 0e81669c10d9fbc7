"""One request from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import io
import logging
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote
import uuid

from oslo_config import cfg
import webob

from keymw import audit
from keymw import faults
from keymw import negotiate
from keymw import routes
from keymw import wsgi
from keymw.admin import Admin
from keymw.bodies import fault as fault_bodies
from keymw.handlers.call import Call
from keymw.handlers.call import Parts
from keymw.identity import load as identity_load
from keymw.identity import transport
from keymw.identity.base import Caller
from keymw.identity.transport import Origin
from keymw.negotiate import Format
from keymw.routing import Match
from keymw.routing import Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)


# Names of headers come from clients, who must not fill the memory.
_MOST_PASSED = 1000


class Keymw:
    """The filter: answers what is about keys, passes the rest on as it is."""

    def __init__(
        self,
        app: WSGIApplication,
        parts: Parts,
        conf: cfg.ConfigOpts,
        admin: Admin | None,
    ) -> None:
        """admin answers the routes of global keys, if they are served."""
        self._app = app
        self._parts = parts
        self._drops = frozenset(conf.identity.drop_environ)
        self._passed: set[str] = set()
        self._all_passed = self._passed.issuperset
        self._limit = conf.limits.max_body_size
        self._challenge = conf.kskey.www_authenticate_uri
        self._admin = admin
        self._table = routes.served(
            conf,
            issues=identity_load.why_no_login(conf) is None,
            faces=not identity_load.is_remote(conf),
        )

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        # Far cheaper than a look at each name of each request.
        if not self._all_passed(environ):
            self._drop(environ)
        # What is ours, or is another spelling of it, has the dot of its
        # version in its path, or that dot percent-encoded, or is told its
        # version elsewhere; only logins of v3 have none.
        path = environ.get('PATH_INFO', '')
        mount = environ.get('SCRIPT_NAME')
        if (
            '.' not in path
            and '%' not in path
            and not (
                path.startswith(_LOGIN_OF_V3)
                and environ['REQUEST_METHOD'] == 'POST'
            )
            and 'KEYSTONE_API_VERSION' not in environ
            and not (mount and mount.endswith('/v2.0'))
        ):
            return self._app(environ, start_response)
        return self._respond(environ)(environ, start_response)

    def _drop(self, environ: WSGIEnvironment) -> None:
        for name in list(environ):
            if name in self._drops or name.startswith('keymw.'):
                del environ[name]
            elif len(self._passed) < _MOST_PASSED:
                self._passed.add(name)

    def _respond(
        self, environ: WSGIEnvironment, *, asks: bool = False
    ) -> WSGIApplication:
        """Who answers: our reply, or the wrapped application.

        asks says whether to find out what the application speaks, should it
        not be known; else it answers first, as it may have an answer.
        """
        request_id = environ.get('openstack.request_id') or _new_request_id()
        if self._admin is not None:
            found = self._admin.respond(environ, request_id)
            if found is not None:
                return found
        match = None
        try:
            with wsgi.all_as_faults(request_id):
                match = self._table.find(environ)
                if match is None:
                    return self._app
                route = self._route(environ, match)
                if route is None:
                    return self._app
                if not (asks or self._is_known(route)):
                    self._keep_body(environ, route)
                    return self._try_app
                response = self._serve(environ, match, route, request_id)
        except faults.Fault as fault:
            response = self._tell(fault, environ, match)
        if response is None:
            return self._app
        response.headers.setdefault('X-Openstack-Request-Id', request_id)
        return response

    def _is_known(self, route: Route) -> bool:
        """Whether we know that a route is ours, or only we could answer."""
        return (
            not route.v3_only
            or route.is_ours is not None
            or self._parts.identity.is_known
        )

    def _keep_body(self, environ: WSGIEnvironment, route: Route) -> None:
        """Let a body be read twice, should it be one that we read."""
        if route.reads is not None and wsgi.is_within(environ, self._limit):
            body = wsgi.read_body(environ, self._limit)
            environ['wsgi.input'] = io.BytesIO(body)

    def _try_app(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The wrapped application's answer, or ours where it has none."""
        # What it is given it may change.
        kept = dict(environ)
        answer = _Heard(start_response)
        chunks = self._app(environ, answer.start_response)
        if answer.is_held():
            _rewind(kept)
            ours = self._respond(kept, asks=True)
            if ours != self._app:
                getattr(chunks, 'close', _nothing)()
                return ours(kept, start_response)
            answer.release()
        return chunks

    def _serve(
        self,
        environ: WSGIEnvironment,
        match: Match,
        route: Route,
        request_id: str,
    ) -> webob.Response | None:
        origin = transport.origin(environ, match.v2_root, request_id)
        if route.v3_only and self._parts.identity.v3(origin) is None:
            return None
        if match.route is None:
            raise faults.MethodNotAllowed(match.allow)
        if route.rule is None:
            return self._open(environ, match, route, origin)
        return self._operate(environ, match, route, origin)

    def _route(self, environ: WSGIEnvironment, match: Match) -> Route | None:
        """The route, chosen by the body on a URL that is not ours alone.

        Whoever answers reads the body from its start.
        """
        route = match.route
        if route is None:
            return None if match.like.guest else match.like
        if route.is_ours is None:
            return route
        if route.guest and not wsgi.is_within(environ, self._limit):
            return route.otherwise
        body = wsgi.read_body(environ, self._limit)
        environ['wsgi.input'] = io.BytesIO(body)
        if route.is_ours(body, environ.get('CONTENT_TYPE')):
            return route
        return route.otherwise

    def _open(
        self,
        environ: WSGIEnvironment,
        match: Match,
        route: Route,
        origin: Origin,
    ) -> webob.Response:
        """Answer what needs no caller."""
        call = self._call(environ, match, route, origin, None)
        found = route.handler(call)
        if route.merges is not None:
            return self._merge(environ, route.merges, found) or _reply(
                route, found, call.format
            )
        return _reply(route, found, call.format)

    def _operate(
        self,
        environ: WSGIEnvironment,
        match: Match,
        route: Route,
        origin: Origin,
    ) -> webob.Response:
        """Answer a caller, and log it."""
        rule, user_id = route.rule or '', match.path['user_id']
        with (
            audit.operation(rule, user_id, origin.request_id) as entry,
            wsgi.all_as_faults(origin.request_id),
        ):
            caller = self._caller(environ, origin)
            entry.caller = caller.user_id
            self._parts.rules.allow(rule, caller, user_id)
            call = self._call(environ, match, route, origin, caller)
            response = _reply(route, route.handler(call), call.format)
        if route.location is not None:
            response.location = _url(origin, match, route.location)
        return response

    def _call(
        self,
        environ: WSGIEnvironment,
        match: Match,
        route: Route,
        origin: Origin,
        caller: Caller | None,
    ) -> Call:
        return Call(
            parts=self._parts,
            origin=origin,
            rule=route.rule or '',
            caller=caller,
            path=match.path,
            body=self._body(environ, route),
            format=_reply_format(environ, match),
            token=environ.get('HTTP_X_AUTH_TOKEN', '').strip(),
            query=wsgi.query(environ),
        )

    def _caller(self, environ: WSGIEnvironment, origin: Origin) -> Caller:
        token = environ.get('HTTP_X_AUTH_TOKEN', '').strip()
        if not token:
            raise faults.Unauthorized()
        return self._parts.identity.caller(origin, token)

    def _body(self, environ: WSGIEnvironment, route: Route) -> Any:
        if route.check_query is not None:
            route.check_query(wsgi.query(environ))
        if route.reads_headers is not None:
            return route.reads_headers(environ)
        if route.reads is None:
            return None
        body = wsgi.read_body(environ, self._limit)
        return route.reads(body, environ.get('CONTENT_TYPE'))

    def _merge(
        self,
        environ: WSGIEnvironment,
        merges: Callable[[bytes, Any, Format], bytes | None],
        found: Any,
    ) -> webob.Response | None:
        """The wrapped application's answer with ours; None: it has none."""
        # A GET has no body: some answer 400 to a Content-Type they would
        # not read, and a HEAD would leave nothing to merge with.
        inner = {**environ, 'REQUEST_METHOD': 'GET'}
        for name in _ABOUT_ANOTHER_BODY:
            inner.pop(name, None)
        response = webob.Request(inner).send(self._app)
        if response.status_int == 404:
            getattr(response.app_iter, 'close', _nothing)()
            return None
        kind = negotiate.media_type(response.headers.get('Content-Type'))
        if response.status_int != 200 or kind not in _FORMATS:
            return response
        merged = merges(response.body, found, Format(kind))
        if merged is not None:
            response.body = merged
            for stale in ('ETag', 'Content-MD5'):
                response.headers.pop(stale, None)
        return response

    def _tell(
        self,
        fault: faults.Fault,
        environ: WSGIEnvironment,
        match: Match | None,
    ) -> webob.Response:
        tells = match.like.tells if match else fault_bodies.tell
        media_type, body = tells(fault, _reply_format(environ, match))
        response = _respond_with(fault.status, media_type, body)
        response.headers.extend(fault.headers)
        if fault.status == 401 and self._challenge:
            response.headers['WWW-Authenticate'] = (
                f'Keystone uri="{self._challenge}"'
            )
        return response


class _Heard:
    """Holds back what a service says that lacks a whole version.

    All else goes on at once, and so does what is said later than by the
    time the application returns.
    """

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self._held: tuple[Any, ...] | None = None
        self._written: list[bytes] = []
        self._is_over = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], *error: Any
    ) -> Callable[[bytes], object]:
        if self._is_over or not _is_no_answer(status, headers):
            return self._start_response(status, headers, *error)
        self._held = (status, headers, *error)
        return self._written.append

    def is_held(self) -> bool:
        self._is_over = True
        return self._held is not None

    def release(self) -> None:
        write = self._start_response(*(self._held or ()))
        for data in self._written:
            write(data)


_LOGIN_OF_V3 = '/v3/auth/tokens'
# What a client says of the body it sends, has, or could unpack.
_ABOUT_ANOTHER_BODY = (
    'CONTENT_TYPE',
    'HTTP_ACCEPT_ENCODING',
    'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_NONE_MATCH',
    'HTTP_RANGE',
)
_FORMATS = tuple(format_.value for format_ in Format)


def _nothing() -> None:
    """Not every iterable has something to close."""


def _is_no_answer(status: str, headers: list[tuple[str, str]]) -> bool:
    """Whether an answer may be one of a service that lacks the version.

    Keystone of today says in JSON that it reads no XML, on every path.
    """
    kind = negotiate.media_type(dict(headers).get('Content-Type'))
    return status.startswith(('4', '5')) and (
        kind not in _FORMATS or status.startswith('400')
    )


def _rewind(environ: WSGIEnvironment) -> None:
    body = environ.get('wsgi.input')
    if isinstance(body, io.BytesIO):
        body.seek(0)


def _new_request_id() -> str:
    return f'req-{uuid.uuid4()}'


def _reply_format(environ: WSGIEnvironment, match: Match | None) -> Format:
    path = environ.get('PATH_INFO', '')
    suffix = match.suffix if match else negotiate.suffix_of(path)
    return negotiate.reply_format(suffix, environ.get('HTTP_ACCEPT'))


def _reply(route: Route, found: Any, format_: Format) -> webob.Response:
    if route.writes is None:
        response = webob.Response(status=route.status, headerlist=_headers())
    else:
        body = route.writes(found, format_)
        response = _respond_with(route.status, format_.value, body)
    if route.writes_headers is not None:
        for name, value in route.writes_headers(found).items():
            response.headers[name] = value
    return response


def _respond_with(status: int, media_type: str, body: bytes) -> webob.Response:
    headers = [('Content-Type', media_type), *_headers()]
    return webob.Response(status=status, headerlist=headers, body=body)


def _headers() -> list[tuple[str, str]]:
    return [
        ('Cache-Control', 'no-store'),
        ('Vary', 'Accept, X-Auth-Token'),
    ]


def _url(origin: Origin, match: Match, path: str) -> str:
    names = {name: quote(text, safe='') for name, text in match.path.items()}
    below = path.removeprefix('/v2.0').format(**names)
    return f'{transport.v2_url(origin)}{below}'
