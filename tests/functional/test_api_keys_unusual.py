"""API keys where input, the identity service or another request is unusual."""

from collections.abc import Iterator
import itertools
import json
import pathlib
from typing import Any

import pytest
import webob

from tests.support import front
from tests.support.api_keys import KeyDesk
from tests.support.api_keys import base
from tests.support.api_keys import later
from tests.support.api_keys import options
from tests.support.api_keys import path
from tests.support.between import reply
from tests.support.clock import Clock
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.pipeline_v2 import PipelineV2

ISSUE = 'POST /v3/auth/tokens'
MAKE = 'POST /v3/OS-TRUST/trusts'
DELETE = 'DELETE /v3/OS-TRUST/trusts/.*'
ALLOWED = options(allow_unrestricted='true', max_lifetime=str(86400 * 30))


@pytest.fixture(scope='module')
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope='module')
def desk(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud, clock: Clock
) -> KeyDesk:
    home = tmp_path_factory.mktemp('unusual') / 'keymw'
    return KeyDesk(home, cloud, ALLOWED, clock)


@pytest.fixture(autouse=True)
def alone(desk: KeyDesk) -> Iterator[None]:
    yield
    desk.between.step_aside()


@pytest.fixture
def token(cloud: Cloud, ann: Person) -> str:
    return cloud.token_of(ann, 'demo')


def no(status: int, message: str = 'no') -> Any:
    return reply(status, {'error': {'code': status, 'message': message}})


def said(answer: Any) -> str:
    return str(answer.json['error']['message'])


def body(**members: Any) -> dict[str, Any]:
    return {'api_key': members}


class TestBody:
    def test_null_is_a_member_that_is_not_there(
        self, desk: KeyDesk, ann: Person
    ) -> None:
        key = desk.made(ann, project_id=None, roles=None, expires_at=None)
        assert [role['name'] for role in key['roles']] == ['member']

    @pytest.mark.parametrize(
        ('members', 'named'),
        [
            ({'expires_at': '2999-01-01T00:00:00Z'}, 'expires_at'),
            ({'unrestricted': True, 'project_id': 'x'}, 'project_id'),
            ({'unrestricted': True, 'roles': [{'name': 'x'}]}, 'roles'),
        ],
        ids=['too late', 'unrestricted project', 'unrestricted roles'],
    )
    def test_members_that_do_not_go_together_are_named(
        self,
        desk: KeyDesk,
        ann: Person,
        token: str,
        members: dict[str, Any],
        named: str,
    ) -> None:
        answer = desk.create(ann, token, **members)
        assert answer.status_int == 400
        assert said(answer).startswith(f'api_key.{named}: ')
        assert desk.trusts(ann) == []

    def test_a_role_named_by_id_and_by_name_is_there_twice(
        self, desk: KeyDesk, cloud: Cloud, ann: Person, token: str
    ) -> None:
        roles = [{'id': cloud.role('member')}, {'name': 'member'}]
        answer = desk.create(ann, token, roles=roles)
        assert answer.status_int == 400
        assert said(answer) == 'api_key.roles: a role is there twice'

    def test_a_key_ends_as_late_as_it_may(
        self, desk: KeyDesk, ann: Person
    ) -> None:
        assert desk.made(ann)['expires_at'] is not None

    @pytest.mark.parametrize('grace', [[], 'x', 1])
    def test_grace_that_is_no_object_is_refused(
        self, desk: KeyDesk, ann: Person, token: str, grace: Any
    ) -> None:
        key = desk.made(ann)
        answer = desk.ask('POST', f'{path(key)}/rotate', token, grace)
        assert answer.status_int == 400
        assert said(answer) == 'grace: the body is not an object'
        desk.token(key['secret'])

    def test_another_type_is_415(
        self, desk: KeyDesk, ann: Person, token: str
    ) -> None:
        answer = desk.web.post(
            base(ann),
            '{}',
            headers={'X-Auth-Token': token, 'Content-Type': 'text/plain'},
            expect_errors=True,
        )
        assert answer.status_int == 415

    def test_control_character_in_the_query_is_named(
        self, desk: KeyDesk, ann: Person, token: str
    ) -> None:
        answer = desk.ask('GET', f'{base(ann)}?name=%07', token)
        assert answer.status_int == 400
        assert said(answer) == 'The parameter name has a control character.'


