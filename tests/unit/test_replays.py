"""No right response is accepted twice, whichever store records it."""

import abc
from collections.abc import Callable
from collections.abc import Iterator
from concurrent import futures
import contextlib
import multiprocessing
import pathlib
import random
import sys
import threading
import time
from typing import Any

from oslo_config import cfg
import pytest
import sqlalchemy as sa

from keymw import conf as configuration
from keymw.conf import ConfigError
from keymw.global_keys import replays
from keymw.global_keys.digest import SKEW
from keymw.global_keys.digest import Algorithm
from keymw.global_keys.digest import Nonce
from keymw.global_keys.digest import Nonces
from keymw.global_keys.digest import Refused
from keymw.global_keys.replays import LocalReplays
from keymw.global_keys.replays import Replays
from keymw.global_keys.replays import SharedReplays
from keymw.global_keys.replays import StoredReplays
from keymw.storage.base import Outage
from keymw.storage.sql import tables
from keymw.storage.sql.database import Database
from keymw.storage.sql.used_nonces import SqlUsedNonces
from tests.support.clock import Clock
from tests.support.deployment import Deployment
from tests.support.servers.memcached import Memcached
from tests.support.servers.redis import Redis

LIFETIME = 300
THREADS = 16


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[[], Nonce]


@pytest.fixture
def nonce(clock: Clock) -> Make:
    """Make a nonce now."""
    nonces = Nonces(b's' * 32, LIFETIME, clock)

    def make() -> Nonce:
        found = nonces.find(nonces.make(Algorithm.MD5), Algorithm.MD5)
        assert found is not None
        return found

    return make


def outcome(memory: Replays, nonce: Nonce, count: int = 1) -> str:
    """The verdict on a right response."""
    try:
        memory.remember(nonce, count)
    except Refused as refusal:
        return 'stale' if refusal.stale else 'refused'
    return 'taken'


def of_many_at_the_same_time(
    memory: Replays, nonce: Make, rounds: int
) -> Iterator[list[str]]:
    """The sorted verdicts on one response that all threads send."""
    start = threading.Barrier(THREADS)

    def answer(one: Nonce) -> str:
        start.wait()
        return outcome(memory, one)

    with futures.ThreadPoolExecutor(THREADS) as threads:
        for _ in range(rounds):
            yield sorted(threads.map(answer, [nonce()] * THREADS))


class ReplaysContract(abc.ABC):
    """What every memory does."""

    @pytest.fixture
    @abc.abstractmethod
    def memory(self, clock: Clock) -> Replays:
        """An empty memory that has begun."""

    def test_answer_is_taken_once(self, memory: Replays, nonce: Make) -> None:
        one = nonce()
        assert outcome(memory, one) == 'taken'
        for _ in range(3):
            assert outcome(memory, one) == 'refused'

    def test_nonces_do_not_get_in_each_others_way(
        self, memory: Replays, nonce: Make
    ) -> None:
        assert {outcome(memory, nonce()) for _ in range(20)} == {'taken'}

    def test_counts_come_in_any_order(
        self, memory: Replays, nonce: Make
    ) -> None:
        one = nonce()
        for count in (7, 1, 0xFFFF_FFFF, 3, 2, 0):
            assert outcome(memory, one, count) == 'taken'
        for count in (0, 2, 7, 0xFFFF_FFFF):
            assert outcome(memory, one, count) == 'refused'

    def test_nonce_of_a_clock_ahead_of_ours_is_taken_once(
        self, memory: Replays, nonce: Make, clock: Clock
    ) -> None:
        clock.advance(SKEW)
        one = nonce()
        clock.advance(-SKEW)
        assert outcome(memory, one) == 'taken'
        assert outcome(memory, one) == 'refused'

    def test_of_many_at_the_same_time_one_is_taken(
        self, memory: Replays, nonce: Make
    ) -> None:
        for found in of_many_at_the_same_time(memory, nonce, 10):
            assert found == ['refused'] * (THREADS - 1) + ['taken']

    def test_begins_again_without_forgetting(
        self, memory: Replays, nonce: Make, clock: Clock
    ) -> None:
        one, other = nonce(), nonce()
        memory.remember(one, 1)
        clock.advance(1)
        memory.begin()
        assert outcome(memory, one) == 'refused'
        assert outcome(memory, other) == 'taken'


