"""The load rows: gunicorn with two workers, PostgreSQL, four connections.

The clients run on the same machine, so they take a part of its time.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import concurrent.futures
import functools
import http.client
import itertools
import json
import os
import pathlib
import statistics
import sys
import time
from typing import Any
from typing import NamedTuple

from bench import login
from tests.live import galera
from tests.support import wire
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.servers import together
from tests.support.servers.postgresql import PostgreSQL

SECONDS, ROUNDS, CONNECTIONS, WORKERS = 12.0, 6, 4, 2
_JSON = {'Content-Type': 'application/json', 'Accept': 'application/json'}
_GET, _LOGIN, _SLOWEST = 1400, 160, 4
_STEPS = 200
# One request: method, path, body, headers.
Sent = tuple[str, str, bytes | None, dict[str, str]]


class Server(galera.Keymw):
    """gunicorn with the workers of the row."""

    def command(self) -> list[str]:
        """Return the command of the server."""
        return [
            *(sys.executable, '-m', 'gunicorn', '--paste=paste.ini'),
            *(f'--bind=127.0.0.1:{self.port}', f'--workers={WORKERS}'),
            *('--worker-class=gthread', '--threads=4', '--keep-alive=60'),
            '--no-control-socket',
        ]

    def busy(self) -> list[float]:
        """Return the CPU seconds of each worker so far."""
        return [cpu_of(pid) for pid in self._family()[1:]]


class Database(PostgreSQL):
    """PostgreSQL that shows its use of the CPU."""

    def busy(self) -> list[float]:
        """Return the CPU seconds of each process so far."""
        return [*map(cpu_of, self._family())]


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    user, system = stat.rpartition(')')[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')


def measured(home: pathlib.Path) -> list[dict[str, Any]]:
    """Return a row for each kind of request."""
    login.as_installed()
    cloud = Cloud(home / 'keystone')
    with Database() as database:
        url = database.url(database.database())
        made = Deployment(
            home / 'keymw',
            {
                'database': {'connection': url},
                'identity': {'token_cache_ttl': '300'},
            },
        )
        made.set_up()
        server = Server(made, cloud)
        with together([server]):
            return [*_rows(cloud, server, database)]


def _rows(cloud: Cloud, server: Server, database: Database) -> Any:
    owner = cloud.person()
    cloud.grant(owner, 'member')
    token = cloud.token_of(owner, project='demo')
    body = {wire.ROOT: {'username': owner.name, 'apiKey': login.KEY}}
    sent = json.dumps(body).encode()
    if (
        server.ask('POST', wire.base(owner.id), cloud.admin, sent).status
        != 201
    ):
        sys.exit('No key could be given.')
    mine = {'X-Auth-Token': token}
    blob = {'type': 'cert', 'user_id': owner.id, 'blob': '{"a": "b"}'}
    theirs = cloud.ask(
        'POST', '/v3/credentials', {'credential': blob}, token=token
    ).json['credential']['id']
    auth = {**body, 'tenantId': cloud.project('demo')}
    by_credential = login.application_credential(cloud, owner)
    key, login_v2 = wire.key(owner.id), _to_json({'auth': auth})
    kinds = [
        Kind('load, GET credential', ('GET', key, None, mine), _GET),
        Kind(
            'load, login v2.0',
            ('POST', '/v2.0/tokens', login_v2, _JSON),
            _LOGIN,
        ),
        Kind(
            'load, Keystone GET',
            ('GET', f'/v3/credentials/{theirs}', None, mine),
        ),
        # Nearly all of it is bcrypt, which does not hold the lock of the
        # interpreter: one hash takes 0.24 s of 0.25.
        Kind(
            'load, application credential',
            ('POST', '/v3/auth/tokens', _to_json(by_credential), _JSON),
            unlocked=0.97,
        ),
    ]
    for kind in kinds:
        yield _in_turns(server, database, kind)


class Kind(NamedTuple):
    """A row: its request, and the rate it must reach.

    unlocked is that of cores.Work.
    """

    name: str
    request: Sent
    goal: float = 0
    unlocked: float = 0


def _in_turns(
    server: Server, database: Database, kind: Kind
) -> dict[str, Any]:
    """Return the row of a request, with what one connection took.

    The simulation starts from one connection, which never waits. It and the
    four take turns, as the speed of the machine changes from second to second.
    """
    alone = Client(server.port, kind.request, 1)
    four = Client(server.port, kind.request, CONNECTIONS)
    parts, split, others = [0.0] * 3, [0.0] * WORKERS, 0.0
    # The first requests of each worker fill its caches.
    Client(server.port, kind.request, CONNECTIONS).run(1)
    for _ in range(ROUNDS):
        others += _others() / ROUNDS
        before = _busy(server, database)
        alone.run(SECONDS / ROUNDS)
        parts = _plus(parts, before, _busy(server, database))
        workers = server.busy()
        four.run(SECONDS / ROUNDS)
        split = _plus(split, workers, server.busy())
    return _row(kind, four.load()) | {
        'alone': _alone(alone.load(), parts)
        | {'unlocked': kind.unlocked, 'others': others},
        'split': _split(split),
    }


def _busy(server: Server, database: Database) -> list[float]:
    return [sum(server.busy()), sum(database.busy()), time.process_time()]


def _plus(
    so_far: list[float], before: list[float], after: list[float]
) -> list[float]:
    return [
        before_it + end - start
        for before_it, start, end in zip(so_far, before, after, strict=True)
    ]


def _alone(found: Load, parts: list[float]) -> dict[str, Any]:
    """Return what one request takes where, from those of one connection."""
    worker, rows, client = (seconds / found.number for seconds in parts)
    return {
        'seconds': found.mean,
        'spread': found.spread,
        'worker': worker,
        'database': rows,
        'client': client,
    }


def _split(used: list[float]) -> list[int]:
    """Return the number of connections of each worker, from its CPU time."""
    first = round(CONNECTIONS * used[0] / sum(used))
    return [first, CONNECTIONS - first]


def _to_json(data: object) -> bytes:
    return json.dumps(data).encode()


def _row(kind: Kind, found: Load) -> dict[str, Any]:
    goals = []
    if kind.goal:
        fast = found.rate >= kind.goal
        goals.append(('requests a second', found.rate, kind.goal, fast))
        ratio = found.slowest / found.middle
        goals.append(('p99 over p50', ratio, _SLOWEST, ratio <= _SLOWEST))
    return {
        'row': kind.name,
        'microseconds': {
            'p50': round(found.middle * 1e6),
            'p99': round(found.slowest * 1e6),
        },
        'spread': {},
        'a second': round(found.rate, 1),
        'goals': [
            {'what': w, 'value': round(v, 1), 'goal': g, 'met': met}
            for w, v, g, met in goals
        ],
    }


class Load:
    """The result of a load: requests a second, and seconds of one.

    spread has quantiles of the seconds, as parts of their mean.
    """

    def __init__(self, links: Sequence[Sequence[float]]) -> None:
        seconds = [*itertools.chain(*links)]
        self.number = len(seconds)
        *_, self.slowest = _quantiles(seconds, 100)
        self.middle = statistics.median(seconds)
        # In its turns a connection is never without a request.
        self.rate = sum(len(link) / sum(link) for link in links)
        self.mean = statistics.mean(seconds)
        steps = _quantiles(seconds, _STEPS)
        self.spread = [round(step / self.mean, 3) for step in steps]


def _quantiles(seconds: list[float], number: int) -> list[float]:
    # The other method goes beyond what was measured, if that is little.
    return statistics.quantiles(seconds, n=number, method='inclusive')


class Client:
    """Connections to a server; each sends one request again and again."""

    def __init__(self, port: int, request: Sent, connections: int) -> None:
        self._request = request
        self._links = [
            http.client.HTTPConnection('127.0.0.1', port, timeout=60)
            for _ in range(connections)
        ]
        self._seconds: list[list[float]] = [[] for _ in self._links]

    def run(self, seconds: float) -> None:
        """Send for some seconds; all requests must succeed."""
        end = time.monotonic() + seconds
        _all_at_once(
            [
                functools.partial(self._send, link, found, end)
                for link, found in zip(self._links, self._seconds, strict=True)
            ]
        )

    def load(self) -> Load:
        """Return the result of all runs."""
        return Load(self._seconds)

    def _send(
        self, link: http.client.HTTPConnection, found: list[float], end: float
    ) -> None:
        method, path, body, headers = self._request
        while (start := time.monotonic()) < end:
            link.request(method, path, body, headers)
            reply = link.getresponse()
            said = reply.read()
            if reply.status // 100 != 2:
                sys.exit(f'{method} {path}: {reply.status} {said!r}')
            found.append(time.monotonic() - start)


def _others() -> float:
    """Return the mean number of other processes that are ready to run."""
    found = []
    for _ in range(10):
        # One reading is of one moment; the mean is of half a second.
        time.sleep(0.05)
        found.append(_running())
    # The thread that reads the number is ready to run itself.
    return statistics.mean(found) - 1


def _running() -> int:
    fields = pathlib.Path('/proc/loadavg').read_text().split()
    return int(fields[3].partition('/')[0])


def _all_at_once(runs: Sequence[Callable[[], None]]) -> None:
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as threads:
        # The result of a thread that failed is its error.
        for thread in [threads.submit(run) for run in runs]:
            thread.result()
