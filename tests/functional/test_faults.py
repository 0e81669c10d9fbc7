"""The fault against the answer: the table of doc/faults.md, row by row."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import itertools
import os
import pathlib
import re
import resource
import socket
from typing import Any

import pytest
import sqlalchemy as sa
import webtest

from bench import identity
from keymw import factory
from keymw.conf import ConfigError
from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage
from keymw.storage.sql.credentials import SqlCredentials
from tests.support import front
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import OWNER
from tests.support.admin import Office
from tests.support.between import Between
from tests.support.between import broken
from tests.support.clock import Clock
from tests.support.deployment import Deployment
from tests.support.login import JSON
from tests.support.servers.memcached import Memcached
from tests.support.servers.redis import Redis

PAGE = pathlib.Path(__file__).parents[2] / 'doc' / 'faults.md'
DAY = 86400.0
CENTURY = 100 * 365 * DAY
Fault = contextlib.AbstractContextManager[object]


class Place:
    """keymw with a key of a user, its clock, and what can go wrong."""

    def __init__(self, home: pathlib.Path, app: Any, admin: str) -> None:
        self.home, self.admin = home, admin
        self.clock, self.between = Clock(), Between(app)
        options = {
            'identity': {'token_cache_ttl': '0', 'api_version': 'v3'},
            # A login would wait for the second after a change.
            'kskey': {'stale_tokens': 'allow'},
        }
        Deployment(home, options).set_up()
        self.web = self.worker()
        self.user = identity.user_id(1)

    def worker(self) -> webtest.TestApp:
        """A worker that starts now."""
        file = self.home / 'keymw.conf'
        app = factory.wrap(self.between, str(file), self.clock)
        return webtest.TestApp(app, extra_environ={'REMOTE_ADDR': '127.0.0.1'})

    def show(self) -> int:
        return self._status('GET', wires.key(self.user))

    def change(self) -> int:
        return self._status('POST', wires.reset(self.user))

    def login(self, key: str) -> int:
        tenant = identity.PROJECT['id']
        members = {'username': self.user, 'apiKey': key}
        body = JSON.auth(wires.ROOT, members, tenantId=tenant)
        kind = {'Content-Type': JSON.media_type}
        answer = self.web.post('/v2.0/tokens', body, kind, expect_errors=True)
        return self._of(answer)

    def _status(self, method: str, path: str) -> int:
        return self._of(self.ask(method, path))

    def ask(self, method: str, path: str) -> Any:
        """The response to a request of the administrator."""
        return front.ask(self.web, JSON, method, path, self.admin)

    def _of(self, answer: Any) -> int:
        assert answer.status_int != 503 or answer.headers['Retry-After']
        return int(answer.status_int)

    def shown(self) -> str:
        """The key that is stored."""
        return JSON.key(self.ask('GET', wires.key(self.user)))[1]


@contextlib.contextmanager
def identity_down(place: Place) -> Iterator[None]:
    place.between.instead('.*', itertools.repeat(broken))
    yield
    place.between.step_aside()


@contextlib.contextmanager
def store_down(_place: Place) -> Iterator[None]:
    patch = pytest.MonkeyPatch()

    def fail(*_: Any, **__: Any) -> Any:
        raise Outage('the store is away')

    for name in CredentialStore.__abstractmethods__:
        patch.setattr(SqlCredentials, name, fail)
    yield
    patch.undo()


@contextlib.contextmanager
def store_read_only(place: Place) -> Iterator[None]:
    def spoil(connection: Any, _record: object) -> None:
        connection.execute('PRAGMA query_only = 1')

    sa.event.listen(sa.engine.Engine, 'connect', spoil)
    kept, place.web = place.web, place.worker()
    yield
    sa.event.remove(sa.engine.Engine, 'connect', spoil)
    place.web = kept


@contextlib.contextmanager
def store_full(_place: Place) -> Iterator[None]:
    """No file of this process can grow, those of SQLite included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def vault_gone(place: Place) -> Iterator[None]:
    vault = place.home / 'vault'
    away = vault.rename(vault.with_name('away'))
    yield
    away.rename(vault)