class YoungContract(ReplaysContract):
    """The verdicts of a memory that begins empty."""

    def test_nonce_from_before_it_began_is_stale(
        self, memory: Replays, nonce: Make, clock: Clock
    ) -> None:
        clock.advance(-1)
        old = nonce()
        clock.advance(1)
        assert outcome(memory, old) == 'stale'


class TestLocalReplays(YoungContract):
    @pytest.fixture
    def memory(self, clock: Clock) -> Replays:
        memory = LocalReplays(clock=clock)
        memory.begin()
        return memory

    def test_of_many_one_is_taken_wherever_threads_are_switched(
        self, memory: Replays, nonce: Make
    ) -> None:
        former = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for found in of_many_at_the_same_time(memory, nonce, 300):
                assert found.count('taken') == 1
        finally:
            sys.setswitchinterval(former)

    def test_what_it_must_forget_is_stale_and_never_taken_again(
        self, nonce: Make, clock: Clock
    ) -> None:
        memory = LocalReplays(10, clock)
        many = []
        for _ in range(15):
            many.append(nonce())
            assert outcome(memory, many[-1]) == 'taken'
            clock.advance(1)
        assert [outcome(memory, one) for one in many] == (
            ['stale'] * 5 + ['refused'] * 10
        )
        assert outcome(memory, many[4], 2) == 'stale'
        assert outcome(memory, nonce()) == 'taken'

    def test_forgets_the_oldest_nonce_however_it_was_used(
        self, nonce: Make, clock: Clock
    ) -> None:
        memory = LocalReplays(2, clock)
        old = nonce()
        clock.advance(1)
        young = nonce()
        for one in (young, old):
            memory.remember(one, 1)
        memory.remember(young, 2)
        assert outcome(memory, old, 2) == 'stale'
        assert outcome(memory, young, 1) == 'refused'

    def test_takes_nothing_twice_whatever_it_forgets(
        self, nonce: Make, clock: Clock
    ) -> None:
        chance = random.Random(3)
        memory, taken, some = LocalReplays(20, clock), set(), []
        for _ in range(50):
            clock.advance(1)
            some.append(nonce())
        for _ in range(3000):
            use = chance.choice(some), chance.randrange(3)
            if outcome(memory, *use) == 'taken':
                assert use not in taken
                taken.add(use)
        assert len(taken) > 20

    def test_clock_set_back_brings_nothing_back(
        self, nonce: Make, clock: Clock
    ) -> None:
        memory = LocalReplays(10, clock)
        one = nonce()
        memory.remember(one, 1)
        clock.advance(10 * LIFETIME)
        for _ in range(10):
            memory.remember(nonce(), 1)
        clock.advance(-10 * LIFETIME)
        assert outcome(memory, one) == 'stale'

    def test_forked_worker_takes_no_nonce_from_before(
        self, nonce: Make, clock: Clock
    ) -> None:
        memory = LocalReplays(clock=clock)
        old, used = nonce(), nonce()
        memory.remember(used, 1)
        clock.advance(1)

        def ask() -> list[str]:
            return [outcome(memory, one) for one in (old, used, nonce())]

        assert in_forks(ask) == [['stale', 'stale', 'taken']]
        assert outcome(memory, old) == 'taken'


def in_forks(*asks: Callable[[], Any]) -> list[Any]:
    """What forked processes find, each for itself and at the same time."""
    fork = multiprocessing.get_context('fork')
    found = fork.SimpleQueue()

    def tell(number: int) -> None:
        found.put((number, asks[number]()))

    forked = [fork.Process(target=tell, args=(n,)) for n in range(len(asks))]
    for process in forked:
        process.start()
    for process in forked:
        process.join(30)
        assert process.exitcode == 0
    return [what for _number, what in sorted(found.get() for _ in forked)]


Server = Memcached | Redis


