"""Keystone on a port, and keymw that asks it from afar."""

from collections.abc import Iterable
import socketserver
import threading
from typing import Any
from wsgiref import simple_server
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

from tests.support.between import Between
from tests.support.deployment import Options
from tests.support.servers import ports


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class _Silent(simple_server.WSGIRequestHandler):
    def log_message(self, *_said: Any) -> None:
        """Tests read what keymw logs."""


class Far:
    """An application on a port of loopback, and its requests."""

    def __init__(self, app: WSGIApplication) -> None:
        self.between = Between(app)
        self.environs: list[WSGIEnvironment] = []
        self._port = ports.free()
        self.url = f'http://127.0.0.1:{self._port}'
        self._server: _Server | None = None

    def start(self) -> None:
        self._server = _Server(('127.0.0.1', self._port), _Silent)
        self._server.set_app(self._answer)
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        ).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self.environs.append(dict(environ))
        return self.between(environ, start_response)


def remote(**identity: str) -> Options:
    """The options of keymw whose Keystone is far away."""
    told = {
        'transport': 'remote',
        'service_user': '',
        'service_project': '',
        'external': '',
        'auth_type': 'password',
        'username': 'admin',
        'password': 'secret',
        'user_domain_id': 'default',
        'project_name': 'admin',
        'project_domain_id': 'default',
        'timeout': '5',
    }
    return {'identity': told | identity}