@contextlib.contextmanager
def key_gone(place: Place) -> Iterator[None]:
    file = place.home / 'vault' / '1'
    away = file.rename(file.with_name('.away'))
    os.utime(file.parent, (1, 1))
    yield
    away.rename(file)


@contextlib.contextmanager
def clock(place: Place, seconds: float) -> Iterator[None]:
    place.clock.advance(seconds)
    yield
    place.clock.advance(-seconds)


# Fault: how it comes, and the statuses of show, change and login.
FAULTS: dict[str, tuple[Callable[[Place], Fault], tuple[int, int, int]]] = {
    'identity service down': (identity_down, (503, 503, 503)),
    'store down': (store_down, (503, 503, 503)),
    'store read-only': (store_read_only, (200, 503, 200)),
    'store full': (store_full, (200, 503, 200)),
    'vault gone while serving': (vault_gone, (200, 200, 200)),
    'sealing key gone': (key_gone, (503, 200, 503)),
    'clock ahead': (lambda p: clock(p, DAY), (200, 200, 200)),
    'clock ahead of the end of a token': (
        lambda p: clock(p, CENTURY),
        (401, 401, 200),
    ),
    'clock behind': (lambda p: clock(p, -DAY), (200, 200, 200)),
}


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path / 'keymw', identity.Instant(), identity.ADMIN)


@pytest.mark.parametrize('name', FAULTS)
def test_fault_has_its_answer_and_loses_nothing(
    place: Place, name: str
) -> None:
    assert place.change() == 200
    key = place.shown()
    assert place.login(key) == 200
    make, (show, change, login) = FAULTS[name]
    with make(place):
        assert place.show() == show
        assert place.login(key) == login
        changed = place.change()
        assert changed == change
    if changed == 200:
        # What was acknowledged is there.
        assert place.shown() != key
    else:
        assert place.shown() == key
        assert place.login(key) == 200


@pytest.mark.parametrize('server', [Memcached, Redis])
def test_memory_of_replays_that_goes_away(
    tmp_path: pathlib.Path, server: type[Memcached] | type[Redis]
) -> None:
    with server() as memory:
        office = Office(tmp_path / 'office', replays=memory.url)
        made = {'desc': 'first', 'roles': [OWNER]}
        assert office.owner.ask('POST', KEYS, made).status_int == 200
        memory.kill()
        for method in ('GET', 'POST'):
            answer = office.web.request(
                KEYS, method=method, expect_errors=True
            )
            assert answer.status_int == 503
            assert answer.headers['Retry-After']
        memory.start()
        listed = office.owner.ask('GET', KEYS).json
        assert listed['totalCount'] == 2


def test_remote_service_that_hangs_is_answered_in_time(
    tmp_path: pathlib.Path,
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as silent:
        remote = {
            'transport': 'remote',
            'service_user': '',
            'service_project': '',
            'auth_type': 'password',
            'auth_url': f'http://127.0.0.1:{silent.getsockname()[1]}',
            'username': 'admin',
            'password': 'secret',
            'timeout': '0.2',
        }
        web = front.front(tmp_path / 'far', None, {'identity': remote})
        path = wires.key(identity.user_id(1))
        answer = front.ask(web, JSON, 'GET', path, identity.ADMIN)
        assert answer.status_int == 503


def test_start_without_a_vault_is_refused(place: Place) -> None:
    with (
        vault_gone(place),
        pytest.raises(ConfigError, match=r'\[vault\] key_repository'),
    ):
        place.worker()


def test_page_has_the_table() -> None:
    row = re.compile(r'^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|', re.M)
    told = {
        name: tuple(map(int, statuses))
        for name, *statuses in row.findall(PAGE.read_text())
    }
    assert told == {name: statuses for name, (_, statuses) in FAULTS.items()}
