"""Measures the cost of keymw for a request that it passes on."""

import pathlib
import statistics
import sys
import tempfile
import timeit
from typing import Any

import webob

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from tests.support.deployment import Deployment

ROUNDS = 15
CALLS = 20_000
PATHS = (
    '/v3',
    '/v3/auth/tokens',
    f'/v3/projects/{"0" * 32}/users/{"1" * 32}',
    '/v3/services/image.v2/x',
    f'/v3/regions/eu.west/projects/{"0" * 32}',
    '/v3/users/50%25',
    '/v3/regions/a%2Fb',
)


def application(_environ: Any, start_response: Any) -> list[bytes]:
    """A minimal application."""
    start_response('200 OK', [])
    return [b'']


def seconds(app: Any, path: str) -> float:
    """Return the seconds of one call, with 37 names in the environ."""
    environ = webob.Request.blank(path).environ
    environ |= {f'HTTP_X_HEADER_{n}': 'value' for n in range(22)}
    return (
        timeit.timeit(lambda: app(environ, lambda *_: None), number=CALLS)
        / CALLS
    )


def main() -> None:
    """Time the bare and the wrapped application alternately in one run."""
    with tempfile.TemporaryDirectory() as home:
        made = Deployment(pathlib.Path(home))
        made.set_up()
        wrapped = made.load(application)
    for path in PATHS:
        pairs = [
            (seconds(application, path), seconds(wrapped, path))
            for _ in range(ROUNDS)
        ]
        bare, with_keymw = map(statistics.median, zip(*pairs, strict=True))
        print(
            f'{path[:24]:24}  bare {bare * 1e9:5.0f} ns'
            f'  with keymw {with_keymw * 1e9:5.0f} ns'
            f'  cost {(with_keymw - bare) * 1e9:5.0f} ns'
        )


if __name__ == '__main__':
    main()
