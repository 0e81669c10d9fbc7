"""v2.0 shows the default domain alone, and no name of another as its own."""

from collections.abc import Callable
import dataclasses
import itertools
from typing import Any

import pytest

from tests.support import front
from tests.support import wire as wires
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.login import JSON
from tests.support.login import Desk

ELSEWHERE = ('unauthorized', 401, 'Non-default domain is not supported')
NO_PROJECT = ('unauthorized', 401, 'Domain scoped token is not supported')


@dataclasses.dataclass(frozen=True)
class Other:
    """Another domain: a user and a project of names of the default one."""

    domain_id: str
    project_id: str
    alice: Person
    namesake: Person


def _grant_on(cloud: Cloud, where: str, person: Person, role: str) -> None:
    cloud.ask('PUT', f'/v3/{where}/users/{person.id}/roles/{cloud.role(role)}')


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    return Desk(tmp_path_factory.mktemp('default-domain') / 'keymw', cloud)


@pytest.fixture(scope='module')
def other(cloud: Cloud) -> Other:
    namesake, domain_id = cloud.with_role('member'), cloud.domain()
    project = cloud.make('project', name='demo', domain_id=domain_id)
    alice = cloud.person(namesake.name, domain_id)
    for person in (alice, namesake):
        _grant_on(cloud, f'projects/{project["id"]}', person, 'member')
    _grant_on(cloud, 'domains/default', namesake, 'member')
    _grant_on(cloud, 'system', namesake, 'member')
    return Other(domain_id, project['id'], alice, namesake)


def _token(cloud: Cloud, person: Person, scope: Any) -> str:
    user = {'id': person.id, 'password': 'secret'}
    identity = {'methods': ['password'], 'password': {'user': user}}
    return cloud.sign_in(identity, scope=scope)


def of_alice(cloud: Cloud, other: Other) -> str:
    scope = {'project': {'id': other.project_id}}
    return _token(cloud, other.alice, scope)


def unscoped_of_alice(cloud: Cloud, other: Other) -> str:
    return _token(cloud, other.alice, 'unscoped')


def for_a_project(cloud: Cloud, other: Other) -> str:
    scope = {'project': {'id': other.project_id}}
    return _token(cloud, other.namesake, scope)


def for_a_domain(cloud: Cloud, other: Other) -> str:
    return _token(cloud, other.namesake, {'domain': {'id': 'default'}})


def for_the_system(cloud: Cloud, other: Other) -> str:
    return _token(cloud, other.namesake, {'system': {'all': True}})


Make = Callable[[Cloud, Other], str]
OUTSIDE: dict[Make, tuple[str, int, str]] = {
    of_alice: ELSEWHERE,
    unscoped_of_alice: ELSEWHERE,
    for_a_project: ELSEWHERE,
    for_a_domain: NO_PROJECT,
    for_the_system: NO_PROJECT,
}
each_outside = pytest.mark.parametrize(
    ('make', 'fault'), OUTSIDE.items(), ids=[m.__name__ for m in OUTSIDE]
)


@each_outside
@pytest.mark.parametrize('path', ['', '?belongsTo=demo', '/endpoints'])
def test_token_is_not_shown(
    desk: Desk,
    cloud: Cloud,
    other: Other,
    wire: wires.Wire,
    make: Make,
    fault: Any,
    path: str,
) -> None:
    token = make(cloud, other)
    url = f'/v2.0/tokens/{token}{path}'
    answers = [
        front.ask(desk.web, wire, 'GET', url, asking)
        for asking in (cloud.admin, token)
    ]
    assert [wire.fault(answer) for answer in answers] == [fault, fault]
    head = front.ask(desk.web, wire, 'HEAD', url, cloud.admin)
    assert (head.status_int, head.body) == (401, b'')


def test_caller_is_judged_before_the_token(
    desk: Desk, cloud: Cloud, other: Other, wire: wires.Wire, bob: Person
) -> None:
    url = f'/v2.0/tokens/{of_alice(cloud, other)}'
    stranger = cloud.token_of(bob)
    for asking, status in ((stranger, 403), ('none', 401), (None, 401)):
        answer = front.ask(desk.web, wire, 'GET', url, asking)
        assert answer.status_int == status
        assert wire.fault(answer) != ELSEWHERE


@pytest.mark.parametrize('make', OUTSIDE)
def test_token_buys_none(
    desk: Desk, cloud: Cloud, other: Other, wire: wires.Wire, make: Make
) -> None:
    body = wire.auth(
        'token', {'id': make(cloud, other)}, tenantId=other.project_id
    )
    answer = desk.send(wire, body)
    # Keystone itself forbids it of a token for the system.
    assert answer.status_int == (403 if make is for_the_system else 401)
    assert other.namesake.id not in answer.text


@each_outside
def test_tenants_are_not_listed_for_a_token(
    desk: Desk,
    cloud: Cloud,
    other: Other,
    wire: wires.Wire,
    make: Make,
    fault: Any,
) -> None:
    token = make(cloud, other)
    for path in ('', '?name=demo', f'/{other.project_id}', '/x'):
        url = f'/v2.0/tenants{path}'
        answer = front.ask(desk.web, wire, 'GET', url, token)
        assert wire.fault(answer) == fault


