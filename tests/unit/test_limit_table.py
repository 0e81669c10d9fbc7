"""Counters of one process are bounded, and end."""

import time
import tracemalloc

import pytest

from keymw.limits.fallback import PAUSE
from keymw.limits.fallback import Fallback
from keymw.limits.table import SIZE
from keymw.limits.table import Table
from tests.support.clock import Clock
from tests.support.servers.memcached import Memcached
from tests.support.servers.redis import Redis

MINUTE = 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_counter_ends_a_minute_after_it_began(clock: Clock) -> None:
    table = Table(clock=clock)
    assert [table.incr('a', MINUTE) for _ in range(3)] == [1, 2, 3]
    clock.advance(59)
    assert (table.incr('a', MINUTE), table.get('a')) == (4, 4)
    assert table.get_expiry('a') == clock() + 1
    clock.advance(1)
    assert table.get('a') == 0
    assert table.incr('a', MINUTE) == 1
    assert table.get_expiry('a') == clock() + MINUTE


def test_full_table_drops_the_counter_that_began_first(clock: Clock) -> None:
    table = Table(3, clock)
    for key in 'abcad':
        table.incr(key, MINUTE)
    assert [table.get(key) for key in 'abcd'] == [0, 1, 1, 1]
    clock.advance(MINUTE)
    table.incr('e', MINUTE)
    assert len(table) == 1


def test_memory_is_bounded_whatever_the_number_of_addresses() -> None:
    tracemalloc.start()
    try:
        table = Table()
        for number in range(3 * SIZE):
            table.incr(f'keymw/{number}/30/1/minute', MINUTE)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == SIZE
    assert used < 20_000_000


@pytest.mark.parametrize('kind', [Redis, Memcached])
def test_shared_counters_are_those_of_all_and_survive_an_outage(
    kind: type[Redis] | type[Memcached],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with kind() as server:
        url = server.url
        one, other = (
            Fallback('[limits] storage', url, Table(clock=clock), clock)
            for _ in range(2)
        )
        assert (one.incr('a', MINUTE), other.incr('a', MINUTE)) == (1, 2)
        assert (one.get('a'), one.get('b')) == (2, 0)
        # A server has a clock of its own; it rounds to whole seconds.
        assert 0 < one.get_expiry('a') - time.time() <= MINUTE + 1
        assert one.check()
        server.kill()
        assert not one.check()
        assert [one.incr('a', MINUTE) for _ in range(2)] == [1, 2]
        assert len(_warnings(caplog)) == 1
        server.start()
        assert one.incr('a', MINUTE) == 3
        clock.advance(PAUSE)
        assert one.incr('b', MINUTE) == 1
        assert other.get('b') == 1
    assert len(_warnings(caplog)) == 2


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith('keymw') and record.levelname == 'WARNING'
    ]
