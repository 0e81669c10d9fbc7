"""How the costs grow with the number of keys, on each store.

python bench/scale.py [--sizes 1000,100000,1000000] [--save FILE]
    [--stores sqlite,postgresql,mariadb,openldap]
python bench/scale.py --draw FILE --chart FILE

All sizes of a store are filled first, each on a server of its own. Then the
requests of all sizes take turns in one process, so that other work of the
machine slows all of them. A time is of the clock, the quickest tenth of all
calls. A cold read is the median of first reads of random rows, after the
pages of the store were dropped from every cache, in turns with a bare SELECT.
User ids are in no order, as Keystone's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import contextlib
import itertools
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import charts
from bench import identity
from bench import paths
from bench.stores import STORES
from bench.stores import Store
from keymw import conf
from keymw import vault
from keymw.credentials.handlers import KIND
from keymw.storage import load
from tests.support import manage
from tests.support.deployment import Deployment

USERS, ROUNDS, COLD = 40, 400, 120
FEWEST, LONGEST = 4, 40  # rounds; seconds of one kind of request
PAGE = 100


def main() -> None:
    """Measure each store, or draw what was measured."""
    options = _arguments()
    if options.draw:
        files = [pathlib.Path(name) for name in options.draw.split(',')]
        found = [row for f in files for row in json.loads(f.read_text())]
        return _draw(found, pathlib.Path(options.chart))
    sizes = [int(size) for size in options.sizes.split(',')]
    found = []
    for name in options.stores.split(','):
        found += _measured(name, sizes)
        text = json.dumps(found, indent=2)
        if options.save:
            pathlib.Path(options.save).write_text(f'{text}\n')
    return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', default='1000,100000')
    parser.add_argument('--stores', default='sqlite,postgresql,mariadb')
    parser.add_argument('--save', metavar='FILE')
    parser.add_argument('--draw', metavar='FILES')
    parser.add_argument('--chart', metavar='FILE')
    return parser.parse_args()


class Filled:
    """A store with a number of keys, and keymw before it."""

    def __init__(self, store: Store, size: int) -> None:
        self.store, self.size = store, size
        store.enrol([identity.user_id(number) for number in range(size)])
        cached = {'token_cache_ttl': '36000', 'api_version': 'v3'}
        options = {**store.options, 'identity': cached}
        self.made = Deployment(store.home / 'keymw', options)
        self.made.set_up()
        self.imported = _import(self.made, size)
        self.app = self.made.load(identity.Instant())
        self._conf = conf.load(str(self.made.conf_file))
        self._vault = vault.load(self._conf.vault.key_repository)
        self._first, *self._users = random.sample(range(size), USERS)
        self._turn = itertools.cycle(self._users)
        self.keys = self.connect()

    def connect(self) -> Any:
        """Return the store of keymw, without a connection yet."""
        return load.credentials(self._conf)

    def kinds(self) -> dict[str, Callable[[], object]]:
        """Return what is measured by name."""
        last = f'{int(2**128 * (1 - 1.5 * PAGE / self.size)):032x}'
        get = paths.getting(self.app, self._users, '')
        # A login waits until its token is younger than a key that was reset,
        # so its key is another one.
        return {
            'GET': get,
            'verify': self._verify,
            'login': lambda: paths.login(
                self.app, self._first, 'application/json'
            ),
            'reset': lambda: paths.reset(self.app, next(self._turn)),
            'first page': lambda: self.keys.page('', PAGE),
            'last page': lambda: self.keys.page(last, PAGE),
        }

    def _verify(self) -> None:
        name = identity.user_id(self._first)
        found = self.keys.find('default', name)
        self._vault.open(KIND, found.user_id, found.secret)


def _import(made: Deployment, size: int) -> dict[str, float]:
    """Import the keys; return what it took keymw-manage."""
    file = made.home / 'keys.csv'
    with file.open('w') as out:
        out.write('user_id,username,apiKey\n')
        for number in range(size):
            id_ = identity.user_id(number)
            out.write(f'{id_},{id_},{paths.KEY}\n')
    start = time.perf_counter()
    process = manage.spawn(made.conf_file, 'credential', 'import', str(file))
    _pid, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(str(process.stderr and process.stderr.read()))
    cpu = used.ru_utime + used.ru_stime
    return {
        'imported a CPU second': round(size / cpu),
        'imported a second': round(size / wall),
        'MiB of the import': round(used.ru_maxrss / 1024),
    }


def _measured(name: str, sizes: list[int]) -> list[dict[str, Any]]:
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        filled = []
        for size in sizes:
            store = stack.enter_context(STORES[name](home / str(size)))
            filled.append(Filled(store, size))
            print(name, size, json.dumps(filled[-1].imported), flush=True)
        warm = _warm(filled)
        return [
            _shown({'store': name, 'keys': one.size} | one.imported | us, one)
            for one, us in zip(filled, warm, strict=True)
        ]


def _shown(row: dict[str, Any], filled: Filled) -> dict[str, Any]:
    row |= _cold(filled)
    print(json.dumps(row), flush=True)
    return row


def _warm(filled: list[Filled]) -> list[dict[str, float]]:
    """Return the microseconds of each kind, for each size."""
    found: list[dict[str, float]] = [{} for _ in filled]
    of_size = [one.kinds() for one in filled]
    for kind in of_size[0]:
        times = _in_turn([kinds[kind] for kinds in of_size])
        for row, one in zip(found, times, strict=True):
            row[f'{kind}, us'] = _microseconds(
                statistics.quantiles(one, n=10)[0]
            )
    return found


def _in_turn(calls: list[Callable[[], object]]) -> list[list[float]]:
    """Return the seconds of each of some calls, which take turns.

    The first fifth, which may be cold, is left out. Slow calls are fewer.
    """
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + LONGEST
    for number in range(ROUNDS):
        for call, seconds in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        if number > FEWEST and time.perf_counter() > end:
            break
    return [seconds[len(seconds) // 5 :] for seconds in times]


def _cold(filled: Filled) -> dict[str, float]:
    """Return the microseconds of a first read, by keymw and bare."""
    filled.store.cool()
    reads = [filled.store.bare(), filled.connect().get]
    ids = map(identity.user_id, random.sample(range(filled.size), 2 * COLD))
    times: list[list[float]] = [[], []]
    for number, id_ in enumerate(ids):
        start = time.perf_counter()
        assert reads[number % 2](id_)
        times[number % 2].append(time.perf_counter() - start)
    # The first reads connect, and read the inner pages of the indexes.
    bare, ours = (statistics.median(each[COLD // 4 :]) for each in times)
    return {
        'cold SELECT, us': _microseconds(bare),
        'cold read, us': _microseconds(ours),
    }


def _microseconds(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def _draw(found: list[dict[str, Any]], file: pathlib.Path) -> None:
    panels = {
        store: {
            what: [
                (row['keys'], row[f'{what}, us'])
                for row in found
                if row['store'] == store
            ]
            for what in _DRAWN
        }
        for store in dict.fromkeys(row['store'] for row in found)
    }
    charts.draw_panels(panels, 'keys', 'microseconds', file)


_DRAWN = ('reset', 'login', 'cold read', 'GET', 'verify', 'cold SELECT')


if __name__ == '__main__':
    main()