class TestUnrestricted:
    @pytest.fixture
    def key(self, desk: KeyDesk, ann: Person) -> dict[str, Any]:
        return desk.made(ann, unrestricted=True)

    def test_it_logs_in_to_v2_for_each_tenant(
        self, desk: KeyDesk, cloud: Cloud, ann: Person, key: Any
    ) -> None:
        cloud.grant(ann, 'reader', 'other')
        for tenant in ('demo', 'other'):
            answer = desk.v2(ann.name, key['secret'], tenantName=tenant)
            token = answer.json['access']['token']
            assert token['tenant']['name'] == tenant
        answer = desk.v2(ann.name, key['secret'])
        assert 'tenant' in answer.json['access']['token']

    def test_another_name_in_v2_is_a_wrong_key(
        self, desk: KeyDesk, bob: Person, key: Any
    ) -> None:
        assert desk.v2(bob.name, key['secret']).status_int == 401

    @pytest.mark.parametrize('version', ['v2.0', 'v3'])
    def test_owner_who_is_disabled_gets_nothing(
        self, desk: KeyDesk, cloud: Cloud, zoe: Person, version: str
    ) -> None:
        cloud.grant(zoe, 'member')
        secret = desk.made(zoe, unrestricted=True)['secret']
        cloud.change('user', zoe.id, enabled=False)
        answer = (
            desk.v2(zoe.name, secret)
            if version == 'v2.0'
            else desk.sign_in(secret)
        )
        assert answer.status_int == 401

    def test_scope_that_is_refused_is_told(
        self, desk: KeyDesk, cloud: Cloud, key: Any
    ) -> None:
        desk.between.instead(ISSUE, [no(403, 'Not there.')])
        scope = {'project': {'id': cloud.project('demo')}}
        answer = desk.sign_in(key['secret'], scope=scope)
        assert (answer.status_int, said(answer)) == (403, 'Not there.')

    def test_it_is_disabled_and_enabled_without_a_trust(
        self, desk: KeyDesk, ann: Person, token: str, key: Any
    ) -> None:
        for enabled, status in ((False, 401), (True, 201)):
            change = body(enabled=enabled)
            answer = desk.ask('PATCH', path(key), token, change)
            assert answer.json['api_key']['enabled'] is enabled
            assert desk.sign_in(key['secret']).status_int == status
        assert desk.trusts(ann) == []

    def test_it_is_refused_where_such_keys_are_not_allowed_any_more(
        self, tmp_path: pathlib.Path, cloud: Cloud, ann: Person
    ) -> None:
        before = KeyDesk(tmp_path / 'keymw', cloud, ALLOWED)
        secret = before.made(ann, unrestricted=True)['secret']
        after = KeyDesk(tmp_path / 'keymw', cloud)
        assert after.sign_in(secret).status_int == 401
        assert before.sign_in(secret).status_int == 201


class TestTrusts:
    @pytest.mark.parametrize(
        ('refusal', 'status'),
        [
            (no(401), 401),
            (no(403, 'You may not identity:create_trust.'), 501),
            (reply(404, b'<html>No such page</html>'), 501),
            (no(403), 403),
            (no(404), 403),
            (no(409), 503),
            (reply(201, {'trust': {}}), 503),
        ],
        ids=['401', 'policy', 'page', '403', '404', 'ends taken', 'nothing'],
    )
    def test_no_trust_is_no_key(
        self,
        desk: KeyDesk,
        ann: Person,
        token: str,
        refusal: Any,
        status: int,
    ) -> None:
        desk.between.instead(MAKE, itertools.repeat(refusal))
        answer = desk.create(ann, token, expires_at=later(days=2))
        desk.between.step_aside()
        assert answer.status_int == status
        assert desk.ask('GET', base(ann), token).json['api_keys'] == []

    def test_a_service_of_v2_makes_none(self, tmp_path: pathlib.Path) -> None:
        pipeline = PipelineV2()
        bob = pipeline.account('bob', 'admin')
        own = {'identity': {'service_user': 'admin'}}
        web = front.front(tmp_path / 'keymw', pipeline, ALLOWED | own)
        answer = web.post_json(
            f'/v3/users/{bob.id}/api_keys',
            body(name='one', project_id='1'),
            headers={'X-Auth-Token': pipeline.token(bob)},
            expect_errors=True,
        )
        assert answer.status_int == 501

    @pytest.mark.parametrize('status', [400, 403, 404])
    def test_an_admin_enables_no_key_whose_owner_cannot_sign_in(
        self, desk: KeyDesk, cloud: Cloud, ann: Person, status: int
    ) -> None:
        key = desk.made(ann)
        off, on = body(enabled=False), body(enabled=True)
        desk.ask('PATCH', path(key), cloud.admin, off)
        desk.between.instead(ISSUE, [no(status)])
        answer = desk.ask('PATCH', path(key), cloud.admin, on)
        assert answer.status_int == 409
        shown = desk.ask('GET', path(key), cloud.admin).json['api_key']
        assert (shown['enabled'], desk.trusts(ann)) == (False, [])

    def test_the_token_of_a_trust_is_of_its_owner(
        self, desk: KeyDesk, ann: Person
    ) -> None:
        key = desk.made(ann)

        def other(environ: Any, start_response: Any) -> Any:
            response = webob.Request(environ).send(desk.cloud.app)
            data = response.json
            data['token']['user']['id'] = 'another'
            response.body = json.dumps(data).encode()
            return response(environ, start_response)

        desk.between.instead(ISSUE, [other])
        assert desk.sign_in(key['secret']).status_int == 401
        desk.token(key['secret'])

    def test_a_delete_that_was_cut_short_is_finished(
        self, desk: KeyDesk, ann: Person, token: str
    ) -> None:
        key = desk.made(ann)
        desk.between.instead(DELETE, [no(500)])
        assert desk.ask('DELETE', path(key), token).status_int == 503
        assert desk.sign_in(key['secret']).status_int == 401
        assert desk.ask('DELETE', path(key), token).status_int == 204
        assert desk.trusts(ann) == []

    def test_a_change_by_another_request_is_kept(
        self, desk: KeyDesk, ann: Person, token: str
    ) -> None:
        key = desk.made(ann)
        desk.ask('PATCH', path(key), token, body(enabled=False))

        def meanwhile(environ: Any, start_response: Any) -> Any:
            desk.ask('PATCH', path(key), token, body(name='renamed'))
            return desk.cloud.app(environ, start_response)

        desk.between.instead(MAKE, [meanwhile])
        answer = desk.ask('PATCH', path(key), token, body(enabled=True))
        shown = answer.json['api_key']
        assert (shown['name'], shown['enabled']) == ('renamed', True)
        assert len(desk.trusts(ann)) == 1


