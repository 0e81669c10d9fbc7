"""Measures floods of wrong keys: 100,000 from 1 address and from 10,000.

First come wrong credentials, then wrong API keys with a good checksum. An
owner signs in at another address throughout. Each flood prints the number of
each status, the memory before, in the middle and after, and refusals for each
second of one core. The audit events go to a file.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable
import itertools
import json
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import identity
from bench import paths
from keymw.api_keys import keys
from tests.support import pass_through
from tests.support import wire
from tests.support.deployment import Deployment
from tests.support.trusting import Trusting

FLOOD = 100_000
EVERY = 1000
ELSEWHERE = '9.9.9.9'
USER = identity.user_id(1)
# An attempt with a key: its path and its body.
Attempt = Callable[[str], tuple[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('keys', type=int, nargs='?', default=FLOOD)
    flood_of = parser.parse_args().keys
    for kind, count in itertools.product(KINDS, (1, 10_000)):
        with tempfile.TemporaryDirectory() as home:
            flood(pathlib.Path(home), kind, count, flood_of)


def flood(home: pathlib.Path, kind: str, count: int, flood_of: int) -> None:
    """Send the wrong keys from so many addresses, and print what came."""
    file = home / 'audit.jsonl'
    app = made(home / 'keymw', file)
    attempt, prepare, wrong = KINDS[kind]
    right = prepare(app)
    addresses = itertools.cycle(
        f'11.{n >> 16}.{n >> 8 & 255}.{n & 255}' for n in range(count)
    )
    statuses: collections.Counter[int] = collections.Counter()
    owner: collections.Counter[int] = collections.Counter()
    send(app, attempt(wrong(flood_of)), ELSEWHERE)
    used, spent = [memory()], 0.0
    for number in range(flood_of):
        asked = attempt(wrong(number))
        start = time.process_time()
        statuses[send(app, asked, next(addresses))] += 1
        spent += time.process_time() - start
        if number % EVERY == 0:
            owner[send(app, attempt(right), ELSEWHERE)] += 1
        if number == flood_of // 2:
            used.append(memory())
    shown = ', '.join(f'{size:.1f}' for size in (*used, memory()))
    lines = file.read_text().splitlines()
    print(f'{flood_of} wrong {kind} from {count} addresses:')
    print(f'  statuses {dict(statuses)}, of the owner {dict(owner)}')
    print(f'  memory {shown} MB')
    print(f'  {flood_of / spent:.0f} refusals a second and core')
    print(f'  {len(lines)} events, {file.stat().st_size / 1e6:.1f} MB')


def made(home: pathlib.Path, file: pathlib.Path) -> Any:
    """Return keymw before an immediate identity service."""
    deployment = Deployment(
        home,
        {
            'identity': {'token_cache_ttl': '3600', 'api_version': 'v3'},
            'api_keys': {'enabled': 'true'},
            'audit': {'file': str(file)},
        },
    )
    deployment.set_up()
    return deployment.load(Trusting(3))


def by_credential(key: str) -> tuple[str, Any]:
    """Return a login of v2.0."""
    credentials = {'username': USER, 'apiKey': key}
    return '/v2.0/tokens', {'auth': {wire.ROOT: credentials}}


def by_api_key(key: str) -> tuple[str, Any]:
    """Return a login of v3."""
    method = {'methods': ['api_key'], 'api_key': {'secret': key}}
    return '/v3/auth/tokens', {'auth': {'identity': method}}


def a_credential(app: Any) -> str:
    """Make a credential, and return it."""
    paths.add(app, 1)
    return paths.KEY


def an_api_key(app: Any) -> str:
    """Make an API key, and return it."""
    environ = environ_of(
        f'/v3/users/{USER}/api_keys',
        {'api_key': {'name': 'nightly'}},
        HTTP_X_AUTH_TOKEN=USER,
    )
    found = json.loads(pass_through.ask(app, environ).body)
    return str(found['api_key']['secret'])


def wrong_api_key(number: int) -> str:
    """Return a key that is none, with the form of one."""
    return keys.make('kmw', f'{number:016x}', f'{number:032x}')


KINDS: dict[
    str, tuple[Attempt, Callable[[Any], str], Callable[[int], str]]
] = {
    'credentials': (by_credential, a_credential, '{:032x}'.format),
    'API keys': (by_api_key, an_api_key, wrong_api_key),
}


def send(app: Any, asked: tuple[str, Any], address: str) -> int:
    """Return the status of a login from an address."""
    environ = environ_of(*asked, REMOTE_ADDR=address)
    return pass_through.ask(app, environ).status


def environ_of(path: str, body: Any, **more: str) -> dict[str, Any]:
    """Return the environ of a POST in JSON."""
    data = json.dumps(body).encode()
    more = {'CONTENT_TYPE': 'application/json', **more}
    return pass_through.environ_of('POST', path, data, **more)


def memory() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


if __name__ == '__main__':
    main()
