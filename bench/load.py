"""The load rows: gunicorn with two workers, PostgreSQL, four connections.

The clients run on the same machine, so they take a part of its time.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import http.client
import json
import os
import pathlib
import statistics
import sys
import threading
import time
from typing import Any

from bench import login
from tests.live import galera
from tests.support import wire
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.servers import together
from tests.support.servers.postgresql import PostgreSQL

SECONDS, CONNECTIONS, WORKERS = 8.0, 4, 2
_JSON = {'Content-Type': 'application/json', 'Accept': 'application/json'}
_GET, _LOGIN, _SLOWEST = 1400, 160, 4
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
    kinds: dict[str, tuple[Sent, float]] = {
        'load, GET credential': (
            ('GET', wire.key(owner.id), None, mine),
            _GET,
        ),
        'load, login v2.0': (
            ('POST', '/v2.0/tokens', _to_json({'auth': auth}), _JSON),
            _LOGIN,
        ),
        'load, Keystone GET': (
            ('GET', f'/v3/credentials/{theirs}', None, mine),
            0,
        ),
        'load, application credential': (
            ('POST', '/v3/auth/tokens', _to_json(by_credential), _JSON),
            0,
        ),
    }
    for name, (request, goal) in kinds.items():
        # What the simulation starts from: one connection, which never waits.
        alone = _parts(server, database, request)
        before = server.busy()
        found = drive(server.port, request)
        yield _row(name, found, goal) | {
            'alone': alone,
            'split': _split(before, server.busy()),
        }


def _parts(
    server: Server, database: Database, request: Sent
) -> dict[str, float]:
    """Return what one request takes where, from those of one connection."""
    before = sum(server.busy()), sum(database.busy()), time.process_time()
    found = drive(server.port, request, connections=1)
    after = sum(server.busy()), sum(database.busy()), time.process_time()
    worker, rows, client = (
        (end - start) / found.number
        for start, end in zip(before, after, strict=True)
    )
    return {
        'seconds': found.mean,
        'spread': found.spread,
        'worker': worker,
        'database': rows,
        'client': client,
        # One process of the load runs at any time.
        'others': max(0.0, found.running - 1),
    }


def _split(before: list[float], after: list[float]) -> list[int]:
    """Return the number of connections of each worker, from its CPU time."""
    used = [b - a for a, b in zip(before, after, strict=True)]
    first = round(CONNECTIONS * used[0] / sum(used))
    return [first, CONNECTIONS - first]


def _to_json(data: object) -> bytes:
    return json.dumps(data).encode()


def _row(name: str, found: Load, goal: float) -> dict[str, Any]:
    goals = []
    if goal:
        goals.append(
            ('requests a second', found.rate, goal, found.rate >= goal)
        )
        ratio = found.slowest / found.middle
        goals.append(('p99 over p50', ratio, _SLOWEST, ratio <= _SLOWEST))
    return {
        'row': name,
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

    spread is the coefficient of variation of the seconds, running the mean
    number of processes of the machine that were ready to run.
    """

    def __init__(
        self, seconds: list[float], whole: float, running: float
    ) -> None:
        self.number, self.running = len(seconds), running
        *_, self.slowest = statistics.quantiles(seconds, n=100)
        self.middle = statistics.median(seconds)
        self.rate = len(seconds) / whole
        self.mean = statistics.mean(seconds)
        self.spread = statistics.stdev(seconds) / self.mean


def drive(port: int, request: Sent, connections: int = CONNECTIONS) -> Load:
    """Send a request again and again on each connection; all must succeed."""
    seconds: list[float] = []
    end = time.monotonic() + SECONDS

    def run() -> None:
        link = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
        method, path, body, headers = request
        while (start := time.monotonic()) < end:
            link.request(method, path, body, headers)
            reply = link.getresponse()
            said = reply.read()
            if reply.status // 100 != 2:
                sys.exit(f'{method} {path}: {reply.status} {said!r}')
            seconds.append(time.monotonic() - start)
        link.close()

    running: list[int] = []

    def watch() -> None:
        while time.monotonic() < end:
            running.append(_running())
            time.sleep(0.05)

    _all_at_once([watch, *[run] * connections])
    # The thread that reads the number is ready to run itself.
    return Load(seconds, SECONDS, statistics.mean(running) - 1)


def _running() -> int:
    fields = pathlib.Path('/proc/loadavg').read_text().split()
    return int(fields[3].partition('/')[0])


def _all_at_once(runs: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
