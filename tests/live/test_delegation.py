"""A delegated token has no right on its user's own key.

Real application credentials, trusts and EC2 credentials of Keystone. Who
holds a part of somebody's rights must not make all of them of it.
"""

from collections.abc import Callable
from collections.abc import Iterator
import itertools
import pathlib
from typing import Any
import uuid

from keystoneclient.contrib.ec2 import utils as ec2_utils
import pytest
import webtest

from tests.support import api_keys
from tests.support import front
from tests.support import wire as wires
from tests.support.api_keys import KeyDesk
from tests.support.between import Between
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person

JSON = wires.Json()
OPERATIONS = ('list', 'get', 'add', 'update', 'reset', 'delete')


@pytest.fixture(scope='module')
def web(
    cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> webtest.TestApp:
    home = tmp_path_factory.mktemp('delegation')
    return front.front(home / 'keymw', cloud.app)


def operate(web: Any, name: str, target: Person, token: str) -> Any:
    """The response to an operation on a user."""
    method, path = {
        'list': ('GET', wires.base(target.id)),
        'get': ('GET', wires.key(target.id)),
        'add': ('POST', wires.base(target.id)),
        'update': ('POST', wires.key(target.id)),
        'reset': ('POST', wires.reset(target.id)),
        'delete': ('DELETE', wires.key(target.id)),
    }[name]
    writes = name in ('add', 'update')
    body = JSON.write(username=target.name, apiKey='x' * 16) if writes else b''
    return front.ask(web, JSON, method, path, token, body)


def application_credential(
    cloud: Cloud, person: Person, **members: Any
) -> str:
    """A token by an application credential that a user made."""
    made = cloud.ask(
        'POST',
        f'/v3/users/{person.id}/application_credentials',
        {'application_credential': {'name': uuid.uuid4().hex, **members}},
        token=cloud.token_of(person, 'demo'),
    ).json['application_credential']
    credential = {'id': made['id'], 'secret': made['secret']}
    return cloud.sign_in(
        {
            'methods': ['application_credential'],
            'application_credential': credential,
        }
    )


def restricted(cloud: Cloud, person: Person) -> str:
    return application_credential(cloud, person)


def unrestricted(cloud: Cloud, person: Person) -> str:
    return application_credential(cloud, person, unrestricted=True)


def limited_by_rules(cloud: Cloud, person: Person) -> str:
    rule = {'path': '/v2.1/servers', 'method': 'GET', 'service': 'compute'}
    return application_credential(cloud, person, access_rules=[rule])


def limited_by_rules_only(cloud: Cloud, person: Person) -> str:
    path = '/v2.0/users/*/OS-KSADM/credentials'
    rules = [
        {'path': '/v3/auth/tokens', 'method': 'GET', 'service': 'identity'},
        {'path': path, 'method': 'GET', 'service': 'identity'},
    ]
    return application_credential(
        cloud, person, unrestricted=True, access_rules=rules
    )


def trusted(cloud: Cloud, person: Person, impersonation: bool = True) -> str:
    trustee = cloud.person()
    role = cloud.ask(
        'GET', '/v3/role_assignments?include_names&user.id=' + person.id
    ).json['role_assignments'][0]['role']['name']
    trust = cloud.ask(
        'POST',
        '/v3/OS-TRUST/trusts',
        {
            'trust': {
                'trustor_user_id': person.id,
                'trustee_user_id': trustee.id,
                'impersonation': impersonation,
                'project_id': cloud.project('demo'),
                'roles': [{'name': role}],
            }
        },
        token=cloud.token_of(person, 'demo'),
    ).json['trust']
    return cloud.sign_in(
        {'methods': ['token'], 'token': {'id': cloud.token_of(trustee)}},
        scope={'OS-TRUST:trust': {'id': trust['id']}},
    )


def by_ec2(cloud: Cloud, person: Person) -> str:
    """A token by an EC2 credential that a user made."""
    made = cloud.ask(
        'POST',
        f'/v3/users/{person.id}/credentials/OS-EC2',
        {'tenant_id': cloud.project('demo')},
        token=cloud.token_of(person, 'demo'),
    ).json['credential']
    signed = {
        'access': made['access'],
        'host': 'localhost',
        'verb': 'GET',
        'path': '/',
        'params': {'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256'},
    }
    signer = ec2_utils.Ec2Signer(made['secret'])
    signed['signature'] = signer.generate(signed)
    answer = cloud.ask('POST', '/v3/ec2tokens', {'credentials': signed})
    return str(answer.headers['X-Subject-Token'])


Delegate = Callable[[Cloud, Person], str]
DELEGATIONS: dict[Delegate, int] = {
    restricted: 403,
    unrestricted: 403,
    by_ec2: 403,
    trusted: 403,
    # Keystone does not let such a token ask whose it is, by a 404.
    limited_by_rules: 401,
    limited_by_rules_only: 401,
}


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user with a project, on which she can delegate."""
    return cloud.with_role('member')


@pytest.fixture
def kept(cloud: Cloud, web: Any, ann: Person) -> str:
    """Her key, which no delegation may read or change."""
    answer = operate(web, 'reset', ann, cloud.admin)
    return JSON.key(answer)[1]


@pytest.mark.parametrize(
    ('delegate', 'status'),
    DELEGATIONS.items(),
    ids=[delegate.__name__ for delegate in DELEGATIONS],
)
def test_delegation_may_nothing_with_the_own_key(
    cloud: Cloud,
    web: Any,
    ann: Person,
    kept: str,
    delegate: Delegate,
    status: int,
) -> None:
    token = delegate(cloud, ann)
    answers = [operate(web, name, ann, token) for name in OPERATIONS]
    assert [answer.status_int for answer in answers] == [status] * 6
    assert not any(kept in answer.text for answer in answers)
    shown = operate(web, 'get', ann, cloud.admin)
    assert JSON.key(shown) == (ann.name, kept)


@pytest.mark.parametrize(
    'delegate', [restricted, unrestricted, by_ec2, trusted]
)
@pytest.mark.usefixtures('kept')
def test_delegation_of_who_outranks_all_may_nothing_with_other_keys(
    cloud: Cloud, web: Any, ann: Person, delegate: Delegate
) -> None:
    mighty = cloud.with_role('identity:service-admin')
    # Without it she has no EC2 credential.
    cloud.grant(mighty, 'member')
    token = delegate(cloud, mighty)
    statuses = {operate(web, n, ann, token).status_int for n in OPERATIONS}
    assert statuses == {403}


@pytest.mark.parametrize(
    'delegate', [restricted, unrestricted, by_ec2, trusted]
)
def test_delegation_of_an_admin_may_nothing_with_global_keys(
    cloud: Cloud, tmp_path: pathlib.Path, delegate: Delegate
) -> None:
    web = front.front(
        tmp_path / 'keymw', cloud.app, {'global_keys': {'enabled': 'true'}}
    )
    path = '/api/public/v1.0/admin/apiKeys'
    admin = cloud.with_role('admin')
    whole = cloud.token_of(admin, 'demo')
    assert front.ask(web, JSON, 'GET', path, whole).status_int == 200
    part = delegate(cloud, admin)
    assert front.ask(web, JSON, 'GET', path, part).status_int == 403


@pytest.mark.parametrize(
    'delegate', [restricted, unrestricted, by_ec2, trusted]
)
def test_delegation_may_nothing_with_api_keys(
    cloud: Cloud, tmp_path: pathlib.Path, ann: Person, delegate: Delegate
) -> None:
    desk = KeyDesk(tmp_path, cloud)
    key = desk.made(ann)
    part = delegate(cloud, ann)
    for method, path in (
        ('GET', api_keys.base(ann)),
        ('POST', api_keys.base(ann)),
        ('GET', api_keys.path(key)),
        ('PATCH', api_keys.path(key)),
        ('POST', f'{api_keys.path(key)}/rotate'),
        ('DELETE', api_keys.path(key)),
        ('GET', '/v3/api_keys'),
    ):
        assert desk.ask(method, path, part).status_int == 403, path
    desk.token(key['secret'])


@pytest.mark.usefixtures('kept')
def test_trust_is_nothing_to_the_trustee_either(
    cloud: Cloud, web: Any, ann: Person
) -> None:
    token = trusted(cloud, ann, impersonation=False)
    statuses = {operate(web, n, ann, token).status_int for n in OPERATIONS}
    assert statuses == {403}


@pytest.mark.parametrize('delegate', [restricted, unrestricted, by_ec2])
@pytest.mark.usefixtures('kept')
def test_delegated_token_cannot_be_changed_for_a_whole_one(
    cloud: Cloud, web: Any, ann: Person, delegate: Delegate
) -> None:
    given = {'id': delegate(cloud, ann)}
    identity = {'methods': ['token'], 'token': given}
    again = cloud.web.post_json(
        '/v3/auth/tokens',
        {'auth': {'identity': identity, 'scope': 'unscoped'}},
        expect_errors=True,
    )
    token = again.headers.get('X-Subject-Token', 'none')
    assert operate(web, 'get', ann, token).status_int in (401, 403)


def _bodies() -> Iterator[Any]:
    yield pytest.param({}, 200, id='none')
    yield pytest.param({'application_credential': None}, 200, id='null')
    whole = {'id': '1', 'name': 'a', 'restricted': False}
    yield pytest.param({'application_credential': whole}, 403, id='whole')
    yield pytest.param({'application_credential': {}}, 403, id='empty')
    for name in ('OS-TRUST:trust', 'OS-OAUTH1', 'RAX-AUTH:impersonator'):
        yield pytest.param({name: {'id': '1'}}, 403, id=name)
    yield pytest.param({'methods': ['external', 'token']}, 200, id='rescoped')
    for method in ('ec2credential', 'oauth1', 'application_credential'):
        for methods in ([method], ['token', method]):
            told = {'methods': methods}
            yield pytest.param(told, 403, id=' '.join(methods))
    # What an EC2 credential brings before Keystone 30.
    yield pytest.param({'methods': []}, 403, id='no method')


@pytest.mark.parametrize(('members', 'status'), list(_bodies()))
def test_token_that_tells_of_a_delegation_is_refused(
    cloud: Cloud,
    tmp_path: pathlib.Path,
    ann: Person,
    members: Any,
    status: int,
) -> None:
    token, between = cloud.token_of(ann), Between(cloud.app)
    headers = {'X-Auth-Token': token, 'X-Subject-Token': token}
    body = cloud.web.get('/v3/auth/tokens', headers=headers).json
    web = front.front(tmp_path / 'keymw', between)
    told = reply(200, {'token': body['token'] | members})
    between.instead('GET /v3/auth/tokens', itertools.repeat(told))
    assert operate(web, 'list', ann, token).status_int == status


def test_token_limited_by_rules_has_no_tenants(
    cloud: Cloud, web: Any, ann: Person
) -> None:
    """It is the caller's token that is not taken, and no tenant missing."""
    token = limited_by_rules(cloud, ann)
    first = front.ask(web, JSON, 'GET', '/v2.0/tenants', cloud.admin, b'')
    assert first.status_code == 200
    found = front.ask(web, JSON, 'GET', '/v2.0/tenants', token, b'')
    assert found.status_code == 401
    assert 'unauthorized' in found.json
