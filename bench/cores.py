"""A model of a load and its servers on the same few cores.

A request goes from the client to its worker, to the database, to the worker
again, and back. The client and each worker are a process that runs one of its
threads at a time, because they hold the lock of the interpreter, but for what
is done without it; a backend of the database belongs to a connection.
Processes that are ready to run share the cores evenly, with other processes of
the machine too.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from collections.abc import Sequence
import dataclasses
import random

CORES = 2
# Seconds after which a thread gives the lock to another one that waits.
TURN = 0.005
_ANYWHERE, _IDLE = -1, -2
_OVER = 1e-12


@dataclasses.dataclass(frozen=True)
class Work:
    """What one request takes when no other runs: seconds, and CPU seconds.

    spread has quantiles of the seconds, as parts of their mean. unlocked is
    the part of the worker's seconds in which it does not hold the lock of the
    interpreter. others is the mean number of other processes of the machine
    that are ready to run.
    """

    seconds: float
    spread: Sequence[float]
    worker: float
    database: float
    client: float
    unlocked: float
    others: float

    @property
    def idle(self) -> float:
        """Seconds in which nothing of the request runs."""
        cpu = self.worker + self.database + self.client
        return max(0.0, self.seconds - cpu / _speed(1 + self.others))


def _speed(ready: float) -> float:
    return min(1.0, CORES / ready)


@dataclasses.dataclass
class _Part:
    """A part of a request: the rest of its seconds, and what follows.

    turn is how long its thread has held the lock of the process.
    """

    process: int
    left: float
    rest: Iterator[tuple[int, float]]
    started: float
    connection: int
    turn: float = 0.0


class _Machine:
    """The processes at one moment: what runs, and what waits for each."""

    def __init__(self, work: Work, workers: Sequence[int]) -> None:
        self._work = work
        self._workers = workers
        self._chance = random.Random(1)
        self._running: list[_Part] = []
        self._waiting: dict[int, list[_Part]] = collections.defaultdict(list)
        self.now = 0.0
        self.seconds: list[float] = []
        for connection in range(len(workers)):
            self._begin(connection)

    def step(self) -> None:
        """Go on to the next end of a part, or of the turn of a thread."""
        ready = sum(part.process != _IDLE for part in self._running)
        speed = _speed(max(1, ready) + self._work.others)
        speeds = [
            1.0 if part.process == _IDLE else speed for part in self._running
        ]
        elapsed = min(
            min(part.left, TURN) / of_part
            for part, of_part in zip(self._running, speeds, strict=True)
        )
        self.now += elapsed
        ran = [*zip(self._running, speeds, strict=True)]
        for part, of_part in ran:
            part.left -= elapsed * of_part
            part.turn += elapsed * of_part
        for part, _ in ran:
            self._pass_on(part)

    def _pass_on(self, part: _Part) -> None:
        """Let another thread run, if this part is over, or its turn."""
        if part.left <= _OVER:
            self._release(part)
            self._advance(part)
        elif part.turn >= TURN - _OVER and self._waiting[part.process]:
            self._release(part)
            self._enter(part)

    def _begin(self, connection: int) -> None:
        factor = self._chance.choice(self._work.spread)
        rest = self._parts(1 + self._workers[connection], factor)
        part = _Part(_ANYWHERE, 0, rest, self.now, connection)
        self._advance(part)

    def _parts(
        self, worker: int, factor: float
    ) -> Iterator[tuple[int, float]]:
        work = self._work
        locked = work.worker * (1 - work.unlocked)
        yield 0, factor * work.client / 2
        yield _IDLE, factor * work.idle
        yield worker, factor * locked / 2
        yield _ANYWHERE, factor * (work.worker - locked + work.database)
        yield worker, factor * locked / 2
        yield 0, factor * work.client / 2

    def _advance(self, part: _Part) -> None:
        for process, seconds in part.rest:
            if seconds > 0:
                part.process, part.left = process, seconds
                return self._enter(part)
        self.seconds.append(self.now - part.started)
        return self._begin(part.connection)

    def _enter(self, part: _Part) -> None:
        part.turn = 0.0
        held = {one.process for one in self._running}
        if part.process >= 0 and part.process in held:
            self._waiting[part.process].append(part)
        else:
            self._running.append(part)

    def _release(self, part: _Part) -> None:
        self._running.remove(part)
        waiting = self._waiting[part.process]
        if part.process >= 0 and waiting:
            # The lock has no queue: any thread that waits may get it.
            at = self._chance.randrange(len(waiting))
            self._running.append(waiting.pop(at))


def run(work: Work, split: Sequence[int], until: float) -> list[float]:
    """Return the seconds of each request; split has connections by worker."""
    workers = [at for at, number in enumerate(split) for _ in range(number)]
    machine = _Machine(work, workers)
    while machine.now < until:
        machine.step()
    return machine.seconds
