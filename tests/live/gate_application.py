"""keymw before applications that answer guarded routes themselves.

A request with the header X-Direct goes to them past keymw. They name the
routers that take it in the header X-Behind, and the length of a body that
reaches the URL of v3 logins.
"""

from collections.abc import Iterable
import os
from wsgiref.types import StartResponse
from wsgiref.types import WSGIEnvironment

import a2wsgi

import keymw
from tests.support import between
from tests.support import lenient

_V3 = between.reply(200, {'version': {'id': 'v3.14'}})
_NO_TOKEN = between.reply(401, {'error': {'code': 401, 'message': 'no'}})


def _behind(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    path = environ.get('PATH_INFO', '')
    if path == '/v3':
        return _V3(environ, start_response)
    if path == '/v3/auth/tokens' and environ['REQUEST_METHOD'] == 'GET':
        return _NO_TOKEN(environ, start_response)
    if path == '/v3/auth/tokens':
        body = environ['wsgi.input'].read()
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'%d bytes' % len(body)]
    names = lenient.accepting(environ)
    start_response(
        '200 OK' if names else '404 Not Found',
        [
            ('Content-Type', 'text/plain'),
            ('X-Behind', ' '.join(names) or 'nobody'),
        ],
    )
    return [lenient.REACHED if names else b'elsewhere']


_front = keymw.wrap(_behind, os.environ['KEYMW_CONF'])


def application(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Either of the two."""
    is_direct = environ.pop('HTTP_X_DIRECT', None)
    return (_behind if is_direct else _front)(environ, start_response)


# Its types of WSGI are its own.
asgi = a2wsgi.WSGIMiddleware(application)  # type: ignore[arg-type]
