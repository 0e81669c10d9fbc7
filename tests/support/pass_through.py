"""WSGI by hand, for requests that a client library would clean up."""

import dataclasses
import io
import sys
from typing import Any


class Wrapped:
    """Keeps every environ and sends one reply to all; HEAD has no body."""

    def __init__(
        self,
        status: str = '200 OK',
        body: bytes = b'wrapped',
        **headers: str,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [
            (name.replace('_', '-'), value) for name, value in headers.items()
        ]
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environs.append(environ)
        start_response(self.status, self.headers)
        return [] if environ['REQUEST_METHOD'] == 'HEAD' else [self.body]


class Exchanged:
    """The application of the moment, behind one that is loaded once."""

    app: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.app(environ, start_response)


class Seen:
    """Writes down every environ on its way to an application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environs.append(dict(environ))
        return self._app(environ, start_response)


@dataclasses.dataclass(frozen=True)
class Reply:
    """A response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def environ_of(
    method: str, path: str, body: bytes = b'', /, **more: Any
) -> dict[str, Any]:
    """The environ of a request whose path is taken as it is."""
    made = {
        'REQUEST_METHOD': method,
        'SCRIPT_NAME': '',
        'PATH_INFO': path,
        'QUERY_STRING': '',
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'REMOTE_ADDR': '127.0.0.1',
        'HTTP_HOST': 'localhost',
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': 'http',
        'wsgi.input': io.BytesIO(body),
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': False,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
    }
    if body:
        made['CONTENT_LENGTH'] = str(len(body))
    return made | more


def ask(app: Any, environ: dict[str, Any]) -> Reply:
    """Put a request to an application and read all it says."""
    said: tuple[str, list[tuple[str, str]]] = ('', [])
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: Any = None
    ) -> Any:
        nonlocal said
        said = (status, headers)
        return written.append

    chunks = app(environ, start_response)
    try:
        body = b''.join(chunks)
    finally:
        if hasattr(chunks, 'close'):
            chunks.close()
    status, headers = said
    return Reply(
        int(status[:3]),
        {name.lower(): value for name, value in headers},
        b''.join(written) + body,
    )
