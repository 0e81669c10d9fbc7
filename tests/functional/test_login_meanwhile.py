"""What changes between two steps of a login, or just before one."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import pathlib
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIEnvironment

import pytest
import webob

from keymw import conf
from keymw import vault
from keymw.credentials.handlers import KIND
from keymw.storage.base import Credential
from keymw.storage.sql.credentials import SqlCredentials
from tests.support import front
from tests.support import wire as wires
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.login import JSON
from tests.support.login import V1_1
from tests.support.login import WAYS
from tests.support.login import Desk
from tests.support.pipeline_v2 import PipelineV2

ISSUE = 'POST /v3/auth/tokens'
REVOKE = 'DELETE /v3/auth/tokens'

by_every_way = pytest.mark.parametrize('way', WAYS)


class Kept:
    """The keys of a deployment, changed behind it."""

    def __init__(self, home: pathlib.Path) -> None:
        loaded = conf.load(str(home / 'keymw.conf'))
        self._vault = vault.load(loaded.vault.key_repository)
        self.store = SqlCredentials(loaded)

    def row(self, user_id: str) -> Credential:
        found = self.store.get(user_id)
        assert found is not None
        return found

    def sealed(self, user_id: str, key: str) -> bytes:
        return self._vault.seal(KIND, user_id, key)

    def delete(self, user_id: str, _key: str) -> None:
        self.store.delete(user_id)

    def replace(self, user_id: str, _key: str) -> None:
        self.set(user_id, 'another key')

    def delete_and_add(self, user_id: str, _key: str) -> None:
        row = self.row(user_id)
        self.store.delete(user_id)
        secret = self.sealed(user_id, 'another key')
        self.store.put(dataclasses.replace(row, secret=secret))

    def set(self, user_id: str, key: str) -> None:
        secret = self.sealed(user_id, key)
        self.store.put(dataclasses.replace(self.row(user_id), secret=secret))

    def reseal(self, user_id: str, key: str) -> None:
        old = self.row(user_id).secret
        assert self.store.reseal(user_id, old, self.sealed(user_id, key))

    def rename(self, user_id: str, _key: str) -> None:
        self.store.rename(self.row(user_id), f'new name of {user_id}')


class Issuing:
    """Keystone, with an action at the request for a token."""

    def __init__(self, app: Any, act: Callable[[], None]) -> None:
        self._app = app
        self._act = act
        self.token = ''

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        response = webob.Request(environ).send(self._app)
        self.token = response.headers.get('X-Subject-Token', '')
        self._act()
        found: Iterable[bytes] = response(environ, start_response)
        return found


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    made = Desk(tmp_path_factory.mktemp('meanwhile') / 'keymw', cloud)
    # Now service_user has a token, and what Keystone speaks is known.
    person = cloud.with_role('member')
    made.by('v3', person.name, made.key_of(person))
    return made


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user for whom one token is issued in a login."""
    person, project = cloud.with_role('member'), cloud.project('demo')
    cloud.change('user', person.id, default_project_id=project)
    return person


def meanwhile(
    desk: Desk,
    person: Person,
    what: Callable[[Kept, str, str], None],
    way: str,
) -> tuple[Any, str]:
    """The response to a login while something is done, and the token of it."""
    key, kept = desk.key_of(person), Kept(desk.home)
    issuing = Issuing(desk.cloud.app, lambda: what(kept, person.id, key))
    desk.between.asked.clear()
    desk.between.instead(ISSUE, [issuing])
    return desk.by(way, person.name, key), issuing.token


def shown(answer: Any) -> tuple[int, bytes]:
    return answer.status_int, answer.body


@by_every_way
@pytest.mark.parametrize(
    'what', [Kept.delete, Kept.replace, Kept.delete_and_add]
)
def test_key_that_ends_during_the_login_buys_nothing(
    desk: Desk, cloud: Cloud, ann: Person, way: str, what: Any
) -> None:
    refused = shown(desk.by(way, 'nobody', 'wrong-key'))
    answer, token = meanwhile(desk, ann, what, way)
    assert shown(answer) == refused
    assert desk.between.count(REVOKE) == 1
    headers = {'X-Auth-Token': cloud.admin, 'X-Subject-Token': token}
    cloud.web.get('/v3/auth/tokens', headers=headers, status=404)


@by_every_way
@pytest.mark.parametrize('what', [Kept.reseal, Kept.rename, Kept.set])
def test_key_that_stays_right_buys_a_token(
    desk: Desk, ann: Person, way: str, what: Any
) -> None:
    answer, _token = meanwhile(desk, ann, what, way)
    assert answer.status_int < 300
    assert desk.between.count(REVOKE) == 0


