"""Requests to v2.0 while it is unknown which API the application speaks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import io
from typing import TYPE_CHECKING
from typing import Any

from keymw.web import negotiate
from keymw.web.negotiate import Format
from keymw.web.request import Request
from keymw.web.table import Match

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

_FORMATS = tuple(format_.value for format_ in Format)


class Undecided:
    """The application's response; ours if the application has no v2.0.

    A v2.0 service must get its first request unchanged and without a probe
    before it. So the application answers first. It is probed only if its
    response may mean that it has no v2.0.
    """

    def __init__(
        self,
        app: WSGIApplication,
        ours: Callable[..., WSGIApplication],
        request: Request,
        match: Match,
    ) -> None:
        """ours(environ, probe=True) is Filter.answer."""
        self._app = app
        self._ours = ours
        if request.method == 'POST' and any(r.read for r in match):
            # Both the application and keymw may read it.
            request.keep_body()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        # The application may modify the environ, so keep a copy.
        kept = dict(environ)
        held = _Held(start_response)
        chunks = self._app(environ, held.start_response)
        if not held.is_held():
            return chunks
        _rewind(kept)
        ours = self._ours(kept, probe=True)
        if ours == self._app:
            held.release()
            return chunks
        getattr(chunks, 'close', lambda: None)()
        return ours(kept, start_response)


class _Held:
    """A start_response that delays responses that may mean "I have no v2.0".

    All other responses are sent at once, and so are all that start after the
    application has returned.
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


def _is_no_answer(status: str, headers: list[tuple[str, str]]) -> bool:
    """Whether a response may mean that the service lacks v2.0.

    That is a 4xx or 5xx that is not JSON or XML, and any 400: current
    Keystones answer XML with a 400 in JSON, on every path.
    """
    kind = negotiate.media_type(dict(headers).get('Content-Type'))
    return status.startswith(('4', '5')) and (
        kind not in _FORMATS or status.startswith('400')
    )


def _rewind(environ: WSGIEnvironment) -> None:
    body = environ.get('wsgi.input')
    if isinstance(body, io.BytesIO):
        body.seek(0)
