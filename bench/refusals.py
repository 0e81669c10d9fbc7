"""Measures a flood of wrong keys: 100,000 from 1 address and from 10,000.

An owner signs in at another address throughout. Each flood prints the number
of each status, the memory before and after, and refusals for each second of
one core. The audit events go to a file.
"""

import collections
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
from tests.support import pass_through
from tests.support import wire
from tests.support.deployment import Deployment

FLOOD = 100_000
EVERY = 1000
ELSEWHERE = '9.9.9.9'


def main() -> None:
    for count in (1, 10_000):
        with tempfile.TemporaryDirectory() as home:
            flood(pathlib.Path(home), count)


def flood(home: pathlib.Path, count: int) -> None:
    """Send the wrong keys from so many addresses, and print what came."""
    file = home / 'audit.jsonl'
    app = made(home / 'keymw', file)
    paths.add(app, 1)
    addresses = itertools.cycle(
        f'11.{n >> 16}.{n >> 8 & 255}.{n & 255}' for n in range(count)
    )
    statuses: collections.Counter[int] = collections.Counter()
    owner: collections.Counter[int] = collections.Counter()
    send(app, 'x' * 32, ELSEWHERE)
    before, spent = memory(), 0.0
    for number in range(FLOOD):
        start = time.process_time()
        statuses[send(app, f'{number:032x}', next(addresses))] += 1
        spent += time.process_time() - start
        if number % EVERY == 0:
            owner[send(app, paths.KEY, ELSEWHERE)] += 1
    print(f'{FLOOD} wrong keys from {count} addresses:')
    print(f'  statuses {dict(statuses)}, of the owner {dict(owner)}')
    print(f'  memory {before:.1f} MB before, {memory():.1f} MB after')
    print(f'  {FLOOD / spent:.0f} refusals a second and core')
    lines = file.read_text().splitlines()
    print(f'  {len(lines)} events, {file.stat().st_size / 1e6:.1f} MB')


def made(home: pathlib.Path, file: pathlib.Path) -> Any:
    """Return keymw before an immediate identity service."""
    deployment = Deployment(
        home,
        {
            'identity': {'token_cache_ttl': '3600', 'api_version': 'v3'},
            'audit': {'file': str(file)},
        },
    )
    deployment.set_up()
    return deployment.load(identity.Instant(3))


def send(app: Any, key: str, address: str) -> int:
    """Return the status of a login from an address."""
    credentials = {'username': identity.user_id(1), 'apiKey': key}
    environ = pass_through.environ_of(
        'POST',
        '/v2.0/tokens',
        json.dumps({'auth': {wire.ROOT: credentials}}).encode(),
        CONTENT_TYPE='application/json',
        REMOTE_ADDR=address,
    )
    return pass_through.ask(app, environ).status


def memory() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


if __name__ == '__main__':
    main()