@pytest.mark.parametrize('status', [500, 401, 404])
def test_token_that_cannot_be_revoked_is_not_handed_out_either(
    desk: Desk, ann: Person, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    desk.between.instead(REVOKE, [reply(status)])
    answer, token = meanwhile(desk, ann, Kept.delete, 'v3')
    assert answer.status_int == 401
    assert token not in answer.text
    # With 401 and 404 the token is over already.
    assert ('is not revoked' in caplog.text) == (status == 500)
    desk.between.step_aside()


@pytest.mark.parametrize('status', [204, 404])
def test_key_that_ends_during_a_login_of_v2(
    tmp_path: pathlib.Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """There service_user revokes, as old services let admins alone."""
    pipeline, revoked = PipelineV2(), list[str]()
    bob = pipeline.account('bob')

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        method, path = environ['REQUEST_METHOD'], environ['PATH_INFO']
        if method == 'DELETE':
            assert pipeline.tokens[environ['HTTP_X_AUTH_TOKEN']][0] is not bob
            revoked.append(path)
            return reply(status)(environ, start_response)
        if path == '/v2.0/tokens' and environ.get('REMOTE_USER') == 'bob':
            Kept(tmp_path / 'keymw').delete(bob.id, '')
        return pipeline(environ, start_response)

    options = {'identity': {'api_version': 'v2.0'}}
    web = front.front(tmp_path / 'keymw', app, options)
    admin = pipeline.token(pipeline.account('root', 'admin'))
    _, key = JSON.key(front.ask(web, JSON, 'POST', wires.reset(bob.id), admin))
    body = JSON.auth(wires.ROOT, {'username': 'bob', 'apiKey': key})
    answer = front.ask(web, JSON, 'POST', '/v2.0/tokens', None, body)
    assert answer.status_int == 401
    (path,) = revoked
    assert pipeline.tokens[path.removeprefix('/v2.0/tokens/')][0] is bob
    assert 'is not revoked' not in caplog.text


@by_every_way
def test_owner_is_looked_up_at_each_login(
    tmp_path: pathlib.Path, cloud: Cloud, way: str
) -> None:
    """Keystone itself issues tokens to the disabled, and 27 takes them."""
    options = {**V1_1, 'identity': {'user_cache_ttl': '3600'}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    eve = cloud.with_role('member')
    key = desk.key_of(eve)
    assert desk.by(way, eve.name, key).status_int < 300
    desk.between.asked.clear()
    cloud.change('user', eve.id, enabled=False)
    assert desk.by(way, eve.name, key).status_int == 403
    assert desk.between.count(ISSUE) == 0


def test_owner_may_be_cached(tmp_path: pathlib.Path, cloud: Cloud) -> None:
    options = {'identity': {'owner_cache_ttl': '3600'}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    eve = cloud.with_role('member')
    key = desk.key_of(eve)
    desk.between.asked.clear()
    for _ in range(3):
        assert desk.v3({'id': eve.id}, key).status_int == 201
    assert desk.between.count(f'GET /v3/users/{eve.id}') == 1


def test_disabled_domain_lets_in_as_soon_as_it_is_enabled(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud)
    eve = cloud.person(domain_id=cloud.domain())
    key = desk.key_of(eve)
    for enabled, status in (True, 201), (False, 403), (True, 201):
        cloud.change('domain', eve.domain_id, enabled=enabled)
        for _ in range(2):
            assert desk.v3({'id': eve.id}, key).status_int == status


class TestName:
    """The stored name is the present one, never that of a cached token."""

    @pytest.fixture
    def swapped(self, desk: Desk, cloud: Cloud) -> tuple[Person, Person, str]:
        """Who had a name, who took it, and the first one's cached token."""
        first = cloud.with_role('member')
        token = cloud.token_of(first)
        ask(desk, 'POST', wires.reset(first.id), token)
        cloud.change('user', first.id, name=f'renamed-{first.name}')
        second = cloud.person(first.name)
        cloud.grant(second, 'member')
        return first, second, token

    @pytest.mark.parametrize('method', ['reset', 'get', 'list'])
    def test_self_service_leaves_the_name_to_who_has_it(
        self,
        desk: Desk,
        swapped: tuple[Person, Person, str],
        method: str,
    ) -> None:
        first, second, token = swapped
        key = desk.key_of(second)
        if method == 'reset':
            answer = ask(desk, 'POST', wires.reset(first.id), token)
            assert JSON.key(answer)[0] == f'renamed-{first.name}'
        elif method == 'get':
            answer = ask(desk, 'GET', wires.key(first.id), token)
            assert JSON.key(answer)[0] == f'renamed-{first.name}'
        else:
            answer = ask(desk, 'GET', wires.base(first.id), token)
            assert JSON.keys(answer)[0][0] == f'renamed-{first.name}'
        answer = desk.sign_in(JSON, second.name, key)
        assert answer.json['access']['user']['id'] == second.id

    def test_update_must_name_the_present_name(
        self, desk: Desk, swapped: tuple[Person, Person, str], cloud: Cloud
    ) -> None:
        first, path = swapped[0], wires.key(swapped[0].id)
        for name, status in (
            (first.name, 400),
            (f'renamed-{first.name}', 200),
        ):
            body = JSON.write(username=name, apiKey='x' * 32)
            answer = front.ask(desk.web, JSON, 'POST', path, cloud.admin, body)
            assert answer.status_int == status

    def test_old_service_shows_users_to_admins_alone(
        self, tmp_path: pathlib.Path
    ) -> None:
        """Then the token says the name, validated anew."""
        pipeline = PipelineV2()
        bob = pipeline.account('bob')
        options = {
            'identity': {
                'api_version': 'v2.0',
                'service_user': '',
                'service_project': '',
                'token_cache_ttl': '3600',
            }
        }
        web = front.front(tmp_path / 'keymw', pipeline, options)
        token = pipeline.token(bob)
        # The token is cached by now, with the former name.
        assert front.ask(web, JSON, 'GET', wires.key(bob.id), token)
        pipeline.tokens[token][1]['user']['name'] = 'robert'
        answer = front.ask(web, JSON, 'POST', wires.reset(bob.id), token)
        assert JSON.key(answer)[0] == 'robert'


def ask(desk: Desk, method: str, path: str, token: str) -> Any:
    """The response to a request with a token."""
    return front.ask(desk.web, JSON, method, path, token)
