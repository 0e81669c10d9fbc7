"""Sampling of refusals, so that a flood of them does not fill the disk."""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
import threading

WINDOW = 60  # seconds
Kind = tuple[str, str]


@dataclasses.dataclass
class _Row:
    end: float
    count: int = 0
    left_out: int = 0


class Sampler:
    """Admits a number of refusals of each kind in a minute.

    A kind is a rule and the outcome, so that a flood of one does not hide
    another; there are few.
    """

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        """most is the number in a minute; 0 admits all."""
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[Kind, _Row] = {}
        self._full: set[Kind] = set()

    def admits(self, kind: Kind) -> bool:
        """Whether to write one more refusal; else it is counted."""
        if not self._most:
            return True
        now = self._clock()
        with self._lock:
            row = self._rows.get(kind)
            # The count of a full row is kept until ended() has taken it.
            if row is None or (now >= row.end and not row.left_out):
                row = self._rows[kind] = _Row(now + WINDOW)
            if row.count < self._most:
                row.count += 1
                return True
            row.left_out += 1
            self._full.add(kind)
            return False

    def ended(self) -> Iterator[tuple[Kind, int]]:
        """Yield each kind whose minute has ended, and how many it left out."""
        # Cheap for nearly all requests: nothing is left out.
        if self._full:
            yield from self._take()

    def _take(self) -> list[tuple[Kind, int]]:
        now = self._clock()
        with self._lock:
            over = [k for k in self._full if now >= self._rows[k].end]
            self._full.difference_update(over)
            return [(kind, self._rows.pop(kind).left_out) for kind in over]
