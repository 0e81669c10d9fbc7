"""An application that serves guarded routes in every spelling.

It looks for them with the routers that services use: Paste's urlmap, Flask,
Routes, and a pattern over WebOb's whole path.
"""

from collections.abc import Callable
from collections.abc import Iterable
import re
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

import flask
from paste import urlmap
import routes
import webob

CREDENTIALS = '/v2.0/users/u1/OS-KSADM/credentials'
GUARDED = (
    ('GET', CREDENTIALS),
    ('GET', f'{CREDENTIALS}/RAX-KSKEY:apiKeyCredentials'),
    ('POST', '/v2.0/tokens'),
    ('GET', '/v2.0/extensions/RAX-KSKEY'),
    ('GET', '/v1.0'),
    ('POST', '/v1.1/auth'),
    ('GET', '/api/public/v1.0/admin/apiKeys'),
    ('GET', '/api/public/v1.0/admin/whitelist'),
    ('GET', '/v3/users/u1/api_keys'),
    ('GET', '/v3/api_keys'),
)
# What a login with a key holds.
LOGIN = b'{"auth": {"RAX-KSKEY:apiKeyCredentials": {}}}'
REACHED = b'a guarded route was reached'


def reached(
    _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer a guarded route."""
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [REACHED]


def elsewhere(
    _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer all others."""
    start_response('404 Not Found', [('Content-Type', 'text/html')])
    return [b'<p>elsewhere</p>']


def by_urlmap() -> WSGIApplication:
    """An application below each version, and one at each whole path."""
    found = urlmap.URLMap(not_found_app=elsewhere)
    answer: WSGIApplication = found
    for mount in (
        '/v2.0',
        '/v3',
        '/v1.0',
        '/v1.1',
        *(path for _, path in GUARDED),
    ):
        found[mount] = _below(mount)
    return answer


def _below(mount: str) -> WSGIApplication:
    rests = [
        path.removeprefix(mount)
        for _, path in GUARDED
        if path.startswith(mount)
    ]

    def asked(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        is_it = environ['PATH_INFO'].rstrip('/') in rests
        return (reached if is_it else elsewhere)(environ, start_response)

    return asked


def by_flask() -> WSGIApplication:
    """One view for each path, with or without a slash at its end."""
    found = flask.Flask(__name__)
    found.url_map.strict_slashes = False
    for number, (method, path) in enumerate(GUARDED):
        found.add_url_rule(
            path, str(number), lambda: REACHED, methods=[method]
        )
    answer: WSGIApplication = found.wsgi_app
    return answer


def by_routes() -> WSGIApplication:
    """A mapper of Routes."""
    mapper = routes.Mapper()
    for _, path in GUARDED:
        mapper.connect(None, path.replace(':', r'\:'), controller='reached')
    mapper.create_regs()

    def asked(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        is_it = mapper.match(environ['PATH_INFO']) is not None
        return (reached if is_it else elsewhere)(environ, start_response)

    return asked


def by_whole_path() -> WSGIApplication:
    """What WebOb calls the path: SCRIPT_NAME and PATH_INFO."""
    paths = '|'.join(re.escape(path) for _, path in GUARDED)
    pattern = re.compile(f'(?:{paths})/?')

    def asked(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = webob.Request(environ)
        is_it = pattern.fullmatch(request.script_name + request.path_info)
        return (reached if is_it else elsewhere)(environ, start_response)

    return asked


ROUTERS: dict[str, Callable[[], WSGIApplication]] = {
    'urlmap': by_urlmap,
    'Flask': by_flask,
    'Routes': by_routes,
    'WebOb': by_whole_path,
}


_APPS = {name: make() for name, make in ROUTERS.items()}


def accepting(environ: WSGIEnvironment) -> list[str]:
    """The names of those that take a request for one of a guarded route."""
    return [name for name, app in _APPS.items() if _is_reached(app, environ)]


def accepts(environ: WSGIEnvironment) -> bool:
    """Whether one of them takes a request for one of a guarded route."""
    return any(_is_reached(app, environ) for app in _APPS.values())


def application(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """All of them in turn."""
    app = reached if accepts(environ) else elsewhere
    return app(environ, start_response)


def _is_reached(app: WSGIApplication, environ: WSGIEnvironment) -> bool:
    made = {**webob.Request.blank('/').environ, **environ}
    try:
        response = webob.Request(made).send(app)
    except Exception:
        # A router may choke on a path; then it reaches nothing.
        return False
    return bool(response.body == REACHED)
