"""The measured requests, by name; each is a function without arguments."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import json
import logging
import os
import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import identity
from tests.support import pass_through
from tests.support import wire
from tests.support.deployment import Deployment
from tests.support.deployment import Options

KEY = '0123456789abcdef' * 2
HEADERS = 22


def log() -> None:
    """Make every record at INFO; no handler writes it."""
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler()])


def made(home: pathlib.Path, services: int = 3) -> Any:
    """Return keymw before an immediate identity service, with its cache on."""
    return before(identity.Instant(services), home)


def before(application: Any, home: pathlib.Path) -> Any:
    """Return keymw, newly installed in a folder, before an application."""
    return deployed(home).load(application)


def observed(home: pathlib.Path) -> Any:
    """Return keymw with limits, audit to a file, and shared metrics on."""
    shared = home / 'metrics'
    shared.mkdir(parents=True)
    os.environ['PROMETHEUS_MULTIPROC_DIR'] = str(shared)
    options = {
        'limits': {'direct_clients': 'true'},
        'audit': {'file': str(home / 'audit.jsonl')},
        'metrics': {'enabled': 'true'},
    }
    return deployed(home / 'observed', options).load(identity.Instant(3))


def deployed(home: pathlib.Path, more: Options | None = None) -> Deployment:
    """Return the files of a keymw, newly installed in a folder."""
    options = {'token_cache_ttl': '3600', 'api_version': 'v3'}
    deployment = Deployment(home, {'identity': options, **(more or {})})
    deployment.set_up()
    # A worker reads a repository of keys again until it is a second old.
    os.utime(deployment.home / 'vault', (0, 0))
    return deployment


def paths(home: pathlib.Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield every measured path by name; the first ones pass through."""
    bare = before(nothing, home / 'bare')
    for name, method, path in PASSED:
        yield name, passing(bare, method, path)
    app = made(home / 'few')
    add(app, 1)
    add(app, 2)
    yield 'GET credential', getting(app, [1], '')
    yield 'GET credential, token of a key', getting(app, [1], 'key-')
    yield 'reset by owner', lambda: reset(app, 1)
    yield 'login v2.0', lambda: login(app, 2, 'application/json')
    many = made(home / 'many', services=25)
    add(many, 2)
    yield 'login v2.0, XML, 25', lambda: login(many, 2, 'application/xml')
    seen = observed(home / 'seen')
    add(seen, 1)
    add(seen, 2)
    yield 'GET credential, observed', getting(seen, [1], '')
    yield 'login v2.0, observed', lambda: login(seen, 2, 'application/json')


PASSED = (
    ('pass-through, plain', 'GET', '/v3/users'),
    ('pass-through, dotted', 'GET', '/v1/account/container/file.tar.gz'),
    ('pass-through, percent', 'GET', '/v1/account/container/50%'),
    ('pass-through, v3 login', 'POST', '/v3/auth/tokens'),
)
_LOGIN = b'{"auth": {"identity": {"methods": ["password"]}}}'


def nothing(_environ: Any, start_response: Any) -> list[bytes]:
    """A minimal application."""
    start_response('200 OK', [])
    return [b'']


def passing(
    app: Any, method: str, path: str, **more: str
) -> Callable[[], object]:
    """Return a request for the application, with the headers of a browser."""
    body = _LOGIN if method == 'POST' else b''
    environ = pass_through.environ_of(method, path, body)
    environ |= {f'HTTP_X_HEADER_{n}': 'value' for n in range(HEADERS)}
    environ |= more
    stream = environ['wsgi.input']

    def ask() -> object:
        stream.seek(0)
        environ['wsgi.input'] = stream
        return app(environ, _start)

    return ask


def _start(*_: object) -> None:
    return None


def add(app: Any, number: int) -> None:
    """Give a numbered user a key."""
    id_ = identity.user_id(number)
    body = {wire.ROOT: {'username': id_, 'apiKey': KEY}}
    identity.ask(
        app,
        'POST',
        wire.base(id_),
        body=json.dumps(body).encode(),
        CONTENT_TYPE='application/json',
        HTTP_X_AUTH_TOKEN=identity.ADMIN,
    )


def getting(app: Any, numbers: list[int], prefix: str) -> Callable[[], object]:
    """Return a GET of the key of each user in turn, with the user's token."""
    turn = iter(_for_ever(numbers))

    def ask() -> object:
        id_ = identity.user_id(next(turn))
        token = f'{prefix}{id_}'
        return identity.ask(app, 'GET', wire.key(id_), HTTP_X_AUTH_TOKEN=token)

    return ask


def _for_ever(numbers: list[int]) -> Iterator[int]:
    while True:
        yield from numbers


def reset(app: Any, number: int) -> object:
    """Reset a key as its owner."""
    id_ = identity.user_id(number)
    return identity.ask(app, 'POST', wire.reset(id_), HTTP_X_AUTH_TOKEN=id_)


def login(app: Any, number: int, media_type: str) -> object:
    """Log in with a key for one project."""
    credentials = {'username': identity.user_id(number), 'apiKey': KEY}
    auth = {wire.ROOT: credentials, 'tenantId': identity.PROJECT['id']}
    return identity.ask(
        app,
        'POST',
        '/v2.0/tokens',
        body=json.dumps({'auth': auth}).encode(),
        CONTENT_TYPE='application/json',
        HTTP_ACCEPT=media_type,
    )
