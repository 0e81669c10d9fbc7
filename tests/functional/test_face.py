"""What v2.0 clients ask besides keys, where Keystone speaks v3 alone."""

import itertools
import json
from typing import Any
from urllib.parse import urlencode
import uuid

import pytest
import webtest

from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.login import JSON
from tests.support.login import TOKENS
from tests.support.login import Desk
from tests.support.pass_through import Wrapped
from tests.support.pipeline_v2 import PipelineV2

REFUSED = (
    'unauthorized',
    401,
    'The request you have made requires authentication.',
)
NO_TOKEN = ('itemNotFound', 404, 'Token not found.')


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    made = Desk(tmp_path_factory.mktemp('face') / 'keymw', cloud)
    # Now it is known what Keystone speaks.
    made.admin('GET', '/v2.0/tenants')
    return made


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user with roles on "demo" and "abacus", the first by name."""
    made = cloud.with_role('member')
    cloud.grant(made, 'member', 'abacus')
    return made


def get(
    desk: Desk,
    wire: wires.Wire,
    path: str,
    token: str | None,
    how: str = 'GET',
) -> Any:
    return front.ask(desk.web, wire, how, path, token)


class TestPassword:
    """A login with a password, in v2.0's words."""

    def sign_in(
        self,
        desk: Desk,
        wire: wires.Wire,
        members: dict[str, str],
        **tenant: str,
    ) -> Any:
        return desk.send(wire, wire.auth(wires.PASSWORD, members, **tenant))

    @pytest.mark.parametrize('member', ['username', 'userId'])
    @pytest.mark.parametrize('tenant', ['tenantId', 'tenantName', None])
    def test_access(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        ann: Person,
        member: str,
        tenant: str | None,
    ) -> None:
        who = ann.name if member == 'username' else ann.id
        id_ = cloud.project('demo')
        asked = {'tenantId': id_, 'tenantName': 'demo', None: ''}[tenant]
        answer = self.sign_in(
            desk,
            wire,
            {member: who, 'password': 'secret'},
            **({tenant: asked} if tenant else {}),
        )
        found = wire.access(answer)
        assert answer.status_int == 200
        assert found['user']['id'] == ann.id
        assert 'member' in [role['name'] for role in found['user']['roles']]
        name = found['token']['tenant']['name']
        assert name == ('demo' if tenant else 'abacus')
        assert found['token'][wires.METHODS] == ['PASSWORD']
        assert cloud.ask(
            'GET', '/v3/auth/projects', token=found['token']['id']
        )

    def test_unscoped_only_without_any(
        self, desk: Desk, wire: wires.Wire, zoe: Person
    ) -> None:
        members = {'username': zoe.name, 'password': 'secret'}
        found = wire.access(self.sign_in(desk, wire, members))
        assert 'tenant' not in found['token']
        assert found['user'] == {'id': zoe.id, 'name': zoe.name, 'roles': []}

    @pytest.mark.parametrize(
        ('members', 'tenant'),
        [
            ({'username': 'nobody', 'password': 'x'}, {}),
            ({'username': 'admin', 'password': 'wrong'}, {}),
            (
                {'username': 'admin', 'password': 'secret'},
                {'tenantName': 'none'},
            ),
        ],
    )
    def test_refused_by_keystone(
        self, desk: Desk, wire: wires.Wire, members: Any, tenant: Any
    ) -> None:
        answer = self.sign_in(desk, wire, members, **tenant)
        assert wire.fault(answer) == REFUSED

    @pytest.mark.parametrize(
        ('members', 'tenant', 'message'),
        [
            ({'username': 'x'}, {}, 'Expecting password'),
            ({'password': 'x'}, {}, 'Expecting username'),
            ({'username': '', 'password': 'x'}, {}, 'Expecting username'),
            (
                {'username': 'x', 'password': 'x'},
                {'tenantId': 'a', 'tenantName': 'b'},
                'Invalid request. Specify tenantId OR tenantName, not both.',
            ),
        ],
    )
    def test_bad_input(
        self,
        desk: Desk,
        wire: wires.Wire,
        members: Any,
        tenant: Any,
        message: str,
    ) -> None:
        answer = self.sign_in(desk, wire, members, **tenant)
        assert wire.fault(answer) == ('badRequest', 400, message)

    @pytest.mark.parametrize(
        'auth', [{'passwordCredentials': 1}, {'passwordCredentials': None}]
    )
    def test_odd_types(self, desk: Desk, auth: Any) -> None:
        answer = desk.send(JSON, json.dumps({'auth': auth}).encode())
        assert JSON.fault(answer)[:2] == ('badRequest', 400)

    def test_unknown_kind(self, desk: Desk) -> None:
        for kind in ('OS-KSEC2:ec2Credentials', 'x'):
            answer = desk.send(JSON, JSON.auth(kind, {}))
            assert JSON.fault(answer)[:2] == ('badRequest', 400)

    def test_another_media_type(self, desk: Desk, wire: wires.Wire) -> None:
        kind = {'Content-Type': 'text/plain'}
        answer = desk.send(wire, b'auth', headers=kind)
        assert wire.fault(answer)[:2] == ('badMediaType', 415)

    def test_mfa_rules(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, zoe: Person
    ) -> None:
        options = {
            'multi_factor_auth_enabled': True,
            'multi_factor_auth_rules': [['password', 'external']],
        }
        cloud.change('user', zoe.id, options=options)
        members = {'username': zoe.name, 'password': 'secret'}
        answer = self.sign_in(desk, wire, members)
        assert wire.fault(answer)[:2] == ('unauthorized', 401)
        assert 'Openstack-Auth-Receipt' not in answer.headers

    def test_disabled_user(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, zoe: Person
    ) -> None:
        cloud.change('user', zoe.id, enabled=False)
        members = {'username': zoe.name, 'password': 'secret'}
        assert wire.fault(self.sign_in(desk, wire, members)) == REFUSED

    def test_user_of_another_domain_is_unknown_by_name(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        user = cloud.person(domain_id=cloud.domain())
        members = {'username': user.name, 'password': 'secret'}
        assert wire.fault(self.sign_in(desk, wire, members)) == REFUSED

    @pytest.mark.parametrize(
        ('failing', 'status', 'retry_after'),
        [
            (reply(500), 503, '5'),
            (reply(503, b'', '17'), 503, '17'),
            (reply(429, {'error': {'message': 'x'}}, '9'), 413, '9'),
            (reply(200, {}), 503, '5'),
            (reply(403, {'error': {'message': 'x'}}), 403, None),
        ],
    )
    def test_outage(
        self,
        desk: Desk,
        wire: wires.Wire,
        failing: Any,
        status: int,
        retry_after: str | None,
    ) -> None:
        desk.between.instead('POST .*', itertools.repeat(failing))
        members = {'username': 'admin', 'password': 'secret'}
        answer = self.sign_in(desk, wire, members)
        desk.between.step_aside()
        assert wire.fault(answer)[1] == answer.status_int == status
        assert answer.headers.get('Retry-After') == retry_after


class TestToken:
    """A login with a token."""

    def sign_in(
        self, desk: Desk, wire: wires.Wire, token: str, **tenant: str
    ) -> Any:
        body = wire.auth('token', {'id': token}, **tenant)
        return desk.send(wire, body)

    def test_access(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        token = cloud.token_of(ann)
        for tenant, name in (
            ({'tenantName': 'demo'}, 'demo'),
            ({'tenantId': cloud.project('demo')}, 'demo'),
            ({}, 'abacus'),
        ):
            answer = self.sign_in(desk, wire, token, **tenant)
            found = wire.access(answer)
            assert found['user']['id'] == ann.id
            assert found['token']['tenant']['name'] == name

    @pytest.mark.parametrize(
        ('token', 'code'), [('nonsense', 401), ('', 400), (' ', 400)]
    )
    def test_refused(
        self, desk: Desk, wire: wires.Wire, token: str, code: int
    ) -> None:
        answer = self.sign_in(desk, wire, token)
        assert wire.fault(answer)[1] == answer.status_int == code


class TestTokenOfSomebody:
    """/v2.0/tokens/{id}, for an admin and for the token itself."""

    @pytest.mark.parametrize('asks', ['admin', 'itself'])
    def test_validate(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        ann: Person,
        asks: str,
    ) -> None:
        token = cloud.token_of(ann, 'demo')
        path = f'{TOKENS}/{token}'
        who = cloud.admin if asks == 'admin' else token
        found = wire.access(get(desk, wire, path, who))
        tenant = cloud.project('demo')
        assert found['token']['id'] == token
        assert found['token']['tenant'] == {'id': tenant, 'name': 'demo'}
        assert found['user']['id'] == ann.id
        assert {r['tenantId'] for r in found['user']['roles']} == {tenant}
        belongs = get(desk, wire, f'{path}?belongsTo={tenant}', who)
        assert wire.access(belongs) == found
        other = get(desk, wire, f'{path}?belongsTo=other', who)
        assert wire.fault(other) == NO_TOKEN
        head = get(desk, wire, path, who, 'HEAD')
        assert (head.status_int, head.body) == (200, b'')

    def test_unscoped_has_no_catalogue(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        token = cloud.token_of(ann)
        found = wire.access(get(desk, wire, f'{TOKENS}/{token}', token))
        assert 'serviceCatalog' not in found
        assert 'tenant' not in found['token']

    @pytest.mark.parametrize('how', ['GET', 'DELETE'])
    def test_refused(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        ann: Person,
        how: str,
    ) -> None:
        path = f'{TOKENS}/{cloud.token_of(ann)}'
        for asking, expected in (
            (None, 401),
            ('', 401),
            ('nonsense', 401),
            (cloud.token_of(cloud.person()), 403),
        ):
            answer = get(desk, wire, path, asking, how)
            assert wire.fault(answer)[1] == answer.status_int == expected
        for token in ('nonsense', 'a.b', '%C3%BC', 'x' * 3000):
            gone = get(desk, wire, f'{TOKENS}/{token}', cloud.admin, how)
            assert wire.fault(gone) == NO_TOKEN

    def test_head_of_nothing(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        answer = get(desk, wire, f'{TOKENS}/none', cloud.admin, 'HEAD')
        assert (answer.status_int, answer.body) == (404, b'')

    def test_revoke(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        token = cloud.token_of(ann)
        path = f'{TOKENS}/{token}'
        answer = get(desk, wire, path, cloud.admin, 'DELETE')
        assert (answer.status_int, answer.body) == (204, b'')
        again = get(desk, wire, path, cloud.admin, 'DELETE')
        assert wire.fault(again) == NO_TOKEN
        cloud.ask('GET', '/v3/auth/projects', token=token, status=401)

    def test_revoke_own(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        token = cloud.token_of(ann)
        answer = get(desk, wire, TOKENS, token, 'DELETE')
        assert (answer.status_int, answer.body) == (204, b'')
        cloud.ask('GET', '/v3/auth/projects', token=token, status=401)
        for gone in (token, 'nonsense', '', None):
            again = get(desk, wire, TOKENS, gone, 'DELETE')
            assert wire.fault(again)[:2] == ('unauthorized', 401)

    def test_methods(self, desk: Desk, wire: wires.Wire) -> None:
        for how in ('POST', 'PUT', 'PATCH'):
            answer = get(desk, wire, f'{TOKENS}/x', None, how)
            assert wire.fault(answer)[:2] == ('badMethod', 405)
            assert answer.headers['Allow'] == 'GET, HEAD, DELETE'


class TestTenants:
    def test_of_a_token(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        answer = get(desk, wire, '/v2.0/tenants', cloud.token_of(ann))
        found = {t['name']: t for t in wire.many(answer, 'tenant')}
        assert sorted(found) == ['abacus', 'demo']
        assert found['demo'] == {
            'id': cloud.project('demo'),
            'name': 'demo',
            'description': '',
            'enabled': True,
        }

    def test_of_nobody(self, desk: Desk, wire: wires.Wire) -> None:
        for token in (None, 'nonsense'):
            answer = get(desk, wire, '/v2.0/tenants', token)
            assert wire.fault(answer)[:2] == ('unauthorized', 401)


@pytest.fixture(scope='module')
def una(cloud: Cloud) -> Any:
    return cloud.make(
        'user',
        name=f'ünä & <{uuid.uuid4().hex}>',
        email='una@example.org',
    )


class TestUsers:
    """How an admin finds the userId."""

    def test_by_name_and_id(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, una: Any
    ) -> None:
        query = urlencode({'name': una['name']})
        expected = {
            'id': una['id'],
            'name': una['name'],
            'username': una['name'],
            'email': 'una@example.org',
            'enabled': True,
        }
        for path in (
            f'/v2.0/users?{query}',
            f'/v2.0/users/?{query}',
            f'/v2.0/users/{una["id"]}',
        ):
            answer = get(desk, wire, path, cloud.admin)
            assert wire.one(answer, 'user') == expected

    def test_all(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, una: Any
    ) -> None:
        other = cloud.person(domain_id=cloud.domain())
        answer = get(desk, wire, '/v2.0/users', cloud.admin)
        ids = {user['id'] for user in wire.many(answer, 'user')}
        assert una['id'] in ids
        assert other.id not in ids

    def test_there_is_none(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        other = cloud.person(domain_id=cloud.domain())
        for name in ('nobody', other.name):
            path = f'/v2.0/users?name={name}'
            answer = get(desk, wire, path, cloud.admin)
            told = ('itemNotFound', 404, f'User {name} not found')
            assert wire.fault(answer) == told
        for id_ in ('nobody', '%3Fa=b', '%C3%BC'):
            answer = get(desk, wire, f'/v2.0/users/{id_}', cloud.admin)
            assert wire.fault(answer)[:2] == ('itemNotFound', 404)

    def test_who_may(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
    ) -> None:
        token = cloud.token_of(ann, 'demo')
        mine = get(desk, wire, f'/v2.0/users/{ann.id}', token)
        assert wire.one(mine, 'user')['id'] == ann.id
        for path in ('/v2.0/users?name=admin',):
            answer = get(desk, wire, path, token)
            assert wire.fault(answer)[:2] == ('forbidden', 403)
            answer = get(desk, wire, path, None)
            assert wire.fault(answer)[:2] == ('unauthorized', 401)

    def test_query_that_is_not_utf8(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        answer = get(desk, wire, '/v2.0/users?name=%FF', cloud.admin)
        assert wire.fault(answer)[:2] == ('badRequest', 400)


@pytest.mark.parametrize(
    'path', ['/v2.0', '/v2.0/', '/v2.0.xml', '/v2.0.json']
)
def test_version(desk: Desk, wire: wires.Wire, path: str) -> None:
    answer = get(desk, wire, path, None)
    assert answer.status_int == 200
    assert b'http://localhost/v2.0/' in answer.body
    format_ = path[6:] if '.' in path[5:] else wire.name
    if format_ == 'json':
        version = answer.json['version']
        assert (version['id'], version['status']) == ('v2.0', 'stable')
    else:
        shown = wires.Xml().one(answer, 'version')
        assert (shown['id'], shown['status']) == ('v2.0', 'stable')


@pytest.mark.parametrize('accept', ['application/json', 'text/html', None])
def test_the_root_is_keystones_own(
    desk: Desk, cloud: Cloud, accept: str | None
) -> None:
    headers = {'Accept': accept} if accept else {}
    ours = desk.web.get('/', headers=headers, status='*')
    theirs = cloud.web.get('/', headers=headers, status='*')
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert b'v2.0' not in ours.body


PATHS = [
    '/v2.0',
    '/v2.0/',
    TOKENS,
    f'{TOKENS}/x',
    f'{TOKENS}/x/endpoints',
    '/v2.0/tenants',
    '/v2.0/tenants/x',
    '/v2.0/users',
    '/v2.0/users/x',
    '/v2.0/users/x/roles',
    '/v2.0/x.xml',
    '/v2.0//tenants',
    '/v2.0/extensions',
    '/v2.0/extensions/OS-KSADM',
    wires.base('x'),
    f'{wires.base("x")}/passwordCredentials',
    f'{wires.base("x")}/OS-KSEC2:ec2Credentials',
    wires.key('x'),
    wires.reset('x'),
]
METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'X']


@pytest.mark.parametrize('path', PATHS)
def test_nothing_is_html(desk: Desk, cloud: Cloud, path: str) -> None:
    body = b'{"passwordCredentials": {"username": "x", "password": "x"}}'
    # One of its own, as one of the requests revokes it.
    token = cloud.token('admin', project='admin')
    for method in METHODS:
        for kind, content in (
            ('application/xml', b''),
            ('application/json', body),
            ('text/html', b'x'),
        ):
            headers = {
                'Accept': 'text/html',
                'Content-Type': kind,
                'X-Auth-Token': token,
            }
            answer = desk.web.request(
                path,
                method=method,
                headers=headers,
                body=content,
                expect_errors=True,
            )
            found = answer.headers.get('Content-Type', '')
            assert b'<html' not in answer.body.lower()
            assert 'html' not in found
            if answer.body:
                assert found in ('application/json', 'application/xml')


def test_what_is_not_there(desk: Desk, wire: wires.Wire) -> None:
    for method in METHODS:
        answer = get(desk, wire, '/v2.0/nowhere', None, method)
        assert answer.status_int == 404
        if method != 'HEAD':
            assert wire.fault(answer)[:2] == ('itemNotFound', 404)


@pytest.fixture(scope='module')
def home(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Files of keymw."""
    made = Deployment(tmp_path_factory.mktemp('fresh'))
    made.set_up()
    return made


@pytest.fixture
def fresh(home: Deployment) -> Any:
    """keymw that does not know yet what an application speaks."""

    def make(app: Any, options: Options | None = None) -> Any:
        home.write_conf(options or {})
        return home.web(app)

    return make


@pytest.mark.parametrize('issues', [True, False])
class TestFirstRequest:
    """In a process that has sent no request yet."""

    @pytest.fixture
    def web(self, fresh: Any, cloud: Cloud, issues: bool) -> Any:
        options: Options = {} if issues else {'identity': {'service_user': ''}}
        return fresh(cloud.app, options)

    @pytest.mark.parametrize('kind', [wires.PASSWORD, 'token'])
    def test_login(
        self, web: Any, cloud: Cloud, wire: wires.Wire, ann: Person, kind: str
    ) -> None:
        members = {'username': ann.name, 'password': 'secret'}
        if kind == 'token':
            members = {'id': cloud.token_of(ann)}
        body = wire.auth(kind, members, tenantName='demo')
        answer = front.ask(web, wire, 'POST', TOKENS, None, body)
        assert wire.access(answer)['user']['id'] == ann.id

    def test_wrong_password(self, web: Any, wire: wires.Wire) -> None:
        members = {'username': 'admin', 'password': 'wrong'}
        body = wire.auth(wires.PASSWORD, members)
        answer = front.ask(web, wire, 'POST', TOKENS, None, body)
        assert wire.fault(answer) == REFUSED

    @pytest.mark.parametrize(
        ('method', 'path', 'status'),
        [
            ('GET', '/v2.0', 200),
            ('GET', '/v2.0/tenants', 200),
            ('GET', '/v2.0/users?name=admin', 200),
            ('GET', f'{TOKENS}/x', 404),
            ('HEAD', f'{TOKENS}/x', 404),
            ('DELETE', f'{TOKENS}/x', 404),
            ('PUT', '/v2.0/tenants', 405),
            ('POST', '/v2.0/nowhere', 404),
        ],
    )
    def test_others(
        self,
        web: Any,
        cloud: Cloud,
        wire: wires.Wire,
        method: str,
        path: str,
        status: int,
    ) -> None:
        body = b'{}' if method in ('PUT', 'POST') else b''
        answer = front.ask(web, wire, method, path, cloud.admin, body)
        assert answer.status_int == status
        assert answer.headers['Content-Type'] == wire.media_type


class TestServiceOfV2:
    """One that speaks v2.0 gets all of that as it came."""

    REQUESTS = (
        ('POST', TOKENS, b'{"auth": {"token": {"id": "x"}}}'),
        ('POST', TOKENS, b' {"auth": {"passwordCredentials": {}}}'),
        ('GET', f'{TOKENS}/x?belongsTo=y', b''),
        ('HEAD', f'{TOKENS}/x', b''),
        ('DELETE', f'{TOKENS}/x', b''),
        ('GET', '/v2.0/tenants', b''),
        ('GET', '/v2.0/users?name=x', b''),
        ('GET', '/v2.0/users/x', b''),
        ('PUT', '/v2.0/users/x', b'{"user": {}}'),
        ('GET', '/v2.0', b''),
        ('GET', '/v2.0/other', b''),
        ('POST', wires.base('x'), b'{"passwordCredentials": {}}'),
    )

    @pytest.mark.parametrize(('method', 'path', 'body'), REQUESTS)
    @pytest.mark.parametrize('known', [True, False])
    @pytest.mark.parametrize('status', ['200 OK', '404 Not Found', '400 No'])
    def test_untouched(
        self,
        fresh: Any,
        method: str,
        path: str,
        body: bytes,
        known: bool,
        status: str,
    ) -> None:
        read: list[bytes] = []
        said = reply(int(status[:3]), {'theirs': 1})
        pipeline = PipelineV2()

        def app(environ: Any, start_response: Any) -> Any:
            # Requests of keymw itself carry the id of the client's request.
            if 'HTTP_X_OPENSTACK_REQUEST_ID' in environ:
                return pipeline(environ, start_response)
            assert environ['HTTP_ACCEPT'] == 'text/x-mine'
            read.append(environ['wsgi.input'].read())
            return said(environ, start_response)

        version = {'identity': {'api_version': 'v2.0'}}
        web = fresh(app, version if known else None)
        answer = web.request(
            path,
            method=method,
            body=body,
            headers={
                'Accept': 'text/x-mine',
                'Content-Type': 'application/json',
            },
            expect_errors=True,
        )
        assert answer.status_int == int(status[:3])
        assert method == 'HEAD' or answer.json == {'theirs': 1}
        assert read == [body]

    def test_one_of_neither(self, fresh: Any) -> None:
        web = fresh(Wrapped('404 Not Found', b'<p>theirs</p>'))
        for method, path, body in self.REQUESTS[2:]:
            answer = web.request(
                path,
                method=method,
                body=body,
                headers={'Content-Type': 'application/json'},
                expect_errors=True,
            )
            assert answer.status_int == 404
            assert method == 'HEAD' or answer.body == b'<p>theirs</p>'


def test_known_service_is_not_tried_first(
    desk: Desk, cloud: Cloud, wire: wires.Wire
) -> None:
    get(desk, wire, '/v2.0/tenants', cloud.admin)
    desk.between.asked.clear()
    get(desk, wire, '/v2.0/tenants', cloud.admin)
    assert desk.between.asked == [
        'GET /v3/auth/tokens',
        'GET /v3/auth/projects',
    ]


class Both:
    """A service that speaks v3, and answers each path of v2.0 itself."""

    def __init__(self, v3: Any, v2: Any, below: str = '/v2.0') -> None:
        self._v3, self._v2, self._below = v3, v2, below

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        is_v2 = environ['PATH_INFO'].startswith(self._below)
        app = self._v2 if is_v2 else self._v3
        return app(environ, start_response)


DOCUMENT = reply(200, {'version': {'id': 'v2.0'}})


@pytest.mark.parametrize(
    'v2',
    [
        reply(200, {'theirs': 1}),
        reply(401, {'error': {'code': 401}}),
        reply(404, {'error': {'code': 404}}),
        Both(Wrapped('404 Not Found', b'<p>theirs</p>'), DOCUMENT, '/v2.0/'),
        Both(DOCUMENT, Wrapped('404 Not Found', b'<p>theirs</p>'), '/v2.0/'),
    ],
    ids=['all', 'refuses', 'knows none', 'below alone', 'document alone'],
)
def test_service_that_speaks_both_keeps_its_v2(
    fresh: Any, cloud: Cloud, zoe: Person, v2: Any
) -> None:
    """Before the first request of a worker about keys, and after it."""
    web = fresh(Both(cloud.app, v2))
    headers = {'X-Auth-Token': cloud.admin}
    bare = webtest.TestApp(v2)
    for _ in range(2):
        for path in (
            '/v2.0',
            '/v2.0/users/u1/roles',
            '/v2.0/users?name=admin',
            '/v2.0/tenants',
            f'{TOKENS}/x',
        ):
            answer = web.get(path, headers=headers, status='*')
            theirs = bare.get(path, status='*')
            assert (answer.status, answer.body) == (theirs.status, theirs.body)
        web.post(wires.reset(zoe.id), headers=headers, status=200)


def test_mount_of_one_request_does_not_hide_a_v2(
    fresh: Any, cloud: Cloud
) -> None:
    """SCRIPT_NAME may be a header of the client."""
    web = fresh(Both(cloud.app, reply(401, {'theirs': 1})))
    for mount in ('/v2.0', '/x'):
        web.get('/tenants', extra_environ={'SCRIPT_NAME': mount}, status='*')
        web.get(f'{TOKENS}/x', extra_environ={'SCRIPT_NAME': ''}, status='*')
    assert web.get('/v2.0/tenants', status=401).json == {'theirs': 1}


def test_doubled_slashes(
    desk: Desk, cloud: Cloud, wire: wires.Wire, ann: Person
) -> None:
    """Clients join a base that ends in a slash with a path that starts so."""
    for plain, doubled in (
        (f'/v2.0/users/{ann.id}', f'/v2.0//users/{ann.id}'),
        (f'/v2.0/users/{ann.id}', f'/v2.0/users///{ann.id}'),
        (f'/v2.0/users?name={ann.name}', f'/v2.0//users?name={ann.name}'),
        ('/v2.0/tenants', '//v2.0//tenants'),
        ('/v2.0/nowhere', '/v2.0//nowhere'),
    ):
        one = get(desk, wire, plain, cloud.admin)
        two = get(desk, wire, doubled, cloud.admin)
        assert (two.status, two.body) == (one.status, one.body)
    for other in ('/v2.0/./users', '/v2.0/users;x', '/v2.0/%75sers'):
        # WebTest decodes once.
        path = other.replace('%', '%25')
        answer = get(desk, wire, path, cloud.admin)
        assert wire.fault(answer)[:2] == ('itemNotFound', 404)
    for guarded in ('/v2.0//tokens/x', '/v2.0//extensions'):
        answer = get(desk, wire, guarded, cloud.admin)
        assert wire.fault(answer)[:2] == ('badRequest', 400)


def test_off(fresh: Any, cloud: Cloud) -> None:
    between = Between(cloud.app)
    web = fresh(between, {'kskey': {'serve_v2': 'false'}})
    for path in ('/v2.0/tenants', '/v2.0', '/v2.0/users', f'{TOKENS}/x'):
        answer = web.get(path, expect_errors=True)
        theirs = cloud.web.get(path, expect_errors=True)
        assert answer.status == theirs.status
        assert answer.body == theirs.body
