"""API keys with a Keystone that is reached over HTTP."""

import pathlib

import pytest

from keymw import conf
from keymw.conf import ConfigError
from keymw.storage.sql.api_keys import SqlApiKeys
from tests.support import manage
from tests.support.api_keys import SERVICE
from tests.support.api_keys import KeyDesk
from tests.support.api_keys import later
from tests.support.api_keys import options
from tests.support.api_keys import path
from tests.support.api_keys import service_user
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.far import Far
from tests.support.far import remote


@pytest.fixture
def desk(tmp_path: pathlib.Path, far: Far, cloud: Cloud) -> KeyDesk:
    """keymw with nothing of its own but the password of its user."""
    identity = remote(
        auth_url=far.url,
        username=SERVICE,
        token_cache_ttl='0',
        user_cache_ttl='0',
    )
    return KeyDesk(tmp_path, cloud, options() | identity)


def test_the_whole_life_of_a_key(
    desk: KeyDesk, far: Far, cloud: Cloud
) -> None:
    ann = cloud.with_role('member')
    token = cloud.token_of(ann, 'demo')
    key = desk.made(ann, expires_at=later(days=1))
    sign_ins = far.between.count('POST /v3/auth/tokens')
    bought = desk.token(key['secret'])
    assert far.between.count('POST /v3/auth/tokens') == sign_ins + 1
    assert desk.v2(ann.name, key['secret']).json['access']['token'][
        'RAX-AUTH:authenticatedBy'
    ] == ['APIKEY']
    assert desk.v2(ann.name, 'x' * 32).status_int == 401
    rotated = desk.ask('POST', f'{path(key)}/rotate', token).json['api_key']
    assert not desk.is_valid(bought)
    bought = desk.token(rotated['secret'])
    off = {'api_key': {'enabled': False}}
    assert desk.ask('PATCH', path(key), cloud.admin, off).status_int == 200
    assert not desk.is_valid(bought)
    on = {'api_key': {'enabled': True}}
    answer = desk.ask('PATCH', path(key), cloud.admin, on)
    assert answer.status_int == 409
    said = answer.json['error']['message']
    assert said == 'The owner must enable it.'
    assert desk.ask('DELETE', path(key), token).status_int == 204
    assert desk.trusts(ann) == []


def test_a_service_user_that_was_deleted_is_an_outage_until_there_is_one(
    desk: KeyDesk, cloud: Cloud
) -> None:
    ann = cloud.with_role('member')
    token, key = cloud.token_of(ann, 'demo'), desk.made(ann)
    desk.token(key['secret'])
    cloud.ask('DELETE', f'/v3/users/{desk.service.id}')
    assert desk.sign_in(key['secret']).status_int == 503
    assert desk.create(ann, token, name='two').status_int == 503
    service_user(cloud)
    assert desk.sign_in(key['secret']).status_int == 401
    enable = {'api_key': {'enabled': True}}
    assert desk.ask('PATCH', path(key), token, enable).status_int == 200
    desk.token(key['secret'])


def test_commands_end_keys_without_a_pipeline(
    tmp_path: pathlib.Path, far: Far, cloud: Cloud
) -> None:
    settings = options() | remote(
        auth_url=far.url, username=SERVICE, user_cache_ttl='0'
    )
    desk = KeyDesk(tmp_path, cloud, settings)
    file = Deployment(tmp_path, settings).conf_file
    ann, ben = cloud.with_role('member'), cloud.with_role('member')
    key, gone = desk.made(ann), desk.made(ben)
    bought = desk.token(key['secret'])
    cloud.ask('DELETE', f'/v3/users/{ben.id}')
    for words in (
        ('disable', key['id']),
        ('purge', '--yes'),
        ('delete', key['id']),
    ):
        found = manage.run(file, 'api-key', *words)
        assert (found.code, found.err) == (0, '')
        assert not desk.is_valid(bought)
        assert desk.trusts(ann) == []
    keys = SqlApiKeys(conf.load(str(file)))
    assert [keys.get(one['id']) for one in (key, gone)] == [None, None]


@pytest.mark.parametrize(
    ('identity', 'api_keys', 'words'),
    [
        ({'auth_type': 'v3applicationcredential'}, {}, 'auth_type'),
        ({}, {'allow_unrestricted': 'true'}, 'allow_unrestricted'),
    ],
)
def test_what_cannot_work_is_refused_at_start(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    identity: dict[str, str],
    api_keys: dict[str, str],
    words: str,
) -> None:
    made = remote(
        auth_url='http://127.0.0.1:1',
        application_credential_id='x',
        application_credential_secret='x',
        **identity,
    )
    with pytest.raises(ConfigError, match=words):
        KeyDesk(tmp_path, cloud, options(**api_keys) | made)
