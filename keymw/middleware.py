"""One request from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
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
from keymw.bodies import fault as fault_bodies
from keymw.handlers.call import Call
from keymw.handlers.call import Parts
from keymw.identity import transport
from keymw.identity.base import Caller
from keymw.identity.transport import Origin
from keymw.negotiate import Format
from keymw.routes import Match
from keymw.routes import Route
from keymw.storage.base import Outage
from keymw.vault import CannotOpen

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
        self, app: WSGIApplication, parts: Parts, conf: cfg.ConfigOpts
    ) -> None:
        self._app = app
        self._parts = parts
        self._drops = frozenset(conf.identity.drop_environ)
        self._passed: set[str] = set()
        self._all_passed = self._passed.issuperset
        self._limit = conf.limits.max_body_size
        self._challenge = conf.kskey.www_authenticate_uri
        served = routes.KSKEY_ROUTES if conf.kskey.enabled else ()
        self._table = routes.Table(served)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        # Far cheaper than a look at each name of each request.
        if not self._all_passed(environ):
            self._drop(environ)
        # What is ours, or is another spelling of it, has the dot of its
        # version in its path, or that dot percent-encoded, or is told its
        # version elsewhere.
        path = environ.get('PATH_INFO', '')
        mount = environ.get('SCRIPT_NAME')
        if (
            '.' not in path
            and '%' not in path
            and 'KEYSTONE_API_VERSION' not in environ
            and not (mount and mount.endswith('/v2.0'))
        ):
            return self._app(environ, start_response)
        response = self._respond(environ)
        if response is None:
            return self._app(environ, start_response)
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _drop(self, environ: WSGIEnvironment) -> None:
        for name in list(environ):
            if name in self._drops or name.startswith('keymw.'):
                del environ[name]
            elif len(self._passed) < _MOST_PASSED:
                self._passed.add(name)

    def _respond(self, environ: WSGIEnvironment) -> webob.Response | None:
        """Our reply, or None where the wrapped application shall answer."""
        request_id = environ.get('openstack.request_id') or _new_request_id()
        match = None
        try:
            with _all_as_faults(request_id):
                match = self._table.find(environ)
                if match is None:
                    return None
                response = self._serve(environ, match, request_id)
        except faults.Fault as fault:
            response = self._tell(fault, _reply_format(environ, match))
        if response is not None:
            response.headers.setdefault('X-Openstack-Request-Id', request_id)
        return response

    def _serve(
        self, environ: WSGIEnvironment, match: Match, request_id: str
    ) -> webob.Response | None:
        route = match.route
        if route is None:
            raise faults.MethodNotAllowed(match.allow)
        if not self._is_ours(environ, route):
            return None
        origin = transport.origin(environ, match.v2_root, request_id)
        if route.rule is None:
            return self._open(environ, match, route, origin)
        return self._operate(environ, match, route, origin)

    def _is_ours(self, environ: WSGIEnvironment, route: Route) -> bool:
        """Whether the body says so, on a URL that is not ours alone.

        Whoever answers reads the body from its start.
        """
        if route.is_ours is None:
            return True
        body = _read_body(environ, self._limit)
        environ['wsgi.input'] = io.BytesIO(body)
        return route.is_ours(body, environ.get('CONTENT_TYPE'))

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
            _all_as_faults(origin.request_id),
        ):
            caller = self._caller(environ, origin)
            entry.caller = caller.user_id
            self._parts.rules.allow(rule, caller, user_id)
            call = self._call(environ, match, route, origin, caller)
            response = _reply(route, route.handler(call), call.format)
        if route.location is not None:
            response.location = _url(environ, match, route.location)
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
        )

    def _caller(self, environ: WSGIEnvironment, origin: Origin) -> Caller:
        token = environ.get('HTTP_X_AUTH_TOKEN', '').strip()
        if not token:
            raise faults.Unauthorized()
        return self._parts.identity.caller(origin, token)

    def _body(self, environ: WSGIEnvironment, route: Route) -> Any:
        if route.check_query is not None:
            route.check_query(_query(environ))
        if route.reads is None:
            return None
        body = _read_body(environ, self._limit)
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

    def _tell(self, fault: faults.Fault, format_: Format) -> webob.Response:
        response = _respond_with(
            fault.status, fault_bodies.write(fault, format_), format_
        )
        response.headers.extend(fault.headers)
        if fault.status == 401 and self._challenge:
            response.headers['WWW-Authenticate'] = (
                f'Keystone uri="{self._challenge}"'
            )
        return response


_LONGEST_LENGTH = 18
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


def _new_request_id() -> str:
    return f'req-{uuid.uuid4()}'


def _reply_format(environ: WSGIEnvironment, match: Match | None) -> Format:
    path = environ.get('PATH_INFO', '')
    suffix = match.suffix if match else negotiate.suffix_of(path)
    return negotiate.reply_format(suffix, environ.get('HTTP_ACCEPT'))


def _reply(route: Route, found: Any, format_: Format) -> webob.Response:
    if route.writes is None:
        return webob.Response(status=route.status, headerlist=_headers())
    return _respond_with(route.status, route.writes(found, format_), format_)


def _respond_with(status: int, body: bytes, format_: Format) -> webob.Response:
    headers = [('Content-Type', format_.value), *_headers()]
    return webob.Response(status=status, headerlist=headers, body=body)


def _headers() -> list[tuple[str, str]]:
    return [
        ('Cache-Control', 'no-store'),
        ('Vary', 'Accept, X-Auth-Token'),
    ]


def _url(environ: WSGIEnvironment, match: Match, path: str) -> str:
    names = {name: quote(text, safe='') for name, text in match.path.items()}
    base: str = webob.Request(environ).application_url
    # A filter that took /v2.0 away left no trace of it in the URL.
    return f'{base.removesuffix("/v2.0")}/v2.0{path.format(**names)}'


def _query(environ: WSGIEnvironment) -> Mapping[str, str]:
    try:
        found: Mapping[str, str] = webob.Request(environ).GET
    except UnicodeDecodeError:
        raise faults.BadRequest('The query is not UTF-8.') from None
    return found


def _read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body of a request.

    :raises BodyTooLarge: it is longer than limit bytes; it is not read.
    :raises BadRequest: it is not as long as the request says.
    """
    told = environ.get('CONTENT_LENGTH') or ''
    if not told and not environ.get('wsgi.input_terminated'):
        return b''
    if told and not (told.isascii() and told.isdigit()):
        raise faults.BadRequest('Content-Length is not a number.')
    # Python refuses to read numbers of thousands of digits.
    if len(told) > _LONGEST_LENGTH or int(told or 0) > limit:
        raise faults.BodyTooLarge(limit)
    try:
        body: bytes = environ['wsgi.input'].read(int(told or limit + 1))
    except Exception as error:
        # Each server has errors of its own for what a client did wrong.
        LOG.info('a request body cannot be read: %s', type(error).__name__)
        raise faults.BadRequest('The request body cannot be read.') from None
    if told and len(body) < int(told):
        raise faults.BadRequest('The request body ends too early.')
    if len(body) > limit:
        raise faults.BodyTooLarge(limit)
    return body


@contextlib.contextmanager
def _all_as_faults(request_id: str) -> Iterator[None]:
    """Whatever goes wrong is a fault; the log has what the client has not."""
    try:
        yield
    except faults.Fault:
        raise
    except Outage as error:
        LOG.error('request %s: %s', request_id, error)
        raise faults.Unavailable('The key store cannot answer now.') from None
    except CannotOpen as error:
        LOG.error('request %s: cannot open %s', request_id, error)
        raise faults.Unavailable('The key cannot be read now.') from None
    except Exception:
        LOG.exception('request %s failed', request_id)
        raise faults.Internal() from None
