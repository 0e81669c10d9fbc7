"""The page to manage keys on: static files, served with strict headers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import webob

from keymw.web import hosts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ('Content-Security-Policy', POLICY),
    ('X-Content-Type-Options', 'nosniff'),
    ('Referrer-Policy', 'no-referrer'),
    ('Cache-Control', 'no-cache'),
)
_TYPES = {
    'html': 'text/html; charset=UTF-8',
    'css': 'text/css; charset=UTF-8',
    'js': 'text/javascript; charset=UTF-8',
    'svg': 'image/svg+xml',
}
_INDEX = 'index.html'
_DEFAULT_PATH = '/keys'


@dataclasses.dataclass(frozen=True)
class _File:
    body: bytes
    content_type: str
    etag: str


class Page:
    """The WSGI application: the page at "/", and its files beside it.

    The API is expected one level above: a page at /keys/ sends its requests
    to /v3 and /v2.0.
    """

    def __init__(self) -> None:
        self._files = dict(_files())

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request; the query is ignored."""
        checked = hosts.checked(environ)
        return self._answer(webob.Request(checked))(checked, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        if request.method not in ('GET', 'HEAD'):
            return _text(405, 'Method not allowed', ('Allow', 'GET, HEAD'))
        if not request.path_info:
            return _text(
                308, 'The page is below.', ('Location', _slash(request))
            )
        file = self._files.get(request.path_info[1:] or _INDEX)
        if file is None:
            return _text(404, 'There is no such page.')
        headers = [('Content-Type', file.content_type), *_HEADERS]
        response = webob.Response(body=file.body, headerlist=headers)
        response.etag = file.etag
        response.conditional_response = True
        return response


class Before:
    """A filter: the page at a path, the wrapped application elsewhere."""

    def __init__(self, app: WSGIApplication, path: str) -> None:
        self._app = app
        self._path = path
        self._page = Page()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request, or pass it to the wrapped application."""
        path, root = environ.get('PATH_INFO', ''), self._path
        if path != root and not path.startswith(f'{root}/'):
            return self._app(environ, start_response)
        moved = environ | {
            'SCRIPT_NAME': environ.get('SCRIPT_NAME', '') + root,
            'PATH_INFO': path[len(root) :],
        }
        return self._page(moved, start_response)


def app_factory(_global_conf: Mapping[str, str]) -> WSGIApplication:
    """Make the application of [app:…] use = egg:keymw#page."""
    return Page()


def filter_factory(
    _global_conf: Mapping[str, str], path: str = _DEFAULT_PATH
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Make the filter of [filter:…] use = egg:keymw#page.

    path is where the page is; its requests go one level above.
    """
    root = f'/{path.strip("/")}'
    return lambda app: Before(app, root)


def _files() -> Iterable[tuple[str, _File]]:
    for file in resources.files('keymw.page').joinpath('static').iterdir():
        kind = _TYPES.get(file.name.rpartition('.')[2])
        if kind is not None:
            body = file.read_bytes()
            yield (
                file.name,
                _File(body, kind, hashlib.sha256(body).hexdigest()),
            )


def _slash(request: webob.Request) -> str:
    # A relative URL: the service may be mounted anywhere.
    return f'{request.script_name.rpartition("/")[2]}/'


def _text(status: int, text: str, *more: tuple[str, str]) -> webob.Response:
    headers = [('Content-Type', 'text/plain; charset=UTF-8'), *_HEADERS, *more]
    body = f'{text}\n'.encode()
    return webob.Response(status=status, headerlist=headers, body=body)
