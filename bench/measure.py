"""Rows of the table: what is measured, beside what, and the goal.

All kinds of a row run alternately in a varying order, and each repeat is one
pair. The time is CPU time of this process, which other processes move less.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import random
import statistics
import time

OURS = 'keymw'
LIMIT = 'limit'
# The first calls of each kind fill the caches.
FIRST = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """A row: kinds by name, one of them OURS; each does one operation.

    most  the most microseconds of keymw, 0 if the goal is none
    base  the kind whose time is not counted in most
    over  the most times of another kind that keymw may take
    under how many times as long as keymw another kind must take
    calls how many operations are one repeat; slow has others, by kind
    absent why a kind is not there, by kind
    """

    name: str
    kinds: Mapping[str, Callable[[], object]]
    calls: int
    most: float = 0
    base: str = ''
    over: Mapping[str, float] = dataclasses.field(default_factory=dict)
    under: Mapping[str, float] = dataclasses.field(default_factory=dict)
    slow: Mapping[str, int] = dataclasses.field(default_factory=dict)
    repeats: int = 9
    absent: Mapping[str, str] = dataclasses.field(default_factory=dict)


def not_run(name: str, error: BaseException) -> dict[str, object]:
    """Return a row that only says why it was not measured."""
    why = ' '.join(str(error).split())[:200]
    reason = f'not run: {type(error).__name__}: {why}'
    return {
        **{'row': name, 'not run': reason},
        **{'microseconds': {}, 'spread': {}, 'goals': []},
    }


def measured(row: Row) -> dict[str, object]:
    """Return the figures of a row, as plain data for JSON."""
    times = _times(row)
    middle = {kind: statistics.median(found) for kind, found in times.items()}
    goals = [*_goals(row, times)]
    return {
        'row': row.name,
        'microseconds': {
            kind: round(t * 1e6, 2) for kind, t in middle.items()
        },
        'spread': {kind: _spread(found) for kind, found in times.items()},
        'goals': goals,
        'absent': dict(row.absent),
    }


def _times(row: Row) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {kind: [] for kind in row.kinds}
    for operate in row.kinds.values():
        for _ in range(FIRST):
            operate()
    for _ in range(row.repeats):
        for kind in random.sample([*row.kinds], len(row.kinds)):
            calls = row.slow.get(kind, row.calls)
            times[kind].append(_seconds(row.kinds[kind], calls))
    return times


def _seconds(operate: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        operate()
    return (time.process_time() - start) / calls


def _spread(found: list[float]) -> float:
    """Return the half of the middle half of the values, over the median."""
    low, _, high = statistics.quantiles(found, n=4)
    return round((high - low) / 2 / (statistics.median(found) or 1), 3)


def _goals(row: Row, times: dict[str, list[float]]) -> list[dict[str, object]]:
    mine = statistics.median(times[OURS]) * 1e6
    if row.base:
        mine -= statistics.median(times[row.base]) * 1e6
    found = []
    if row.most:
        found.append(_goal('microseconds', mine, row.most, mine <= row.most))
    for kind, bound in row.over.items():
        ratio = _ratio(times[OURS], times[kind])
        found.append(
            _goal(f'times {kind}, at most', ratio, bound, ratio <= bound)
        )
    for kind, bound in row.under.items():
        ratio = _ratio(times[kind], times[OURS])
        found.append(
            _goal(f'faster than {kind}', ratio, bound, ratio >= bound)
        )
    return found


def _goal(
    what: str, value: float, bound: float, is_met: bool
) -> dict[str, object]:
    return {
        'what': what,
        'value': float(f'{value:.3g}'),
        'goal': bound,
        'met': is_met,
    }


def _ratio(some: list[float], others: list[float]) -> float:
    """Return the median of the ratios, pair by pair."""
    return statistics.median(
        one / (other or 1e-9) for one, other in zip(some, others, strict=True)
    )
