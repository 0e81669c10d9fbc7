"""A clock that a test sets."""

import time


class Clock:
    """Whole seconds since the epoch, from now on."""

    def __init__(self) -> None:
        self._now = float(int(time.time()))

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
