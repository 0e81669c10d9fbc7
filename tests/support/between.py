"""What stands between keymw and its identity service in a test."""

from collections.abc import Iterable
from collections.abc import Iterator
import json
import re
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment


class Between:
    """Records requests, and answers those that a test picks."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._instead: dict[str, Iterator[WSGIApplication]] = {}
        self.asked: list[str] = []
        self.tokens: list[str | None] = []

    def instead(self, asked: str, answers: Iterable[WSGIApplication]) -> None:
        """Answer requests that fit a pattern, with one reply each.

        A request reads like "GET /v3/users/1".
        """
        self._instead[asked] = iter(answers)

    def step_aside(self) -> None:
        """Answer no more requests."""
        self._instead.clear()

    def count(self, asked: str) -> int:
        """The number of requests that fit a pattern."""
        return sum(bool(re.fullmatch(asked, line)) for line in self.asked)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        line = f'{environ["REQUEST_METHOD"]} {environ["PATH_INFO"]}'
        self.asked.append(line)
        self.tokens.append(environ.get('HTTP_X_AUTH_TOKEN'))
        return self._answer(line)(environ, start_response)

    def _answer(self, line: str) -> WSGIApplication:
        for asked, answers in self._instead.items():
            if re.fullmatch(asked, line):
                return next(answers, self._app)
        return self._app


def reply(
    status: int, body: object = b'', retry_after: str | None = None
) -> WSGIApplication:
    """An application with one response; what is not bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [
        ('Content-Type', 'application/json'),
        ('Content-Length', str(len(content))),
    ]
    if retry_after is not None:
        headers.append(('Retry-After', retry_after))

    def answer(
        _environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        start_response(f'{status} As told', headers)
        return [content]

    return answer


def broken(
    _environ: WSGIEnvironment, _start_response: StartResponse
) -> Iterable[bytes]:
    """An application that fails."""
    raise RuntimeError('broken')


def broken_halfway(
    _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """An application that fails when its good response has begun."""
    start_response('200 OK', [('Content-Type', 'application/json')])
    return _broken_body()


def _broken_body() -> Iterator[bytes]:
    yield b'{"token": '
    raise RuntimeError('broken halfway')


def cut_short(
    _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """An application whose body is shorter than its Content-Length."""
    start_response(
        '200 OK',
        [('Content-Type', 'application/json'), ('Content-Length', '100')],
    )
    return [b'{"token": ']