def test_tenants_of_another_domain_are_left_out(
    desk: Desk, cloud: Cloud, other: Other, wire: wires.Wire
) -> None:
    token = cloud.token_of(other.namesake)
    answer = front.ask(desk.web, wire, 'GET', '/v2.0/tenants', token)
    listed = [tenant['id'] for tenant in wire.many(answer, 'tenant')]
    assert listed == [cloud.project('demo')]


def test_user_is_not_shown(
    desk: Desk, cloud: Cloud, other: Other, wire: wires.Wire
) -> None:
    url = f'/v2.0/users/{other.alice.id}'
    answer = front.ask(desk.web, wire, 'GET', url, cloud.admin)
    assert wire.fault(answer) == ELSEWHERE
    named = f'/v2.0/users?name={other.alice.name}'
    answer = front.ask(desk.web, wire, 'GET', named, cloud.admin)
    assert wire.one(answer, 'user')['id'] == other.namesake.id
    answer = front.ask(desk.web, wire, 'GET', '/v2.0/users', cloud.admin)
    listed = [user['id'] for user in wire.many(answer, 'user')]
    assert other.namesake.id in listed
    assert other.alice.id not in listed


def test_password_of_a_user_elsewhere(
    desk: Desk, other: Other, wire: wires.Wire
) -> None:
    members = {'userId': other.alice.id, 'password': 'secret'}
    for tenant in ({}, {'tenantId': other.project_id}):
        answer = desk.send(wire, wire.auth(wires.PASSWORD, members, **tenant))
        assert wire.fault(answer) == ELSEWHERE


def test_project_elsewhere_with_the_right_key_or_password(
    desk: Desk, other: Other, wire: wires.Wire
) -> None:
    name, tenant = other.namesake.name, {'tenantId': other.project_id}
    key = desk.key_of(other.namesake)
    by_key = desk.sign_in(wire, name, key, **tenant)
    members = {'username': name, 'password': 'secret'}
    by_password = desk.send(wire, wire.auth(wires.PASSWORD, members, **tenant))
    assert wire.fault(by_key) == ELSEWHERE
    assert wire.fault(by_password) == ELSEWHERE


def test_default_project_elsewhere_is_none(
    desk: Desk, cloud: Cloud, other: Other, wire: wires.Wire
) -> None:
    user = cloud.with_role('member')
    _grant_on(cloud, f'projects/{other.project_id}', user, 'member')
    cloud.change('user', user.id, default_project_id=other.project_id)
    key = desk.key_of(user)
    members = {'username': user.name, 'password': 'secret'}
    token = cloud.token_of(user)
    answers = [
        desk.sign_in(wire, user.name, key),
        desk.send(wire, wire.auth(wires.PASSWORD, members)),
        desk.send(wire, wire.auth('token', {'id': token})),
    ]
    tenants = [wire.access(a)['token']['tenant']['id'] for a in answers]
    assert tenants == [cloud.project('demo')] * 3
    assert desk.v1_0(user.name, key).status_int == 204
    assert desk.v1_1(user.name, key).status_int == 200


@pytest.fixture(scope='module')
def many(cloud: Cloud) -> Person:
    """A user with roles on five projects of the default domain."""
    user = cloud.person()
    for number in range(5):
        cloud.grant(user, 'member', f'many-{number}')
    return user


def by_key(desk: Desk, user: Person) -> bytes:
    members = {'username': user.name, 'apiKey': desk.key_of(user)}
    return JSON.auth(wires.ROOT, members)


def by_password(_desk: Desk, user: Person) -> bytes:
    members = {'username': user.name, 'password': 'secret'}
    return JSON.auth(wires.PASSWORD, members)


def by_token(desk: Desk, user: Person) -> bytes:
    return JSON.auth('token', {'id': desk.cloud.token_of(user)})


@pytest.mark.parametrize('body_of', [by_key, by_password, by_token])
@pytest.mark.parametrize('refused', [2, 3])
@pytest.mark.parametrize('status', [401, 403, 404])
def test_three_projects_are_tried_and_no_more(
    desk: Desk,
    cloud: Cloud,
    many: Person,
    body_of: Any,
    refused: int,
    status: int,
) -> None:
    body = body_of(desk, many)
    no = reply(status, {'error': {'code': status, 'message': 'No.'}})
    turns = [cloud.app, *itertools.repeat(no, refused)]
    desk.between.instead('POST /v3/auth/tokens', turns)
    desk.between.asked.clear()
    found = JSON.access(desk.send(JSON, body))
    desk.between.step_aside()
    tenant = found['token'].get('tenant', {}).get('name')
    assert tenant == ('many-2' if refused == 2 else None)
    assert desk.between.count('POST /v3/auth/tokens') == 4
    assert len(desk.between.asked) <= 7


@pytest.mark.parametrize('body_of', [by_key, by_password, by_token])
def test_projects_of_a_disabled_domain_are_not_tried(
    desk: Desk, cloud: Cloud, body_of: Any
) -> None:
    user, domain_id = cloud.person(), cloud.domain()
    for number in range(5):
        made = cloud.make('project', name=f'p{number}', domain_id=domain_id)
        _grant_on(cloud, f'projects/{made["id"]}', user, 'member')
    cloud.change('domain', domain_id, enabled=False)
    body = body_of(desk, user)
    desk.between.asked.clear()
    found = JSON.access(desk.send(JSON, body))
    assert 'tenant' not in found['token']
    assert len(desk.between.asked) <= 4
