"""CPU of a request that passes on, served by gunicorn with and without keymw.

Two servers run at the same time, one worker each. They get the same number of
requests in turn, and the CPU time of their workers is read from /proc.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import http.client
import math
import pathlib
import statistics
import sys
from typing import Any

from bench import paths
from bench.measure import OURS
from tests.support import servers
from tests.support.deployment import Deployment
from tests.support.servers import ports

PAIRS, REQUESTS, GOAL = 15, 1000, 0.98
# Student's t for 95 % of the mean of 15 pairs.
_T = 2.145
_BARE = 'bare'
_TURNS = 20
_INI = """\
[pipeline:main]
pipeline = {pipeline}
[filter:keymw]
use = egg:keymw#keymw
config_file = {conf_file}
[app:bare]
paste.app_factory = bench.served:bare
"""
_PASSED = {
    name: path for name, method, path in paths.PASSED if method == 'GET'
}


def bare(_global_conf: Any) -> Any:
    """Return the minimal application, for a paste ini."""
    return paths.nothing


class Gunicorn(servers.Server):
    """gunicorn with one worker."""

    name = 'gunicorn'
    user = 'root'
    programs = ()

    def __init__(self, pipeline: str, conf_file: pathlib.Path) -> None:
        super().__init__()
        self.port = ports.free()
        self._ini = _INI.format(pipeline=pipeline, conf_file=conf_file)

    def set_up(self) -> None:
        """See Server."""
        self.write('paste.ini', self._ini)

    def command(self) -> list[str]:
        """See Server."""
        root = pathlib.Path(__file__).parent.parent
        return [
            *(sys.executable, '-m', 'gunicorn', '--paste=paste.ini'),
            *(f'--bind=127.0.0.1:{self.port}', '--workers=1'),
            *('--worker-class=gthread', '--threads=1', '--keep-alive=60'),
            *('--no-control-socket', f'--pythonpath={root}'),
        ]

    def answers(self) -> bool:
        """See Server."""
        try:
            self.send('/', 1)
        except OSError:
            return False
        return True

    def send(self, path: str, requests: int) -> None:
        """Send requests on one connection."""
        link = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        with contextlib.closing(link):
            for _ in range(requests):
                link.request('GET', path)
                link.getresponse().read()

    def seconds(self) -> float:
        """The CPU seconds of the worker."""
        assert self._process is not None
        parent = self._process.pid
        listed = pathlib.Path(f'/proc/{parent}/task/{parent}/children')
        (worker,) = listed.read_text().split()
        # With nanoseconds, where the kernel has them.
        tasks = pathlib.Path(f'/proc/{worker}/task').iterdir()
        return (
            sum(
                int((task / 'schedstat').read_text().split()[0])
                for task in tasks
            )
            / 1e9
        )


def measured(home: pathlib.Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each kind of path."""
    made = Deployment(home)
    made.set_up()
    both = {
        _BARE: Gunicorn('bare', made.conf_file),
        OURS: Gunicorn('keymw bare', made.conf_file),
    }
    with servers.together([*both.values()]):
        for name, path in _PASSED.items():
            for server in both.values():
                server.send(path, REQUESTS)
            yield _row(f'{name}, gunicorn', [*_pairs(both, path)])


def _pairs(both: dict[str, Gunicorn], path: str) -> Iterator[dict[str, float]]:
    """Yield the CPU seconds of one request, by kind.

    The servers alternate often, as other work on the machine comes and goes.
    """
    for _ in range(PAIRS):
        before = {kind: server.seconds() for kind, server in both.items()}
        for turn in range(_TURNS):
            for kind in [*both] if turn % 2 else [*reversed(both)]:
                both[kind].send(path, REQUESTS // _TURNS)
        yield {
            kind: (server.seconds() - before[kind]) / REQUESTS
            for kind, server in both.items()
        }


def _row(name: str, pairs: list[dict[str, float]]) -> dict[str, Any]:
    ratios = [pair[_BARE] / pair[OURS] for pair in pairs]
    half = _T * statistics.stdev(ratios) / math.sqrt(len(ratios))
    low = statistics.mean(ratios) - half
    what = 'throughput per CPU over bare, lower end of 95 %'
    goal = {'what': what, 'value': round(low, 3), 'goal': GOAL}
    return {
        'row': name,
        'microseconds': {
            kind: round(statistics.median(p[kind] for p in pairs) * 1e6, 1)
            for kind in (OURS, _BARE)
        },
        'spread': {OURS: round(half, 3)},
        'goals': [{**goal, 'met': low >= GOAL}],
    }
