"""Uses of entries are written beside the requests, few at a time."""

import datetime
import os
import threading
import time
from typing import Any

import pytest

from keymw.global_keys.last_used import LastUsed
from keymw.storage.global_keys import AccessEntry

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def entry(id_: str, last_used_at: datetime.datetime | None = None) -> Any:
    network = '10.0.0.0/8'
    return AccessEntry(id_, network, network, 'x', NOW, NOW, last_used_at)


class Slow:
    """A store that responds when a test lets it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = threading.Event()

    def used(self, entry_id: str, _moment: datetime.datetime) -> None:
        self.begun.append(entry_id)
        self.go_on.wait(10)


@pytest.fixture
def store() -> Any:
    made = Slow()
    yield made
    made.go_on.set()


def until_begun(store: Slow, count: int) -> None:
    end = time.monotonic() + 10
    while len(store.begun) < count and time.monotonic() < end:
        time.sleep(0.001)
    assert len(store.begun) == count


def test_only_what_is_a_grain_behind_is_written(store: Slow) -> None:
    noting = LastUsed(store, 60)  # type: ignore[arg-type]
    for seconds in (0, 59, -5):
        last = NOW - datetime.timedelta(seconds=seconds)
        noting.mark(entry(f'{seconds}', last), NOW)
    noting.mark(entry('60', NOW - datetime.timedelta(seconds=60)), NOW)
    until_begun(store, 1)
    assert store.begun == ['60']


def test_few_are_written_at_a_time_and_the_rest_is_let_go(
    store: Slow,
) -> None:
    noting = LastUsed(store, 60)  # type: ignore[arg-type]
    for number in range(100):
        noting.mark(entry(str(number)), NOW)
    until_begun(store, 4)
    # Time for a fifth, were there one.
    time.sleep(0.05)
    assert len(store.begun) == 4


def test_thread_that_cannot_be_started_is_no_matter(
    store: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    noting = LastUsed(store, 60)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, 'start', fail)
        noting.mark(entry('one'), NOW)
    noting.mark(entry('one'), NOW)
    until_begun(store, 1)


def test_process_that_is_forked_meanwhile_writes_too(store: Slow) -> None:
    noting = LastUsed(store, 60)  # type: ignore[arg-type]
    noting.mark(entry('one'), NOW)
    until_begun(store, 1)
    child = os.fork()
    if child == 0:
        noting.mark(entry('one'), NOW)
        end = time.monotonic() + 10
        while len(store.begun) < 2 and time.monotonic() < end:
            time.sleep(0.001)
        os._exit(len(store.begun))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
