"""How the costs grow with the number of keys, on each store.

python bench/scale.py [--sizes 1000,100000,1000000]
    [--stores sqlite,postgresql,mariadb] [--save FILE] [--chart FILE]

For each size: GET, reset and login through keymw, and the first and the last
page of the keys, in time of the clock (the quickest tenth); the import, in CPU
seconds and memory of keymw-manage.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import itertools
import json
import pathlib
import random
import resource
import statistics
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import charts
from bench import identity
from bench import paths
from keymw import conf
from keymw.storage import load
from tests.support import manage
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.servers.mariadb import MariaDB
from tests.support.servers.postgresql import PostgreSQL

CALLS, REPEATS = 60, 7
PAGE = 100
_SQL = {'postgresql': PostgreSQL, 'mariadb': MariaDB}


def main() -> None:
    """Measure each store at each size, and write the files."""
    options = _arguments()
    sizes = [int(size) for size in options.sizes.split(',')]
    found: list[dict[str, Any]] = []
    for store in options.stores.split(','):
        with tempfile.TemporaryDirectory() as home, _options(store) as given:
            for row in _measured(pathlib.Path(home), given, sizes):
                found.append({'store': store, **row})
                print(json.dumps(found[-1]), flush=True)
    if options.save:
        text = json.dumps(found, indent=2)
        pathlib.Path(options.save).write_text(f'{text}\n')
    if options.chart:
        _draw(found, pathlib.Path(options.chart))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', default='1000,100000')
    parser.add_argument('--stores', default='sqlite,postgresql,mariadb')
    parser.add_argument('--save', metavar='FILE')
    parser.add_argument('--chart', metavar='FILE')
    return parser.parse_args()


@contextlib.contextmanager
def _options(store: str) -> Iterator[Options]:
    """Run the server of a store; yield the options that name it."""
    if store == 'sqlite':
        yield {}
    else:
        with _SQL[store]() as server:
            yield {'database': {'connection': server.url(server.database())}}


def _measured(
    home: pathlib.Path, given: Options, sizes: list[int]
) -> Iterator[dict[str, Any]]:
    cached = {'token_cache_ttl': '36000', 'api_version': 'v3'}
    made = Deployment(home, {**given, 'identity': cached})
    made.set_up()
    there = 0
    for size in sizes:
        row = {'keys': size, **_imported(made, there, size)}
        yield row | _operations(made, size) | _pages(made, size)
        there = size


def _imported(made: Deployment, start: int, end: int) -> dict[str, float]:
    """Import the keys from one number to another; return what it took."""
    file = made.home / 'keys.csv'
    with file.open('w') as out:
        out.write('user_id,username,apiKey\n')
        for number in range(start, end):
            id_ = identity.user_id(number)
            out.write(f'{id_},{id_},{paths.KEY}\n')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = manage.finish(
        manage.spawn(made.conf_file, 'credential', 'import', str(file)), 36000
    )
    if done.code:
        sys.exit(done.err)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime
    seconds += after.ru_stime - before.ru_stime
    return {
        'imported a CPU second': round((end - start) / seconds),
        'MiB of the import': round(after.ru_maxrss / 1024),
    }


def _operations(made: Deployment, size: int) -> dict[str, float]:
    app = made.load(identity.Instant())
    first, *numbers = random.sample(range(size), CALLS)
    turn = itertools.cycle(numbers)
    # A login waits until its token is younger than a key that was reset, so
    # its key is another one.
    kinds: dict[str, Callable[[], object]] = {
        'GET': paths.getting(app, numbers, ''),
        'login': lambda: paths.login(app, first, 'application/json'),
        'reset': lambda: paths.reset(app, next(turn)),
    }
    return {
        f'{name}, us': round(_quick(operate) * 1e6, 1)
        for name, operate in kinds.items()
    }


def _pages(made: Deployment, size: int) -> dict[str, float]:
    store = load.credentials(conf.load(str(made.conf_file)))
    far = identity.user_id(max(size - PAGE - 1, 0))
    return {
        'first page, us': round(_quick(lambda: store.page('', PAGE)) * 1e6),
        'last page, us': round(_quick(lambda: store.page(far, PAGE)) * 1e6),
    }


def _quick(operate: Callable[[], object]) -> float:
    """Return the seconds of the clock of one call: the quickest tenth.

    Other work of the machine only adds to the time of a call.
    """
    for _ in range(CALLS):
        operate()
    times = []
    for _ in range(CALLS * REPEATS):
        start = time.perf_counter()
        operate()
        times.append(time.perf_counter() - start)
    return statistics.quantiles(times, n=10)[0]


def _draw(found: list[dict[str, Any]], file: pathlib.Path) -> None:
    lines = {
        f'{store}, {what}': [
            (row['keys'], row[f'{what}, us'])
            for row in found
            if row['store'] == store
        ]
        for store in dict.fromkeys(row['store'] for row in found)
        for what in ('GET', 'login', 'reset')
    }
    charts.draw_lines(
        lines, 'keys', 'microseconds of one request', file, log='xy'
    )


if __name__ == '__main__':
    main()
