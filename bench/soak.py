"""Serves requests for minutes, and looks for what grows.

keymw runs on gunicorn with two workers, metrics and global keys on, in front
of an identity service with prepared responses. Clients add, show, reset and
delete keys, sign in with right and wrong ones, and send nonsense. Memory,
descriptors and sockets of the workers are read all the time. The last quarter
must not be above the second by more than the bounds here (the first is for
warming up), and no response may be 5xx.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable
from concurrent import futures
import pathlib
import random
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import identity
from tests.live import watched
from tests.support import wire as wires

SECONDS = 600
CLIENTS, USERS = 4, 200
# Growth from the median of the second quarter to that of the last.
MOST = {'memory': 1.10, 'descriptors': 1.25, 'sockets': 1.5}
SLACK = {'memory': 4096, 'descriptors': 4, 'sockets': 4}
OPTIONS = {
    'metrics': {'enabled': 'true'},
    'global_keys': {'enabled': 'true'},
    'identity': {'token_cache_ttl': '5', 'cache_size': '50'},
}
Sample = dict[str, int]


def main() -> int:
    """Run, print the figures, and return 1 if anything grows or fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('seconds', type=float, nargs='?', default=SECONDS)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as home:
        node = watched.Node(pathlib.Path(home) / 'soak', OPTIONS)
        shared = pathlib.Path(home) / 'metrics'
        shared.mkdir()
        environ = {'PROMETHEUS_MULTIPROC_DIR': str(shared)}
        with node.served('--workers', '2', **environ) as server:
            samples, statuses = _run(node, server.pid, seconds)
    shown = dict(sorted(statuses.items()))
    print(f'{sum(shown.values())} responses: {shown}')
    bad = {status: n for status, n in statuses.items() if status // 100 == 5}
    return int(_grows(samples) or bool(bad) or not statuses[200])


def _run(
    node: watched.Node, pid: int, seconds: float
) -> tuple[list[Sample], collections.Counter[int]]:
    end = time.monotonic() + seconds
    samples: list[Sample] = []
    with futures.ThreadPoolExecutor(CLIENTS) as clients:
        running = [
            clients.submit(_client, node, seed, end) for seed in range(CLIENTS)
        ]
        while time.monotonic() < end:
            time.sleep(min(5, seconds / 40))
            samples.append(_sample(pid))
        statuses = sum(
            (one.result() for one in running), collections.Counter[int]()
        )
    return samples, statuses


def _client(
    node: watched.Node, seed: int, end: float
) -> collections.Counter[int]:
    rng = random.Random(seed)
    statuses: collections.Counter[int] = collections.Counter()
    while time.monotonic() < end:
        number = rng.randrange(USERS)
        statuses[rng.choice(_REQUESTS)(node, number)] += 1
    return statuses


def _reset(node: watched.Node, number: int) -> int:
    path = wires.reset(identity.user_id(number))
    return node.send('POST', path, token=identity.ADMIN)[0]


def _delete(node: watched.Node, number: int) -> int:
    path = wires.key(identity.user_id(number))
    return node.send('DELETE', path, token=identity.ADMIN)[0]


def _nonsense(node: watched.Node, number: int) -> int:
    return node.send('POST', '/v2.0/tokens', {'auth': [number]})[0]


def _global(node: watched.Node, _number: int) -> int:
    path = '/api/public/v1.0/admin/apiKeys'
    return node.send('GET', path, token=identity.ADMIN)[0]


_REQUESTS: tuple[Callable[[watched.Node, int], int], ...] = (
    watched.Node.add,
    watched.Node.show,
    watched.Node.show,
    watched.Node.sign_in,
    lambda node, number: node.sign_in(number, 'wrong'),
    lambda node, number: node.send('GET', f'/v3/users/{number}')[0],
    _reset,
    _delete,
    _nonsense,
    _global,
)


def _sample(parent: int) -> Sample:
    """Memory in KiB, descriptors and sockets of all workers together."""
    children = pathlib.Path(f'/proc/{parent}/task/{parent}/children')
    found: Sample = dict.fromkeys(MOST, 0)
    for pid in children.read_text().split():
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        files = list(pathlib.Path(f'/proc/{pid}/fd').iterdir())
        found['memory'] += int(status.partition('VmRSS:')[2].split()[0])
        found['descriptors'] += len(files)
        found['sockets'] += sum(_is_socket(file) for file in files)
    return found


def _is_socket(file: pathlib.Path) -> bool:
    try:
        return str(file.readlink()).startswith('socket:')
    except OSError:
        return False


def _grows(samples: list[Sample]) -> bool:
    quarter = max(1, len(samples) // 4)
    grows = False
    for name, most in MOST.items():
        first = statistics.median(
            sample[name] for sample in samples[quarter : 2 * quarter]
        )
        last = statistics.median(sample[name] for sample in samples[-quarter:])
        is_more = last > first * most + SLACK[name]
        grows = grows or is_more
        print(f'{name}: {first:g} to {last:g}{" GROWS" * is_more}')
    return grows


if __name__ == '__main__':
    sys.exit(main())
