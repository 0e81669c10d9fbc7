"""The fault against the answer: the table of doc/faults.md, row by row."""

import abc
from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import itertools
import json
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
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.base import CredentialStore
from keymw.storage.base import Outage
from keymw.storage.sql.api_keys import SqlApiKeys
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
from tests.support.trusting import Trusting

PAGE = pathlib.Path(__file__).parents[2] / 'doc' / 'faults.md'
DAY = 86400.0
CENTURY = 100 * 365 * DAY
STORES: tuple[tuple[abc.ABCMeta, type], ...] = (
    (CredentialStore, SqlCredentials),
    (ApiKeyStore, SqlApiKeys),
)
Fault = contextlib.AbstractContextManager[object]


class Place:
    """keymw, its clock, and what can go wrong."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.clock, self.service = Clock(), Trusting()
        self.between = Between(self.service)
        options = {
            'identity': {'token_cache_ttl': '0', 'api_version': 'v3'},
            # A login would wait for the second after a change.
            'kskey': {'stale_tokens': 'allow'},
            'api_keys': {'enabled': 'true', 'last_used_interval': '0'},
        }
        Deployment(home, options).set_up()
        self.web = self.worker()

    def worker(self) -> webtest.TestApp:
        """A worker that starts now."""
        file = self.home / 'keymw.conf'
        app = factory.wrap(self.between, str(file), self.clock)
        return webtest.TestApp(app, extra_environ={'REMOTE_ADDR': '127.0.0.1'})

    def ask(
        self, method: str, path: str, body: Any = None, token: str = ''
    ) -> Any:
        """The response; an outage says when to try again."""
        answer = self.web.request(
            path,
            method=method,
            headers={
                'Content-Type': 'application/json',
                **({'X-Auth-Token': token} if token else {}),
            },
            body=b'' if body is None else json.dumps(body).encode(),
            expect_errors=True,
        )
        assert answer.status_int != 503 or answer.headers['Retry-After']
        return answer


class Credential:
    """A credential of a user, used by the administrator."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._user = identity.user_id(1)

    def show(self) -> int:
        path = wires.key(self._user)
        return int(self._ask('GET', path).status_int)

    def change(self) -> tuple[int, str]:
        """The status, and the new key or an empty text."""
        answer = self._ask('POST', wires.reset(self._user))
        is_new = answer.status_int == 200
        return answer.status_int, JSON.key(answer)[1] if is_new else ''

    def login(self, key: str) -> int:
        members = {'username': self._user, 'apiKey': key}
        auth = {wires.ROOT: members, 'tenantId': identity.PROJECT['id']}
        answer = self._place.ask('POST', '/v2.0/tokens', {'auth': auth})
        return int(answer.status_int)

    def _ask(self, method: str, path: str) -> Any:
        return self._place.ask(method, path, token=identity.ADMIN)