class SharedContract(YoungContract):
    """The verdicts of a memory that all processes share."""

    stranger: type[Server]

    @pytest.fixture
    def memory(self, clock: Clock, server: Server) -> Replays:
        server.forget()
        memory = SharedReplays(server.url, LIFETIME, clock)
        memory.begin()
        return memory

    @pytest.fixture
    def other(self, memory: Replays, server: Server, clock: Clock) -> Replays:
        """That of another worker."""
        assert isinstance(memory, SharedReplays)
        return SharedReplays(server.url, LIFETIME, clock)

    def test_answer_is_taken_by_one_worker(
        self, memory: Replays, other: Replays, nonce: Make
    ) -> None:
        one, two = nonce(), nonce()
        assert outcome(memory, one) == 'taken'
        assert outcome(other, one) == 'refused'
        assert outcome(other, two) == 'taken'
        assert outcome(memory, two) == 'refused'

    def test_forked_workers_have_connections_of_their_own(
        self, memory: Replays, nonce: Make
    ) -> None:
        one = nonce()
        memory.remember(one, 0)

        def even() -> list[str]:
            return [outcome(memory, one, n) for n in range(0, 600, 2)]

        def odd() -> list[str]:
            return [outcome(memory, one, n) for n in range(1, 600, 2)]

        first, second = in_forks(even, odd)
        assert first == ['refused'] + ['taken'] * 299
        assert second == ['taken'] * 300

    def test_store_that_lost_everything_takes_no_old_nonce(
        self,
        memory: Replays,
        other: Replays,
        server: Server,
        nonce: Make,
        clock: Clock,
    ) -> None:
        used = nonce()
        memory.remember(used, 1)
        server.forget()
        clock.advance(1)
        assert outcome(memory, used) == 'stale'
        assert outcome(other, used, 2) == 'stale'
        assert outcome(other, nonce()) == 'taken'

    def test_restart_of_the_store_takes_no_old_nonce(
        self, memory: Replays, server: Server, nonce: Make, clock: Clock
    ) -> None:
        used = nonce()
        memory.remember(used, 1)
        server.stop()
        server.start()
        clock.advance(1)
        memory.begin()
        assert outcome(memory, used) == 'stale'
        assert outcome(memory, nonce()) == 'taken'

    def test_workers_that_begin_at_the_same_time_agree(
        self, memory: Replays, server: Server, nonce: Make, clock: Clock
    ) -> None:
        start = threading.Barrier(THREADS)

        def begin(worker: Replays) -> None:
            start.wait()
            worker.begin()

        workers = [
            SharedReplays(server.url, LIFETIME, clock) for _ in range(THREADS)
        ]
        with futures.ThreadPoolExecutor(THREADS) as threads:
            for _ in range(10):
                server.forget()
                used = nonce()
                clock.advance(1)
                list(threads.map(begin, workers))
                assert outcome(memory, used) == 'stale'
                # Those that began together may have to begin once more.
                memory.begin()
                assert outcome(memory, nonce()) == 'taken'

    def test_two_that_began_together_begin_again(
        self, memory: Replays, server: Server, nonce: Make, clock: Clock
    ) -> None:
        storage = pytest.importorskip('limits').storage
        store = storage.storage_from_string(server.url)
        # As one does that found no beginning just before the other made it.
        store.incr('keymw/digest/since', 60, int(clock() * 1_000_000))
        assert outcome(memory, nonce()) == 'stale'
        assert outcome(memory, nonce()) == 'taken'

    def test_beginning_by_a_clock_ahead_of_ours_holds(
        self, memory: Replays, server: Server, nonce: Make, clock: Clock
    ) -> None:
        clock.advance(SKEW - 1)
        used = nonce()
        memory.remember(used, 1)
        server.forget()
        clock.advance(1)
        memory.begin()
        clock.advance(-SKEW)
        memory.begin()
        assert outcome(memory, used) == 'stale'

    def test_outage_is_never_an_answer_that_was_not_seen(
        self, memory: Replays, server: Server, nonce: Make
    ) -> None:
        one = nonce()
        memory.remember(one, 1)
        with stopped(server):
            for ask in (memory.begin, lambda: memory.remember(one, 1)):
                with pytest.raises(Outage, match=r'\[global_keys\] replays'):
                    ask()

    def test_server_that_does_not_answer_is_an_outage(
        self, memory: Replays, server: Server, nonce: Make
    ) -> None:
        one = nonce()
        memory.remember(one, 1)
        server.freeze()
        before = time.monotonic()
        try:
            with pytest.raises(Outage):
                answer_many(memory, one)
        finally:
            server.thaw()
        assert time.monotonic() - before < 9
        assert outcome(memory, one, 1) == 'refused'

    def test_full_store_is_an_outage_and_forgets_nothing(
        self, memory: Replays, server: Server, nonce: Make
    ) -> None:
        one = nonce()
        memory.remember(one, 1)
        server.fill()
        with pytest.raises(Outage):
            memory.remember(one, 2)
        server.stop()
        server.start()

    def test_another_server_at_its_place_is_an_outage(
        self, memory: Replays, server: Server, nonce: Make
    ) -> None:
        memory.remember(nonce(), 1)
        with contextlib.ExitStack() as running:
            strange = self.stranger()
            strange.port = server.port
            server.stop()
            running.callback(server.start)
            running.enter_context(strange)
            with pytest.raises(Outage):
                memory.remember(nonce(), 1)


