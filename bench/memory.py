"""What keymw adds to a worker with Keystone: CPU of the start, and memory.

Every request has a token and a header name that nobody sent before. A tenth of
them fills every cache, and the memory must not grow after that. REQUESTS is
100,000 by default; 1,000,000 is the long form. Keystone is loaded first, so
that the modules which both use count for it; the responses come from an
identity service in no time.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import identity
from bench import paths
from tests.support import wire
from tests.support.cloud import Cloud

REQUESTS = 100_000
# MiB and CPU seconds above Keystone's; MiB that may come after a tenth.
MOST, START, GROWN = 35, 0.3, 2
_AT_ONCE, _STEPS = 1000, 10


def main() -> int:
    """Print the figures; return 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('requests', type=int, nargs='?', default=REQUESTS)
    requests = parser.parse_args().requests
    paths.log()
    with tempfile.TemporaryDirectory() as place:
        home = pathlib.Path(place)
        Cloud(home / 'keystone')
        made = paths.deployed(home / 'keymw')
        service = identity.Instant()
        before, start = _memory(), time.process_time()
        app = made.load(service)
        seconds = time.process_time() - start
        paths.add(app, 1)
        found = []
        for first in range(0, requests, requests // _STEPS):
            _send(app, service, range(first, first + requests // _STEPS))
            found.append(_memory() - before)
            print(f'from {first}: {found[-1]:.1f} MiB', flush=True)
    full, after = found[0], found[-1]
    print(f'start: {seconds:.2f} CPU seconds above Keystone (goal {START})')
    print(f'caches full: {full:.1f} MiB above Keystone (goal {MOST})')
    print(f'{requests} tokens and header names: {after:.1f} MiB')
    return int(seconds > START or after > MOST or after > full + GROWN)


def _send(app: Any, service: identity.Instant, numbers: range) -> None:
    path = wire.key(identity.user_id(1))
    for number in numbers:
        headers = {f'HTTP_X_JUNK_{number}': 'value'}
        token = f'{identity.user_id(1)}?{number}'
        identity.ask(app, 'GET', path, HTTP_X_AUTH_TOKEN=token, **headers)
        if number % _AT_ONCE == 0:
            service.forget()


def _memory() -> float:
    """The resident memory of this process in MiB."""
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


if __name__ == '__main__':
    sys.exit(main())