class ApiKey:
    """An API key, used by its owner."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = identity.user_id(1)
        base = f'/v3/users/{self._token}/api_keys'
        body = {'api_key': {'name': 'nightly'}}
        made = place.ask('POST', base, body, self._token)
        self._path = f'{base}/{made.json["api_key"]["id"]}'

    def show(self) -> int:
        found = self._place.ask('GET', self._path, token=self._token)
        return int(found.status_int)

    def change(self) -> tuple[int, str]:
        """The status, and the new key or an empty text."""
        path = f'{self._path}/rotate'
        answer = self._place.ask('POST', path, {}, self._token)
        found = answer.json.get('api_key', {}).get('secret', '')
        return answer.status_int, found

    def login(self, key: str) -> int:
        method = {'methods': ['api_key'], 'api_key': {'secret': key}}
        body = {'auth': {'identity': method}}
        answer = self._place.ask('POST', '/v3/auth/tokens', body)
        return int(answer.status_int)


@contextlib.contextmanager
def identity_down(place: Place, after: int = 0) -> Iterator[None]:
    """The service fails, after some requests that it answers."""
    good, bad = (
        itertools.repeat(place.service, after),
        itertools.repeat(broken),
    )
    place.between.instead('.*', itertools.chain(good, bad))
    yield
    place.between.step_aside()


def give_up(_environ: Any, _start_response: Any) -> Any:
    """End the request, as gunicorn does when it is over --timeout."""
    raise SystemExit(1)


@contextlib.contextmanager
def server_gives_up(place: Place, after: int = 0) -> Iterator[None]:
    """The service hangs after some requests, and the server ends ours."""
    good = itertools.repeat(place.service, after)
    bad = itertools.repeat(give_up)
    place.between.instead('.*', itertools.chain(good, bad))
    with contextlib.suppress(SystemExit):
        yield
    place.between.step_aside()


@contextlib.contextmanager
def store_down(_place: Place, after: int = 0) -> Iterator[None]:
    """The store fails, after some calls that it answers."""
    patch, calls = pytest.MonkeyPatch(), itertools.count()

    def failing(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*about: Any, **more: Any) -> Any:
            if next(calls) >= after:
                raise Outage('the store is away')
            return method(*about, **more)

        return call

    for promised, store in STORES:
        for name in promised.__abstractmethods__:
            patch.setattr(store, name, failing(getattr(store, name)))
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


# Fault: how it comes, and the statuses of show, change and login; those of a
# credential, then those of an API key.
Statuses = tuple[int, int, int]
FAULTS: dict[str, tuple[Callable[[Place], Fault], Statuses, Statuses]] = {
    'identity service down': (identity_down, (503, 503, 503), (503, 503, 503)),
    'store down': (store_down, (503, 503, 503), (503, 503, 503)),
    'store read-only': (store_read_only, (200, 503, 200), (200, 503, 201)),
    'store full': (store_full, (200, 503, 200), (200, 503, 201)),
    'vault gone while serving': (
        vault_gone,
        (200, 200, 200),
        (200, 200, 201),
    ),
    'sealing key gone': (key_gone, (503, 200, 503), (503, 503, 503)),
    'clock ahead': (
        lambda p: clock(p, DAY),
        (200, 200, 200),
        (200, 200, 201),
    ),
    'clock ahead of the end of a token': (
        lambda p: clock(p, CENTURY),
        (401, 401, 200),
        (401, 401, 201),
    ),
    'clock behind': (
        lambda p: clock(p, -DAY),
        (200, 200, 200),
        (200, 200, 201),
    ),
}


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path / 'keymw')


@pytest.mark.parametrize('name', FAULTS)
@pytest.mark.parametrize('kind', [Credential, ApiKey])
def test_fault_has_its_answer_and_loses_nothing(
    place: Place, name: str, kind: type[Credential] | type[ApiKey]
) -> None:
    make, *promised = FAULTS[name]
    statuses = promised[kind is ApiKey]
    target = kind(place)
    changed, key = target.change()
    accepted = target.login(key)
    assert changed == 200
    assert accepted in (200, 201)
    with make(place):
        found = target.show(), target.login(key)
        changed, new = target.change()
    assert (found[0], changed, found[1]) == statuses
    # What was acknowledged is there, and what was refused changed nothing.
    wanted = (401, accepted) if changed == 200 else (accepted, 401)
    assert (target.login(key), target.login(new or 'x' * 32)) == wanted


@pytest.mark.parametrize('fault', [identity_down, server_gives_up, store_down])
@pytest.mark.parametrize('kind', [Credential, ApiKey])
def test_outage_at_any_moment_of_a_change_loses_no_key(
    place: Place,
    fault: Callable[[Place, int], Fault],
    kind: type[Credential] | type[ApiKey],
) -> None:
    target = kind(place)
    _, key = target.change()
    accepted = target.login(key)
    changed, new, after = 503, '', 0
    while changed == 503 and after < 20:
        assert target.login(key) == accepted
        with fault(place, after):
            changed, new = target.change()
        after += 1
    assert (changed, target.login(key)) == (200, 401)
    assert target.login(new) == accepted
    assert after > 1


def refusals(place: Place, ask: Callable[[], Any]) -> Iterator[None]:
    """Yield after each 503, until the service lives long enough."""
    for after in range(20):
        with identity_down(place, after):
            answer = ask()
        if answer.status_int != 503:
            assert answer.status_int in (200, 201)
            assert after > 2
            return
        yield
    pytest.fail('it is refused for ever')


def test_refused_creation_and_change_of_an_api_key_did_nothing(
    place: Place,
) -> None:
    token = identity.user_id(1)
    base = f'/v3/users/{token}/api_keys'

    def names() -> dict[str, str]:
        found = place.ask('GET', base, token=token).json['api_keys']
        return {key['name']: key['id'] for key in found}

    def ask(method: str, path: str, name: str) -> Any:
        return place.ask(method, path, {'api_key': {'name': name}}, token)

    for _ in refusals(place, lambda: ask('POST', base, 'one')):
        assert names() == {}
    made = names()
    path = f'{base}/{made["one"]}'
    for _ in refusals(place, lambda: ask('PATCH', path, 'two')):
        assert names() == made
    assert list(names()) == ['two']


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
    user = identity.user_id(1)
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
        options = {'identity': remote, 'api_keys': {'enabled': 'true'}}
        web = front.front(tmp_path / 'far', None, options)
        for path in (wires.key(user), f'/v3/users/{user}/api_keys'):
            answer = front.ask(web, JSON, 'GET', path, identity.ADMIN)
            assert answer.status_int == 503
            assert answer.headers['Retry-After']


def test_start_without_a_vault_is_refused(place: Place) -> None:
    with (
        vault_gone(place),
        pytest.raises(ConfigError, match=r'\[vault\] key_repository'),
    ):
        place.worker()


def test_page_has_the_table() -> None:
    row = re.compile(r'^\| (.+?) ' + r'\| (\d+) ' * 6 + r'\|', re.M)
    told = {
        name: tuple(map(int, statuses))
        for name, *statuses in row.findall(PAGE.read_text())
    }
    assert told == {
        name: of_credential + of_api_key
        for name, (_, of_credential, of_api_key) in FAULTS.items()
    }