def answer_many(memory: Replays, nonce: Nonce) -> None:
    # A server may come to answer some before it freezes.
    for count in range(2, 1000):
        memory.remember(nonce, count)


@contextlib.contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture(scope='module')
def memcached() -> Iterator[Memcached]:
    pytest.importorskip('pymemcache')
    with Memcached() as server:
        yield server


@pytest.fixture(scope='module')
def redis() -> Iterator[Redis]:
    pytest.importorskip('redis')
    with Redis() as server:
        yield server


class TestMemcached(SharedContract):
    stranger = Redis

    @pytest.fixture
    def server(self, memcached: Memcached) -> Server:
        return memcached

    def test_idle_connection_that_died_is_made_again(
        self, memory: Replays, server: Server, nonce: Make, clock: Clock
    ) -> None:
        memory.remember(nonce(), 1)
        server.stop()
        server.start()
        clock.advance(1)
        assert outcome(memory, nonce()) == 'taken'


class TestRedis(SharedContract):
    stranger = Memcached

    @pytest.fixture
    def server(self, redis: Redis) -> Server:
        return redis

    def test_wrong_password_is_an_outage_and_not_shown(
        self, server: Server
    ) -> None:
        wrong = f'redis://:not-this@127.0.0.1:{server.port}/1'
        memory = SharedReplays(wrong, LIFETIME)
        with pytest.raises(Outage) as outage:
            memory.begin()
        assert 'not-this' not in str(outage.value)

    def test_entries_end_with_their_nonces(
        self, memory: Replays, server: Server, nonce: Make
    ) -> None:
        assert isinstance(server, Redis)
        one = nonce()
        memory.remember(one, 1)
        key = f'LIMITS:keymw/digest/{one.id.hex()}/1'
        said = server.ask(f'SELECT 1\r\nTTL {key}')
        left = int(said.rpartition(':')[2])
        assert LIFETIME < left <= LIFETIME + 2 * SKEW


class TestStoredReplays(ReplaysContract):
    @pytest.fixture
    def conf(self, tmp_path: pathlib.Path) -> cfg.ConfigOpts:
        made = Deployment(tmp_path / 'keymw')
        made.set_up()
        return configuration.load(str(made.conf_file))

    @pytest.fixture
    def memory(self, conf: cfg.ConfigOpts, clock: Clock) -> Replays:
        return stored(conf, clock)

    def test_answer_is_taken_by_one_worker_whenever_it_began(
        self,
        memory: Replays,
        conf: cfg.ConfigOpts,
        nonce: Make,
        clock: Clock,
    ) -> None:
        one, two = nonce(), nonce()
        assert outcome(memory, one) == 'taken'
        clock.advance(LIFETIME)
        other = stored(conf, clock)
        assert outcome(other, one) == 'refused'
        assert outcome(other, two) == 'taken'
        assert outcome(memory, two) == 'refused'

    def test_forked_workers_have_connections_of_their_own(
        self, memory: Replays, nonce: Make
    ) -> None:
        one = nonce()
        memory.remember(one, 0)

        def ask() -> list[str]:
            return [outcome(memory, one, n) for n in range(20)]

        first, second = in_forks(ask, ask)
        for of_one, of_other in zip(first[1:], second[1:], strict=True):
            assert sorted([of_one, of_other]) == ['refused', 'taken']
        assert first[0] == second[0] == 'refused'

    def test_rows_end_with_their_nonces(
        self,
        memory: Replays,
        conf: cfg.ConfigOpts,
        nonce: Make,
        clock: Clock,
    ) -> None:
        for _ in range(30):
            assert outcome(memory, nonce()) == 'taken'
            clock.advance(LIFETIME / 2)
        # Twice the time that a nonce is kept, at most.
        assert len(rows(conf)) <= 5

    def test_clock_set_back_brings_nothing_back(
        self, memory: Replays, nonce: Make, clock: Clock
    ) -> None:
        one = nonce()
        memory.remember(one, 1)
        clock.advance(10 * LIFETIME)
        memory.remember(nonce(), 1)
        clock.advance(-10 * LIFETIME)
        assert outcome(memory, one) == 'stale'

    def test_answer_stays_taken_where_old_rows_cannot_be_removed(
        self,
        memory: Replays,
        nonce: Make,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_: Any) -> None:
            raise Outage('the database went away')

        monkeypatch.setattr(SqlUsedNonces, 'drop', fail)
        one = nonce()
        assert outcome(memory, one) == 'taken'
        assert outcome(memory, one) == 'refused'
        assert 'the database went away' in caplog.text

    def test_outage_is_never_an_answer_that_was_not_seen(
        self, memory: Replays, conf: cfg.ConfigOpts, nonce: Make
    ) -> None:
        Database(conf).change_schema(tables.USED_NONCE.drop)
        with pytest.raises(Outage):
            memory.remember(nonce(), 1)


