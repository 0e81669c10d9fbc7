"""Users, tenants and roles that v2.0 clients look for, and their queries."""

import itertools
import pathlib
from typing import Any
from urllib.parse import urlencode
import uuid

import pytest

from tests.support import front
from tests.support import wire as wires
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.login import TOKENS
from tests.support.login import Desk

USERS, TENANTS = '/v2.0/users', '/v2.0/tenants'


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    made = Desk(tmp_path_factory.mktemp('lists') / 'keymw', cloud)
    # Now it is known what Keystone speaks.
    made.admin('GET', TENANTS)
    return made


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user with an address, and with roles on "demo" and "abacus"."""
    made = cloud.with_role('member')
    cloud.grant(made, 'reader', 'abacus')
    cloud.change('user', made.id, email=f'{made.name}@example.org')
    return made


@pytest.fixture(scope='module')
def token(cloud: Cloud, ann: Person) -> str:
    return cloud.token_of(ann, 'demo')


def get(
    desk: Desk, wire: wires.Wire, path: str, token: str | None, **query: str
) -> Any:
    told = f'{path}?{urlencode(query)}' if query else path
    return front.ask(desk.web, wire, 'GET', told, token)


def ids(wire: wires.Wire, answer: Any, name: str = 'user') -> list[str]:
    return [item['id'] for item in wire.many(answer, name)]


class TestPlainUser:
    """A user whom Keystone shows to no other."""

    def test_sees_itself(
        self, desk: Desk, wire: wires.Wire, ann: Person, token: str
    ) -> None:
        answer = get(desk, wire, USERS, token)
        assert ids(wire, answer) == [ann.id]
        answer = get(desk, wire, USERS, token, name=ann.name)
        assert wire.one(answer, 'user')['id'] == ann.id

    def test_sees_nobody_else(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, token: str
    ) -> None:
        for name in ('admin', 'nobody', cloud.person().name):
            answer = get(desk, wire, USERS, token, name=name)
            assert wire.fault(answer)[:2] == ('forbidden', 403)
        for bad in (None, '', 'nonsense'):
            answer = get(desk, wire, USERS, bad)
            assert wire.fault(answer)[:2] == ('unauthorized', 401)

    def test_address(
        self, desk: Desk, wire: wires.Wire, ann: Person, token: str
    ) -> None:
        own = f'{ann.name}@example.org'
        assert ids(wire, get(desk, wire, USERS, token, email=own)) == [ann.id]
        other = get(desk, wire, USERS, token, email='x@example.org')
        assert ids(wire, other) == []


class TestAddress:
    def test_of_one_of_some_of_none(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        shared = f'{uuid.uuid4().hex}@example.org'
        two = [cloud.person().id for _ in range(2)]
        for id_ in two:
            cloud.change('user', id_, email=shared)
        for address, expected in (
            (f'{ann.name}@example.org', [ann.id]),
            (shared, sorted(two)),
            (shared.upper(), sorted(two)),
            ('nobody@example.com', []),
            # Most users have none.
            ('', []),
            ('None', []),
        ):
            answer = get(desk, wire, USERS, cloud.admin, email=address)
            assert answer.status_int == 200
            assert ids(wire, answer) == expected

    def test_with_a_name(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        own = {'name': ann.name, 'email': f'{ann.name}@example.org'}
        answer = get(desk, wire, USERS, cloud.admin, **own)
        assert wire.one(answer, 'user')['id'] == ann.id
        other = {**own, 'email': 'x@example.org'}
        answer = get(desk, wire, USERS, cloud.admin, **other)
        assert wire.fault(answer)[:2] == ('itemNotFound', 404)


def user(name: str) -> dict[str, Any]:
    return {
        'id': name,
        'name': name,
        'enabled': True,
        'domain_id': 'default',
        'email': f'{name}@example.org',
    }


class TestPages:
    """Those that clients ask for, and those of Keystone."""

    @pytest.mark.parametrize('kind', ['user', 'tenant'])
    def test_page_by_page(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        ann: Person,
        kind: str,
    ) -> None:
        path = f'/v2.0/{kind}s'
        asking = cloud.admin if kind == 'user' else cloud.token_of(ann)
        whole = ids(wire, get(desk, wire, path, asking), kind)
        assert len(whole) > 1
        found, more = list[str](), dict[str, str]()
        # The Keystone of all tests has some hundred users.
        limit = str(1 + len(whole) // 8)
        while True:
            answer = get(desk, wire, path, asking, limit=limit, **more)
            last = ids(wire, answer, kind)
            if not last:
                break
            found += last
            more = {'marker': last[-1]}
        assert found == whole
        for limit, length in (('0', 0), ('9' * 5000, len(whole))):
            answer = get(desk, wire, path, asking, limit=limit)
            assert len(ids(wire, answer, kind)) == length

    @pytest.mark.parametrize('path', [USERS, TENANTS])
    @pytest.mark.parametrize(
        ('query', 'message'),
        [
            ({'limit': 'x'}, 'limit must be an integer'),
            ({'limit': ''}, 'limit must be an integer'),
            ({'limit': '-1'}, 'Limit must be non negative'),
            ({'marker': 'nothing'}, 'Marker could not be found'),
        ],
    )
    def test_no_page(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        path: str,
        query: dict[str, str],
        message: str,
    ) -> None:
        answer = get(desk, wire, path, cloud.admin, **query)
        assert wire.fault(answer) == ('badRequest', 400, message)

    def test_keystone_pages(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        following = 'http://far/v3/users?marker=a&domain_id=default'
        pages = [
            {'users': [user('a')], 'links': {'next': following}},
            {'users': [user('b')], 'links': {'next': None}},
        ]
        answers = itertools.cycle([reply(200, page) for page in pages])
        desk.between.instead('GET /v3/users', answers)
        every = get(desk, wire, USERS, cloud.admin)
        by_address = get(desk, wire, USERS, cloud.admin, email='b@example.org')
        desk.between.step_aside()
        assert ids(wire, every) == ['a', 'b']
        assert ids(wire, by_address) == ['b']

    def test_keystone_shows_a_part(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        part = {'users': [user('a')], 'truncated': True}
        desk.between.instead('GET /v3/users', iter([reply(200, part)]))
        answer = get(desk, wire, USERS, cloud.admin, email='b@example.org')
        desk.between.step_aside()
        assert wire.fault(answer)[:2] == ('overLimit', 413)


class TestTenants:
    def test_by_name_and_id(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        expected = {
            'id': cloud.project('demo'),
            'name': 'demo',
            'description': '',
            'enabled': True,
        }
        # Of an administrator elsewhere, of a member here, there, nowhere.
        for token in (
            cloud.admin,
            cloud.token_of(ann, 'demo'),
            cloud.token_of(ann, 'abacus'),
            cloud.token_of(ann),
        ):
            by_name = get(desk, wire, TENANTS, token, name='demo')
            assert wire.one(by_name, 'tenant') == expected
            by_id = get(desk, wire, f'{TENANTS}/{expected["id"]}', token)
            assert wire.one(by_id, 'tenant') == expected

    def test_there_is_none(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, token: str
    ) -> None:
        domain = cloud.domain()
        name = f'project-{uuid.uuid4().hex}'
        other = cloud.make('project', name=name, domain_id=domain)['id']
        for wanted in ('none', name):
            told = f'Could not find project: {wanted}.'
            for asking in (cloud.admin, token):
                answer = get(desk, wire, TENANTS, asking, name=wanted)
                assert wire.fault(answer) == ('itemNotFound', 404, told)
        # A domain is a project to Keystone.
        for id_ in ('none', other, domain, 'default', '%C3%BC'):
            answer = get(desk, wire, f'{TENANTS}/{id_}', cloud.admin)
            assert wire.fault(answer)[:2] == ('itemNotFound', 404)

    def test_of_somebody_else(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, token: str
    ) -> None:
        name = f'project-{uuid.uuid4().hex}'
        id_ = cloud.project(name)
        answer = get(desk, wire, f'{TENANTS}/{id_}', token)
        assert wire.fault(answer)[:2] == ('forbidden', 403)
        answer = get(desk, wire, TENANTS, token, name=name)
        assert wire.fault(answer)[:2] == ('itemNotFound', 404)
        answer = get(desk, wire, TENANTS, cloud.admin, name=name)
        assert wire.one(answer, 'tenant')['id'] == id_

    def test_nobody(self, desk: Desk, wire: wires.Wire) -> None:
        for path in (f'{TENANTS}/x', f'{TENANTS}?name=demo'):
            for token in (None, 'nonsense'):
                answer = get(desk, wire, path, token)
                assert wire.fault(answer)[:2] == ('unauthorized', 401)


class TestRoles:
    def test_on_tenants(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        group = cloud.make('group', name=uuid.uuid4().hex)['id']
        cloud.ask('PUT', f'/v3/groups/{group}/users/{ann.id}')
        for project, role in (('abacus', 'reader'), ('zebra', 'far')):
            cloud.ask(
                'PUT',
                f'/v3/projects/{cloud.project(project)}/groups/{group}'
                f'/roles/{cloud.role(role)}',
            )
        # Nor is that in another domain, or on no tenant, a role of v2.0.
        domain = cloud.domain()
        name = uuid.uuid4().hex
        other = cloud.make('project', name=name, domain_id=domain)['id']
        for place in (f'projects/{other}', 'domains/default'):
            cloud.ask(
                'PUT',
                f'/v3/{place}/users/{ann.id}/roles/{cloud.role("far")}',
            )
        expected = {
            ('member', 'demo'),
            ('reader', 'demo'),
            ('reader', 'abacus'),
            ('far', 'zebra'),
        }
        for token in (cloud.admin, cloud.token_of(ann)):
            answer = get(desk, wire, f'{USERS}/{ann.id}/roles', token)
            found = wire.many(answer, 'role')
            assert len(found) == len(expected)
            for role, project in expected:
                assert {
                    'id': cloud.role(role),
                    'name': role,
                    'tenantId': cloud.project(project),
                } in found

    def test_refused(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        other = cloud.token_of(cloud.with_role('member'), 'demo')
        for id_, token, status in (
            (ann.id, other, 403),
            (ann.id, None, 401),
            (ann.id, 'nonsense', 401),
            ('nobody', cloud.admin, 404),
        ):
            answer = get(desk, wire, f'{USERS}/{id_}/roles', token)
            assert wire.fault(answer)[1] == answer.status_int == status

    def test_a_part_of_a_user_does_not_see_the_whole(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        made = cloud.ask(
            'POST',
            f'/v3/users/{ann.id}/application_credentials',
            {'application_credential': {'name': uuid.uuid4().hex}},
            token=cloud.token_of(ann, 'demo'),
        ).json['application_credential']
        token = cloud.sign_in(
            {
                'methods': ['application_credential'],
                'application_credential': {
                    'id': made['id'],
                    'secret': made['secret'],
                },
            }
        )
        answer = get(desk, wire, f'{USERS}/{ann.id}/roles', token)
        assert wire.fault(answer)[:2] == ('forbidden', 403)


QUERIES = {
    ('GET', f'{TOKENS}/x'): ('belongsTo',),
    ('HEAD', f'{TOKENS}/x'): ('belongsTo',),
    ('DELETE', f'{TOKENS}/x'): (),
    ('DELETE', TOKENS): (),
    ('GET', f'{TOKENS}/x/endpoints'): (),
    ('GET', TENANTS): ('name', 'limit', 'marker'),
    ('GET', f'{TENANTS}/x'): (),
    ('GET', USERS): ('name', 'email', 'limit', 'marker'),
    ('GET', f'{USERS}/x'): (),
    ('GET', f'{USERS}/x/roles'): (),
}
PARAMETERS = ('belongsTo', 'name', 'email', 'limit', 'Name', 'enabled')


@pytest.mark.parametrize(
    ('method', 'path', 'known'), [(*k, v) for k, v in QUERIES.items()]
)
def test_a_parameter_is_understood_or_named(
    desk: Desk,
    wire: wires.Wire,
    token: str,
    method: str,
    path: str,
    known: tuple[str, ...],
) -> None:
    for name in PARAMETERS:
        asked = f'{path}?{name}=7'
        # No DELETE gets as far as to revoke the token.
        answer = front.ask(desk.web, wire, method, asked, token)
        if name in known:
            assert answer.status_int in (200, 403, 404)
            twice = f'{asked}&{name}=8'
            answer = front.ask(desk.web, wire, method, twice, token)
        assert answer.status_int == 400
        if method != 'HEAD':
            said = 'stands twice' if name in known else 'is not understood'
            assert wire.fault(answer)[2] == f'The parameter {name} {said}.'


def test_roles_without_a_service_user(
    tmp_path: pathlib.Path, cloud: Cloud, wire: wires.Wire, ann: Person
) -> None:
    options = {'identity': {'service_user': ''}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    path = f'{USERS}/{ann.id}/roles'
    answer = get(desk, wire, path, cloud.token_of(ann, 'demo'))
    assert wire.fault(answer)[:2] == ('forbidden', 403)
    assert wire.many(get(desk, wire, path, cloud.admin), 'role') != []
