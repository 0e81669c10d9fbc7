"""A filter that kills its process at a request which a test names.

The order is a file with one line, as "after POST /v3/OS-TRUST/trusts" or
"before DELETE /v3/OS-TRUST/trusts/.*". The first process whose request fits
takes the file away and is gone as by kill -9.
"""

from collections.abc import Callable
from collections.abc import Iterable
import os
import pathlib
import re
import signal
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment


def filter_factory(
    _global_conf: object, order: str
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Return the filter; order is the path of the file."""
    return lambda app: Killer(app, pathlib.Path(order))


class Killer:
    """Passes requests on until it is told to kill."""

    def __init__(self, app: WSGIApplication, order: pathlib.Path) -> None:
        self._app = app
        self._order = order

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        line = f'{environ["REQUEST_METHOD"]} {environ["PATH_INFO"]}'
        self._obey(f'before {line}')
        response = self._app(environ, start_response)
        self._obey(f'after {line}')
        return response

    def _obey(self, moment: str) -> None:
        if not self._order.exists():
            return
        if re.fullmatch(self._order.read_text(), moment):
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