class TestEnd:
    @pytest.fixture
    def key(
        self, desk: KeyDesk, ann: Person, clock: Clock
    ) -> Iterator[dict[str, Any]]:
        """A key that has ended for keymw."""
        key = desk.made(ann, expires_at=later(minutes=10))
        clock.advance(3600)
        yield key
        clock.advance(-3600)

    def test_its_trust_is_deleted_at_the_first_login_that_can(
        self,
        desk: KeyDesk,
        ann: Person,
        key: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        desk.between.instead(DELETE, [no(500)])
        before = desk.between.count(DELETE)
        for asked, left in ((1, 1), (2, 0), (2, 0)):
            assert desk.sign_in(key['secret']).status_int == 401
            assert desk.between.count(DELETE) - before == asked
            assert len(desk.trusts(ann)) == left
        assert caplog.text.count('its trust is not deleted') == 1

    def test_it_is_not_enabled_again(
        self, desk: KeyDesk, token: str, key: Any
    ) -> None:
        desk.ask('PATCH', path(key), token, body(enabled=False))
        answer = desk.ask('PATCH', path(key), token, body(enabled=True))
        assert answer.status_int == 409
        assert said(answer) == 'The key has ended.'

    def test_a_former_secret_is_worth_nothing_after_its_grace(
        self, desk: KeyDesk, ann: Person, token: str, clock: Clock
    ) -> None:
        key = desk.made(ann)
        rotate = f'{path(key)}/rotate'
        desk.ask('POST', rotate, token, {'grace': 60})
        clock.advance(61)
        found = {'secret': key['secret']}
        assert desk.sign_in(key['secret']).status_int == 401
        desk.ask('POST', '/v3/api_keys/revoke', None, found)
        clock.advance(-61)
        shown = desk.ask('GET', path(key), token).json['api_key']
        assert shown['enabled'] is True


def test_a_client_without_an_address_is_in_no_network(
    desk: KeyDesk, ann: Person
) -> None:
    key = desk.made(ann, allowed_cidrs=['0.0.0.0/0'])
    environ = {'REMOTE_ADDR': 'unix:'}
    answer = desk.sign_in(key['secret'], extra_environ=environ)
    assert answer.status_int == 401


def test_keys_of_a_user_who_is_gone_are_seen_by_an_admin(
    desk: KeyDesk, cloud: Cloud, zoe: Person
) -> None:
    cloud.grant(zoe, 'member')
    key = desk.made(zoe)
    cloud.ask('DELETE', f'/v3/users/{zoe.id}')
    listed = desk.ask('GET', base(zoe), cloud.admin).json['api_keys']
    assert [one['id'] for one in listed] == [key['id']]
    assert desk.ask('DELETE', path(key), cloud.admin).status_int == 204
    assert desk.ask('GET', base(zoe), cloud.admin).status_int == 404


def test_reads_and_tokens_of_nobody_pass_the_fence(
    desk: KeyDesk, cloud: Cloud
) -> None:
    assert desk.ask('GET', '/v3/credentials', cloud.admin).status_int == 200
    for token in (None, 'nonsense'):
        answer = desk.ask('DELETE', '/v3/credentials/x', token)
        assert answer.status_int == 401


def test_service_of_v2_has_no_fence(tmp_path: pathlib.Path) -> None:
    pipeline = PipelineV2()
    own = {'identity': {'service_user': 'admin'}}
    web = front.front(tmp_path / 'keymw', pipeline, ALLOWED | own)
    headers = {'X-Auth-Token': pipeline.token(pipeline.account('bob'))}
    answer = web.delete('/v3/credentials/x', headers=headers, status=404)
    assert answer.text == '<html>Not here</html>'