def stored(conf: cfg.ConfigOpts, clock: Clock) -> Replays:
    """The memory of writes of one worker."""
    return replays.of(conf, clock).writes


def rows(conf: cfg.ConfigOpts) -> list[Any]:
    """The uses that are in the database."""
    query = sa.select(tables.USED_NONCE)
    return Database(conf).read(lambda on: list(on.execute(query)))


# The option


@pytest.mark.parametrize(
    ('place', 'driver', 'reads', 'writes'),
    [
        ('storage', 'sql', LocalReplays, StoredReplays),
        ('storage', 'memory', LocalReplays, LocalReplays),
        ('memory://', 'sql', LocalReplays, LocalReplays),
        ('redis://127.0.0.1:1', 'sql', SharedReplays, SharedReplays),
    ],
)
def test_memory_of_each_method_by_the_options(
    tmp_path: pathlib.Path,
    place: str,
    driver: str,
    reads: type[Replays],
    writes: type[Replays],
) -> None:
    if reads is SharedReplays:
        pytest.importorskip('redis')
    made = Deployment(
        tmp_path,
        {
            'global_keys': {'replays': place},
            'storage': {'global_keys': driver},
        },
    )
    found = replays.of(configuration.load(str(made.conf_file)), time.time)
    for method in ('GET', 'HEAD'):
        assert type(found.of(method)) is reads
    for method in ('POST', 'PATCH', 'DELETE', 'PUT', 'get'):
        assert type(found.of(method)) is writes


def test_memory_of_the_process_needs_no_store() -> None:
    assert isinstance(replays.load('memory://', LIFETIME), LocalReplays)


@pytest.mark.parametrize(
    'uri', ['memcached://127.0.0.1:1', 'redis://:secret@127.0.0.1:1']
)
def test_store_is_not_asked_before_it_is_needed(uri: str) -> None:
    pytest.importorskip('pymemcache')
    pytest.importorskip('redis')
    memory = replays.load(uri, LIFETIME)
    with pytest.raises(Outage):
        memory.begin()


@pytest.mark.parametrize(
    'uri',
    [
        '',
        'memory',
        'memory://x',
        'secret',
        'file:///secret',
        'mongodb://secret',
        'async+redis://secret',
        'redis+sentinel://secret:1/x',
        'memcached://',
        'memcached:secret',
        'memcached://secret',
        'memcached://secret:port',
        'memcached://one:1,secret:2',
        'redis:secret',
        'redis://secret:port',
        'redis://:secret@[::1',
        'redis://h?socket_timeout=secret',
    ],
)
def test_what_names_no_store_is_told_at_start(uri: str) -> None:
    pytest.importorskip('pymemcache')
    pytest.importorskip('redis')
    with pytest.raises(ConfigError, match=r'\[global_keys\] replays') as why:
        replays.load(uri, LIFETIME)
    assert 'secret' not in str(why.value)


def test_option_that_the_client_does_not_know_is_told() -> None:
    pytest.importorskip('redis')
    memory = replays.load('redis://127.0.0.1:1?no_such=1', LIFETIME)
    with pytest.raises(Outage, match='no_such'):
        memory.begin()


@pytest.mark.parametrize(
    ('uri', 'missing'),
    [
        ('memcached://h:1', 'pymemcache'),
        ('rediss://h', 'redis'),
    ],
)
def test_library_that_is_missing_is_named(
    uri: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith(f'{missing}.'):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=f'needs {missing}, which is not'):
        replays.load(uri, LIFETIME)
