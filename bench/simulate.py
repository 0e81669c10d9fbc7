"""Simulates requests through stations, from measured service times.

python bench/simulate.py [--check FILE] [--chart FILE]

The plan has stations in order, with a number of servers and one queue each.

--check compares a model of the load rows with what run.py measured (two
workers, four connections, one machine), and exits with 1 where the rate
differs by over 15 % or p99 by over 30 %. There the client, the workers and the
database share two cores, so its model has processes: see bench/cores.py.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
import heapq
import itertools
import json
import pathlib
import random
import statistics
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import charts
from bench import cores


@dataclasses.dataclass(frozen=True)
class Station:
    """A place of work: its servers, and the seconds of one visit.

    spread is the coefficient of variation of the seconds.
    """

    name: str
    servers: int
    seconds: float
    spread: float = 0.5


@dataclasses.dataclass(frozen=True)
class Result:
    """The result: requests a second, seconds of a request, use by station."""

    rate: float
    p50: float
    p99: float
    use: dict[str, float]


class _Run:
    """One simulation: a heap of events, and a queue for each station."""

    def __init__(self, stations: Sequence[Station], seed: int = 1) -> None:
        self._stations = stations
        self._free = [station.servers for station in stations]
        self._queues: list[collections.deque[float]] = [
            collections.deque() for _ in stations
        ]
        self._events: list[tuple[float, int, int, float]] = []
        self._order = itertools.count()
        self._chance = random.Random(seed)
        self._busy = [0.0 for _ in stations]
        self.seconds: list[float] = []
        self.now = 0.0

    def arrive(self, moment: float) -> None:
        """Let a request arrive at a moment."""
        self._later(moment, 0, moment)

    def run(self, until: float, after: Callable[[float], None]) -> None:
        """Run the events up to a moment; after() is called for each end."""
        while self._events and self._events[0][0] <= until:
            self.now, _, step, started = heapq.heappop(self._events)
            if step > 0:
                self._leave(step - 1)
            if step == len(self._stations):
                self.seconds.append(self.now - started)
                after(self.now)
            else:
                self._enter(step, started)

    def use(self, until: float) -> dict[str, float]:
        """Return the part of the time that the servers were busy."""
        return {
            station.name: busy / until / station.servers
            for station, busy in zip(self._stations, self._busy, strict=True)
        }

    def _later(self, moment: float, step: int, started: float) -> None:
        event = (moment, next(self._order), step, started)
        heapq.heappush(self._events, event)

    def _enter(self, at: int, started: float) -> None:
        if not self._free[at]:
            self._queues[at].append(started)
            return
        self._free[at] -= 1
        self._serve(at, started)

    def _serve(self, at: int, started: float) -> None:
        station = self._stations[at]
        shape = 1 / station.spread**2
        took = self._chance.gammavariate(shape, station.seconds / shape)
        self._busy[at] += took
        self._later(self.now + took, at + 1, started)

    def _leave(self, at: int) -> None:
        if self._queues[at]:
            self._serve(at, self._queues[at].popleft())
        else:
            self._free[at] += 1


def opened(
    stations: Sequence[Station], rate: float, requests: int = 40_000
) -> Result:
    """Return the result for requests that arrive at random, at a rate."""
    run = _Run(stations)
    chance, moment = random.Random(2), 0.0
    for _ in range(requests):
        moment += chance.expovariate(rate)
        run.arrive(moment)
    run.run(moment, lambda _moment: None)
    return _result(run, moment)


def _result(run: _Run, until: float) -> Result:
    # The first tenth fills the queues.
    settled = run.seconds[len(run.seconds) // 10 :]
    *_, p99 = statistics.quantiles(settled, n=100)
    rate = len(run.seconds) / until
    return Result(rate, statistics.median(settled), p99, run.use(until))


# How far the model may be from the measured rate and p99.
RATE_WITHIN, P99_WITHIN = 0.15, 0.3
UNTIL = 20.0  # seconds of the model


def check(file: pathlib.Path) -> bool:
    """Print the model beside each measured load row; return if all agree.

    The model starts from what one connection takes in each process, and tells
    what four connections on two workers see.
    """
    rows = json.loads(file.read_text())['rows']
    agree = [_agrees(row) for row in rows if 'alone' in row]
    return all(agree)


def _agrees(row: Any) -> bool:
    seconds = cores.run(cores.Work(**row['alone']), row['split'], UNTIL)
    *_, slowest = statistics.quantiles(seconds, n=100)
    model = len(seconds) / UNTIL
    rate, p99 = row['a second'], row['microseconds']['p99'] / 1e6
    off_rate, off_p99 = model / rate - 1, slowest / p99 - 1
    agrees: bool = abs(off_rate) <= RATE_WITHIN and abs(off_p99) <= P99_WITHIN
    print(
        f'{row["row"]}: {model:,.0f} a second, measured {rate:,.0f} '
        f'({off_rate:+.0%}); p99 {slowest * 1e3:.1f} ms, measured '
        f'{p99 * 1e3:.1f} ({off_p99:+.0%}): '
        + ('agrees' if agrees else 'DIFFERS')
    )
    return agrees


# CPU seconds of a login in a worker, most of it Keystone's.
LOGIN = 0.0125
RATE, WORKERS = 100_000, 32
_MACHINES = (40, 42, 44, 48, 56, 64, 80)


def plan(chart: pathlib.Path | None) -> None:
    """Print what a rate of logins takes, by number of machines.

    The balancer sends each request to some machine. So one machine with its
    share of the requests stands for all.
    """
    points = []
    for machines in _MACHINES:
        station = Station('workers', WORKERS, LOGIN)
        found = opened([station], RATE / machines)
        print(
            f'{machines} machines of {WORKERS} workers: '
            f'p50 {found.p50 * 1e3:.1f} ms, p99 {found.p99 * 1e3:.1f} ms, '
            f'busy {found.use["workers"]:.0%}'
        )
        points.append((machines, found.p50 * 1e3, found.p99 * 1e3))
    if chart:
        lines = {
            'p50': [(float(n), p50) for n, p50, _ in points],
            'p99': [(float(n), p99) for n, _, p99 in points],
        }
        label = f'machines of {WORKERS} workers, {RATE:,} logins a second'
        charts.draw_lines(lines, label, 'milliseconds of a login', chart)


def main() -> None:
    """Check the model, or plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--chart', type=pathlib.Path, metavar='FILE')
    options = parser.parse_args()
    if options.check:
        sys.exit(not check(options.check))
    plan(options.chart)


if __name__ == '__main__':
    main()
