"""The catalogue in every v2.0 response, and the URL of Keystone in it."""

import pathlib
from typing import Any

import pytest

from tests.support import front
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.login import TOKENS
from tests.support.login import V1_1
from tests.support.login import Desk

# What Keystone's endpoints say, and what clients of v2.0 are to ask.
URLS = {
    'http://keys.example/v3': 'http://keys.example/v2.0',
    'http://keys.example/identity/v3/': 'http://keys.example/identity/v2.0',
    'http://keys.example/v3/other': 'http://keys.example/v3/other',
    'http://keys.example/sv3': 'http://keys.example/sv3',
    'http://keys.example': 'http://keys.example',
}
INTERFACES = ('public', 'internal', 'admin')


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    return Desk(tmp_path_factory.mktemp('catalogue') / 'keymw', cloud, V1_1)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture(scope='module')
def key(desk: Desk, ann: Person) -> str:
    return desk.key_of(ann)


def shown_as(url: str) -> dict[str, str]:
    return {f'{interface}URL': url for interface in INTERFACES}


@pytest.fixture(scope='module')
def regions(cloud: Cloud) -> dict[str, str]:
    """Regions by the URL that identity has there, and x:other as well."""
    services = [
        cloud.make('service', name=f'test {type_}', type=type_)['id']
        for type_ in ('identity', 'x:other')
    ]
    found = {url: cloud.make('region')['id'] for url in URLS}
    for url, region in found.items():
        for service in services:
            for interface in INTERFACES:
                cloud.make(
                    'endpoint',
                    service_id=service,
                    region_id=region,
                    interface=interface,
                    url=url,
                )
    return found


def by_key(desk: Desk, wire: wires.Wire, ann: Person, key: str) -> Any:
    return desk.sign_in(wire, ann.name, key, tenantName='demo')


def by_password(desk: Desk, wire: wires.Wire, ann: Person, key: str) -> Any:
    del key
    members = {'username': ann.name, 'password': 'secret'}
    body = wire.auth(wires.PASSWORD, members, tenantName='demo')
    return desk.send(wire, body)


def by_token(desk: Desk, wire: wires.Wire, ann: Person, key: str) -> Any:
    del key
    body = wire.auth('token', {'id': desk.cloud.token_of(ann)})
    return desk.send(wire, body)


def validated(desk: Desk, wire: wires.Wire, ann: Person, key: str) -> Any:
    del key
    token = desk.cloud.token_of(ann, 'demo')
    return front.ask(desk.web, wire, 'GET', f'{TOKENS}/{token}', token)


@pytest.mark.parametrize('answer', [by_key, by_password, by_token, validated])
def test_identity_is_at_v2(
    desk: Desk,
    wire: wires.Wire,
    ann: Person,
    key: str,
    regions: dict[str, str],
    answer: Any,
) -> None:
    access = wire.access(answer(desk, wire, ann, key))
    services = {one['name']: one for one in access['serviceCatalog']}
    for name, expected in (
        ('test identity', URLS),
        ('test x:other', {url: url for url in URLS}),
    ):
        tenant = {'tenantId': access['token']['tenant']['id']}
        found = {e['region']: e for e in services[name]['endpoints']}
        for url, region in regions.items():
            where = {'region': region}
            assert found[region] == where | tenant | shown_as(expected[url])


def test_endpoints_of_a_token(
    desk: Desk,
    cloud: Cloud,
    wire: wires.Wire,
    ann: Person,
    regions: dict[str, str],
) -> None:
    token = cloud.token_of(ann, 'demo')
    for asking in (token, cloud.admin):
        path = f'{TOKENS}/{token}/endpoints'
        answer = front.ask(desk.web, wire, 'GET', path, asking)
        assert answer.status_int == 200
        found = {
            (e['name'], e['region']): e
            for e in wire.many(answer, 'endpoint')
            if e['name'].startswith('test ')
        }
        assert len({e['id'] for e in found.values()}) == len(found)
        for url, region in regions.items():
            assert found['test identity', region] == {
                'id': found['test identity', region]['id'],
                'name': 'test identity',
                'type': 'identity',
                'region': region,
                'tenantId': cloud.project('demo'),
                **shown_as(URLS[url]),
            }
            assert found['test x:other', region]['publicURL'] == url
        head = front.ask(desk.web, wire, 'HEAD', path, asking)
        assert (head.status_int, head.body) == (200, b'')


def test_endpoints_of_an_unscoped_token(
    desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person, regions: Any
) -> None:
    del regions
    token = cloud.token_of(ann)
    path = f'{TOKENS}/{token}/endpoints'
    answer = front.ask(desk.web, wire, 'GET', path, token)
    assert wire.many(answer, 'endpoint') == []


def test_endpoints_are_refused(
    desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    for subject, asking, expected in (
        (token, None, 401),
        (token, 'nonsense', 401),
        (token, cloud.token_of(cloud.person()), 403),
        ('nonsense', cloud.admin, 404),
    ):
        path = f'{TOKENS}/{subject}/endpoints'
        answer = front.ask(desk.web, wire, 'GET', path, asking)
        assert wire.fault(answer)[1] == answer.status_int == expected


def test_v3_and_v1_say_what_keystone_says(
    desk: Desk, ann: Person, key: str, regions: dict[str, str]
) -> None:
    scope = {'project': {'name': 'demo', 'domain': {'id': 'default'}}}
    answer = desk.v3({'id': ann.id}, key, scope=scope)
    urls = {
        endpoint['url']
        for service in answer.json['token']['catalog']
        if service['name'] == 'test identity'
        for endpoint in service['endpoints']
    }
    assert urls == set(regions)
    services = desk.v1_1(ann.name, key).json['auth']['serviceCatalog']
    assert {e['publicURL'] for e in services['test identity']} == urls


def test_validation_without_a_catalogue(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    wire: wires.Wire,
    ann: Person,
    regions: Any,
) -> None:
    del regions
    options = {'kskey': {'validate_with_catalog': 'false'}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    answer = validated(desk, wire, ann, '')
    assert 'serviceCatalog' not in wire.access(answer)
    token = cloud.token_of(ann, 'demo')
    path = f'{TOKENS}/{token}/endpoints'
    answer = front.ask(desk.web, wire, 'GET', path, token)
    assert wire.many(answer, 'endpoint') != []
