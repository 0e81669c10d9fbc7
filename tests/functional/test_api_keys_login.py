"""Logins with an API key of today, and what its token may not do."""

import pathlib
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.types import WSGIEnvironment

import pytest
import webob

from tests.support import wire
from tests.support.api_keys import KeyDesk
from tests.support.api_keys import base
from tests.support.api_keys import options
from tests.support.api_keys import path
from tests.support.api_keys import service_user
from tests.support.clock import Clock
from tests.support.cloud import Cloud
from tests.support.cloud import Person

WRONG = 'Username or api key is invalid.'


@pytest.fixture
def desk(tmp_path: pathlib.Path, cloud: Cloud) -> KeyDesk:
    return KeyDesk(tmp_path, cloud)


def test_old_clients_log_in_with_name_and_key(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    secret = desk.made(ann)['secret']
    access = desk.v2(ann.name, secret).json['access']
    assert access['token']['tenant']['name'] == 'demo'
    assert access['token']['RAX-AUTH:authenticatedBy'] == ['APIKEY']
    assert desk.v2(ann.name, secret, tenantName='demo').status_int == 200
    headers = {'X-Auth-User': ann.name, 'X-Auth-Key': secret}
    answer = desk.web.get('/v1.0', headers=headers, status=204)
    assert desk.is_valid(answer.headers['X-Auth-Token'])
    body = {'credentials': {'username': ann.name, 'key': secret}}
    desk.web.post_json('/v1.1/auth', body, status=200)
    named = {'name': 'demo', 'domain': {'name': 'Default'}}
    for more in (
        {'key': {'user': {'id': ann.id}}},
        {'key': {'user': {'name': ann.name, 'domain': {'id': 'default'}}}},
        {'scope': {'project': {'id': cloud.project('demo')}}},
        {'scope': {'project': named}},
    ):
        assert desk.sign_in(secret, **more).status_int == 201, more


def test_every_wrong_use_is_the_one_401(
    desk: KeyDesk, cloud: Cloud, ann: Person, bob: Person
) -> None:
    secret = desk.made(ann)['secret']
    flipped = 'A' if secret[30] != 'A' else 'B'
    changed = f'{secret[:30]}{flipped}{secret[31:]}'
    answers = [
        desk.sign_in(secret, key={'user': {'id': bob.id}}),
        desk.sign_in(secret, scope='unscoped'),
        desk.sign_in(
            secret, scope={'project': {'id': cloud.project('admin')}}
        ),
        *(
            desk.sign_in(wrong)
            for wrong in (
                changed,
                secret[:-1],
                secret.upper(),
                secret.replace('kmw', 'abc'),
                'an old key',
            )
        ),
    ]
    for answer in answers:
        assert answer.status_int == 401
        assert answer.json['error']['message'] == WRONG
    assert len({answer.body for answer in answers}) == 1
    for answer in (
        desk.v2(bob.name, secret),
        desk.v2(ann.name, secret, tenantName='admin'),
        desk.v2(ann.name, changed),
    ):
        assert answer.json['unauthorized']['message'] == WRONG


def test_no_key_is_forwarded_as_a_password_or_set_as_a_credential(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    secret = desk.made(ann)['secret']
    before = desk.between.count('POST /v3/auth/tokens')
    password = {'username': ann.name, 'password': secret}
    auth = {'auth': {'passwordCredentials': password}}
    desk.web.post_json('/v2.0/tokens', auth, status=401)
    user = {'id': ann.id, 'password': secret}
    identity = {'methods': ['password'], 'password': {'user': user}}
    auth = {'auth': {'identity': identity}}
    answer = desk.web.post_json('/v3/auth/tokens', auth, status=401)
    assert answer.json['error']['message'] == WRONG
    assert desk.between.count('POST /v3/auth/tokens') == before
    rax = 'RAX-KSKEY:apiKeyCredentials'
    answer = desk.ask(
        'POST',
        f'/v2.0/users/{ann.id}/OS-KSADM/credentials/{rax}',
        cloud.admin,
        {rax: {'username': ann.name, 'apiKey': secret}},
    )
    assert answer.status_int == 400


def test_networks_are_judged_at_login(desk: KeyDesk, ann: Person) -> None:
    key = desk.made(ann, allowed_cidrs=['10.0.0.0/8', '2001:db8::/32'])
    statuses = {
        address: desk.sign_in(
            key['secret'], extra_environ={'REMOTE_ADDR': address}
        ).status_int
        for address in ('10.1.2.3', '2001:db8::1', '127.0.0.1', '::1')
    }
    assert list(statuses.values()) == [201, 201, 401, 401]


def test_a_key_ends_exactly_and_its_trust_with_the_next_login(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    clock = Clock()
    desk = KeyDesk(tmp_path, cloud, options(max_lifetime='3600'), clock)
    key = desk.made(ann)
    clock.advance(3599)
    assert desk.sign_in(key['secret']).status_int == 201
    clock.advance(1)
    assert desk.sign_in(key['secret']).status_int == 401
    assert desk.trusts(ann) == []


def test_the_owner_decides_what_a_key_can_do(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    secret = desk.made(ann)['secret']
    grant = (
        f'/v3/projects/{cloud.project("demo")}/users/{ann.id}'
        f'/roles/{cloud.role("member")}'
    )
    cloud.ask('DELETE', grant)
    assert desk.sign_in(secret).status_int == 401
    cloud.grant(ann, 'member')
    assert desk.sign_in(secret).status_int == 201
    cloud.change('user', ann.id, enabled=False)
    assert desk.sign_in(secret).status_int == 401
    cloud.ask('DELETE', f'/v3/users/{ann.id}')
    assert desk.sign_in(secret).status_int == 401


def test_a_trust_that_vanished_stays_gone_until_the_key_is_enabled(
    desk: KeyDesk,
    cloud: Cloud,
    ann: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = cloud.token_of(ann, 'demo')
    key = desk.made(ann)
    (trust,) = desk.trusts(ann)
    cloud.ask('DELETE', f'/v3/OS-TRUST/trusts/{trust["id"]}')
    caplog.set_level('INFO', 'keymw')
    assert desk.sign_in(key['secret']).status_int == 401
    assert 'reason trust_gone' in caplog.text
    shown = desk.ask('GET', path(key), token).json['api_key']
    assert shown['enabled'] is False
    answer = desk.ask(
        'PATCH', path(key), token, {'api_key': {'enabled': True}}
    )
    assert answer.json['api_key']['enabled'] is True
    assert desk.sign_in(key['secret']).status_int == 201


def test_a_disabled_service_user_is_an_outage(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    # Keystone revokes all its tokens of this second, so no other test has it.
    identity = options()['identity'] | {'service_user': 'keymw-2'}
    desk = KeyDesk(tmp_path, cloud, options() | {'identity': identity})
    secret = desk.made(ann)['secret']
    cloud.change('user', desk.service.id, enabled=False)
    answer = desk.sign_in(secret)
    made = desk.create(ann, cloud.token_of(ann, 'demo'), name='two')
    assert (answer.status_int, made.status_int) == (503, 503)
    assert answer.headers['Retry-After']


def beyond(ann: Person) -> list[tuple[str, str, Any]]:
    """Writes that a token of a key must not do, in many spellings."""
    user = f'/v3/users/{ann.id}'
    named = {'name': 'x', 'roles': []}
    credential = {'blob': 'x', 'type': 'x', 'user_id': ann.id}
    return [
        ('POST', f'{user}/application_credentials', named),
        ('DELETE', f'{user}/application_credentials/1', None),
        ('DELETE', f'{user}/access_rules/1', None),
        ('POST', '/v3/credentials', {'credential': credential}),
        ('POST', '//v3//credentials/', {'credential': credential}),
        ('POST', '/v3/cred%65ntials', {'credential': credential}),
        ('POST', '/v3/x/../credentials', {'credential': credential}),
        ('POST', f'{user}/credentials/OS-EC2', {'tenant_id': 'x'}),
        ('DELETE', f'{user}/OS-OAUTH1/access_tokens/1', None),
        ('POST', '/v3/OS-OAUTH1/request_token', None),
        ('POST', '/v3/OS-TRUST/trusts', {'trust': {}}),
        ('DELETE', '/v3/OS-TRUST/trusts/1', None),
        ('PUT', '/v3/OS-TRUST/trusts/', None),
    ]


def test_a_service_user_that_is_gone_is_an_outage_until_there_is_one(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    identity = options()['identity'] | {'service_user': 'keymw-3'}
    desk = KeyDesk(tmp_path, cloud, options() | {'identity': identity})
    key, token = desk.made(ann), cloud.token_of(ann, 'demo')
    cloud.change('user', desk.service.id, name='renamed')
    assert desk.sign_in(key['secret']).status_int == 503
    assert desk.create(ann, token, name='two').status_int == 503
    cloud.change('user', desk.service.id, name='keymw-3')
    assert desk.sign_in(key['secret']).status_int == 201
    cloud.ask('DELETE', f'/v3/users/{desk.service.id}')
    assert desk.ask('GET', wire.base(ann.id), cloud.admin).status_int == 503
    assert desk.sign_in(key['secret']).status_int == 503
    assert desk.create(ann, token, name='two').status_int == 503
    desk.service = service_user(cloud, 'keymw-3')
    assert desk.sign_in(key['secret']).status_int == 401
    enable = {'api_key': {'enabled': True}}
    assert desk.ask('PATCH', path(key), token, enable).status_int == 200
    assert desk.sign_in(key['secret']).status_int == 201
    assert desk.create(ann, token, name='two').status_int == 201


def test_a_token_of_a_key_stops_at_the_fence(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    key = desk.made(ann)
    bought = desk.token(key['secret'])
    for method, place, body in beyond(ann):
        answer = desk.ask(method, place, bought, body)
        assert answer.status_int == 403, place
        assert 'API key' in answer.json['error']['message'], place
    (trust,) = desk.trusts(ann)
    place = f'/v3/OS-TRUST/trusts/{trust["id"]}'
    assert desk.ask('DELETE', place, bought).status_int == 403
    assert desk.ask('GET', place, bought).status_int == 200
    own = cloud.token_of(ann, 'demo')
    answer = desk.ask('POST', '/v3/credentials', own, {})
    assert 'API key' not in answer.text
    assert desk.ask('DELETE', place, own).status_int == 204


def test_a_token_of_a_key_uses_no_route_of_keys(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    cloud.grant(ann, 'admin')
    key = desk.made(ann)
    bought = desk.token(key['secret'])
    credentials = f'/v2.0/users/{ann.id}/OS-KSADM/credentials'
    rax = f'{credentials}/RAX-KSKEY:apiKeyCredentials'
    for method, place, body in (
        ('GET', rax, None),
        ('POST', f'{rax}/RAX-AUTH/reset', None),
        ('POST', base(ann), {'api_key': {'name': 'two'}}),
        ('GET', base(ann), None),
        ('GET', path(key), None),
        ('PATCH', path(key), {'api_key': {'enabled': False}}),
        ('POST', f'{path(key)}/rotate', None),
        ('DELETE', path(key), None),
        ('GET', '/v3/api_keys', None),
    ):
        assert desk.ask(method, place, bought, body).status_int == 403, place


def test_credentials_may_be_off(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    desk = KeyDesk(tmp_path, cloud)
    place = f'/v2.0/users/{ann.id}/OS-KSADM/credentials'
    rax, old = 'RAX-KSKEY:apiKeyCredentials', 'x' * 32
    body = {rax: {'username': ann.name, 'apiKey': old}}
    desk.ask('POST', place, cloud.admin, body)
    assert desk.v2(ann.name, old).status_int == 200
    more = options() | {'kskey': {'enabled': 'false', 'serve_v1_1': 'true'}}
    desk = KeyDesk(tmp_path, cloud, more)
    secret = desk.made(ann)['secret']
    assert desk.v2(ann.name, secret).status_int == 200
    # One that is stored buys nothing either.
    assert desk.v2(ann.name, old).status_int == 401
    user = {'id': ann.id}
    assert desk.sign_in(old, key={'user': user}).status_int == 401
    assert desk.ask('GET', place, cloud.admin).status_int == 404
    headers = {'X-Auth-User': ann.name, 'X-Auth-Key': secret}
    desk.web.get('/v1.0', headers=headers, status=204)


def test_unrestricted_keys_log_in_as_their_owner(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    desk = KeyDesk(tmp_path, cloud, options(allow_unrestricted='true'))
    cloud.grant(ann, 'reader', 'other')
    key = desk.made(ann, unrestricted=True)
    assert (key['project_id'], key['roles']) == (None, [])
    scope = {'project': {'id': cloud.project('other')}}
    answer = desk.sign_in(key['secret'], scope=scope)
    assert answer.json['token']['project']['name'] == 'other'
    bought = desk.token(key['secret'])
    assert desk.ask('GET', path(key), bought).status_int == 200
    token = cloud.token_of(ann, 'demo')
    desk.ask('PATCH', path(key), token, {'api_key': {'enabled': False}})
    assert desk.ask('GET', path(key), bought).status_int == 403
    assert desk.sign_in(key['secret']).status_int == 401


def test_a_token_is_stale_whichever_key_of_its_user_was_changed(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    desk = KeyDesk(tmp_path, cloud, options(allow_unrestricted='true'))
    credentials = f'/v2.0/users/{ann.id}/OS-KSADM/credentials'
    rax = 'RAX-KSKEY:apiKeyCredentials'
    reset = f'{credentials}/{rax}/RAX-AUTH/reset'
    old = desk.ask('POST', reset, cloud.admin).json[rax]['apiKey']
    login = desk.sign_in(old, key={'user': {'id': ann.id}})
    key = desk.made(ann, unrestricted=True)
    tokens = login.headers['X-Subject-Token'], desk.token(key['secret'])
    routes = (
        ('GET', base(ann)),
        ('GET', credentials),
        ('GET', path(key)),
        ('POST', f'{path(key)}/rotate'),
        ('POST', reset),
        ('DELETE', path(key)),
    )
    for token in tokens:
        for method, place in routes[:3]:
            assert desk.ask(method, place, token).status_int in (200, 404)
    assert desk.ask('POST', reset, cloud.admin).status_int == 200
    for token in tokens:
        for method, place in routes:
            answer = desk.ask(method, place, token)
            assert answer.status_int == 403, place
            assert 'sign in again' in answer.text, place


@pytest.mark.parametrize(
    ('method', 'below', 'change', 'unrestricted'),
    [
        ('DELETE', '', None, True),
        ('PATCH', '', {'api_key': {'enabled': False}}, False),
        ('POST', '/rotate', None, False),
    ],
    ids=['delete', 'disable', 'rotate'],
)
def test_a_key_that_is_changed_during_a_login_buys_nothing(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    ann: Person,
    method: str,
    below: str,
    change: Any,
    unrestricted: bool,
) -> None:
    desk = KeyDesk(tmp_path, cloud, options(allow_unrestricted='true'))
    key = desk.made(ann, unrestricted=unrestricted)
    own, issued = cloud.token_of(ann, 'demo'), list[str]()
    desk.token(key['secret'])

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        response = webob.Request(environ).send(cloud.app)
        issued.append(response.headers['X-Subject-Token'])
        place = f'{path(key)}{below}'
        assert desk.ask(method, place, own, change).status_int < 300
        return response(environ, start_response)

    desk.between.instead('POST /v3/auth/tokens', [app])
    answer = desk.sign_in(key['secret'])
    assert answer.json['error']['message'] == WRONG
    (token,) = issued
    assert not desk.is_valid(token)


def test_a_token_of_a_key_in_v2(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    cloud.grant(ann, 'reader', 'other')
    bought = desk.token(desk.made(ann)['secret'])
    tenants = desk.ask('GET', '/v2.0/tenants', bought).json['tenants']
    assert [tenant['name'] for tenant in tenants] == ['demo']
    auth: Any = {'token': {'id': bought}, 'tenantName': 'demo'}
    answer = desk.ask('POST', '/v2.0/tokens', None, {'auth': auth})
    assert answer.json['access']['token']['id'] == bought
    auth = {'token': {'id': bought}, 'tenantName': 'other'}
    answer = desk.ask('POST', '/v2.0/tokens', None, {'auth': auth})
    assert answer.status_int == 403


@pytest.mark.parametrize('by_path', [True, False])
def test_a_token_of_a_key_validates_and_revokes_itself_in_v2(
    desk: KeyDesk, cloud: Cloud, ann: Person, by_path: bool
) -> None:
    bought = desk.token(desk.made(ann)['secret'])
    seen = desk.ask('GET', f'/v2.0/tokens/{bought}', bought).json['access']
    assert seen['token']['id'] == bought
    assert seen['user']['id'] == ann.id
    path = f'/v2.0/tokens/{bought}'
    listed = desk.ask('GET', f'{path}/endpoints', bought)
    assert listed.status_int == 200
    other = desk.token(desk.made(ann, name='other')['secret'])
    assert desk.ask('GET', path, other).status_int == 403
    assert desk.ask('DELETE', path, other).status_int == 403
    own = path if by_path else '/v2.0/tokens'
    assert desk.ask('DELETE', own, bought).status_int == 204
    assert desk.ask('GET', path, cloud.admin).status_int == 404
    assert desk.ask('GET', '/v2.0/tenants', other).status_int == 200
