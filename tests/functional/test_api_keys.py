"""API keys of today: made, shown, changed, rotated and deleted."""

import pathlib
from typing import Any

import pytest

from tests.support.api_keys import KeyDesk
from tests.support.api_keys import base
from tests.support.api_keys import later
from tests.support.api_keys import path
from tests.support.cloud import Cloud
from tests.support.cloud import Person


@pytest.fixture
def desk(tmp_path: pathlib.Path, cloud: Cloud) -> KeyDesk:
    return KeyDesk(tmp_path, cloud)


@pytest.fixture
def token(cloud: Cloud, ann: Person) -> str:
    return cloud.token_of(ann, 'demo')


def test_a_key_is_made_shown_and_logs_in(
    desk: KeyDesk, cloud: Cloud, ann: Person, token: str
) -> None:
    made = desk.create(
        ann, token, name=' nightly ', roles=[{'name': 'reader'}]
    )
    assert made.status_int == 201
    key = made.json['api_key']
    secret = key.pop('secret')
    assert (len(secret), secret[:4]) == (59, 'kmw_')
    assert made.headers['Location'] == key['links']['self']
    assert made.headers['Location'] == f'http://localhost{path(key)}'
    assert made.headers['Cache-Control'] == 'no-store'
    assert made.headers['X-Openstack-Request-Id'].startswith('req-')
    reader = cloud.role('reader')
    assert key['name'] == 'nightly'
    assert key['roles'] == [{'id': reader, 'name': 'reader'}]
    assert key['project_id'] == cloud.project('demo')
    answer = desk.ask('GET', path(key), token)
    assert answer.json == {'api_key': key}
    assert desk.ask('GET', path(key) + '/', token).json == answer.json
    assert desk.ask('HEAD', path(key), token).body == b''
    listed = desk.ask('GET', base(ann), token).json
    assert listed['api_keys'] == [key]
    login = desk.sign_in(secret)
    assert login.status_int == 201
    issued = login.json['token']
    assert issued['methods'] == ['api_key']
    assert issued['user']['id'] == ann.id
    assert [role['name'] for role in issued['roles']] == ['reader']


def test_without_roles_a_key_has_those_that_were_given(
    desk: KeyDesk, ann: Person
) -> None:
    key = desk.made(ann)
    assert [role['name'] for role in key['roles']] == ['member']
    issued = desk.sign_in(key['secret']).json['token']
    assert {role['name'] for role in issued['roles']} == {'member', 'reader'}


def test_disable_ends_the_token_and_enable_makes_a_new_trust(
    desk: KeyDesk, ann: Person, token: str
) -> None:
    key = desk.made(ann, expires_at=later(days=9))
    for _ in range(2):
        bought = desk.token(key['secret'])
        answer = desk.ask('PATCH', path(key), token, body(enabled=False))
        shown = answer.json['api_key']
        assert (shown['enabled'], shown['disabled_by']) == (False, 'owner')
        assert not desk.is_valid(bought)
        assert desk.trusts(ann) == []
        assert desk.sign_in(key['secret']).status_int == 401
        answer = desk.ask('PATCH', path(key), token, body(enabled=True))
        shown = answer.json['api_key']
        assert (shown['enabled'], shown['disabled_by']) == (True, None)
    desk.token(key['secret'])


def body(**members: Any) -> dict[str, Any]:
    return {'api_key': members}


def test_rotation_with_and_without_grace(
    desk: KeyDesk, ann: Person, token: str
) -> None:
    first = desk.made(ann)
    answer = desk.ask('POST', f'{path(first)}/rotate', token, {'grace': 3600})
    second = answer.json['api_key']
    bought = desk.token(first['secret'])
    desk.token(second['secret'])
    shown = desk.ask('GET', path(first), token).json['api_key']
    assert shown['previous']['last_used_at'] is not None
    assert shown['last_used_from'] == '127.0.0.1'
    answer = desk.ask('POST', f'{path(first)}/rotate', token)
    third = answer.json['api_key']
    assert third['previous'] is None
    assert not desk.is_valid(bought)
    for old in (first, second):
        assert desk.sign_in(old['secret']).status_int == 401
    desk.token(third['secret'])
    assert len(desk.trusts(ann)) == 1


def test_delete_ends_key_token_and_trust(
    desk: KeyDesk, ann: Person, token: str
) -> None:
    key = desk.made(ann)
    bought = desk.token(key['secret'])
    assert desk.ask('DELETE', path(key), token).status_int == 204
    assert not desk.is_valid(bought)
    assert desk.trusts(ann) == []
    assert desk.sign_in(key['secret']).status_int == 401
    for method in ('GET', 'DELETE'):
        answer = desk.ask(method, path(key), token)
        assert answer.status_int == 404
        said = f'Could not find API key: {key["id"]}.'
        assert answer.json['error']['message'] == said
