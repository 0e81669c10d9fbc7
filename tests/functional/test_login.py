"""POST /v2.0/tokens with an API key (contract, 6; contract keystone, 1)."""

from collections.abc import Callable
from concurrent import futures
import json
import pathlib
from typing import Any
import uuid

from lxml import etree
import pytest

from tests.support import front
from tests.support import schemas
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.deployment import settle
from tests.support.login import JSON
from tests.support.login import TOKENS
from tests.support.login import WRONG
from tests.support.login import Desk
from tests.support.login import Rewritten
from tests.support.pass_through import Seen
from tests.support.pipeline_v2 import Account
from tests.support.pipeline_v2 import PipelineV2
from tests.support.pipeline_v2 import Project
from tests.support.pipeline_v2 import fault

NO_AUTH = (
    'badRequest',
    400,
    'Invalid request body: unable to parse Auth data. Please review XML or '
    'JSON formatting.',
)
TWO_TENANTS = (
    'badRequest',
    400,
    'Invalid request. Specify tenantId OR tenantName, not both.',
)
EC2 = 'OS-KSEC2:ec2Credentials'
MANY = ('badRequest', 400, 'Invalid request. Specify one kind of credentials.')
TOO_LONG = (
    'badRequest',
    400,
    'credentialType.apiKey: size must be between 0 and 100',
)
MALFORMED = {
    'json': ('badRequest', 400, 'Invalid json request body'),
    'xml': ('badRequest', 400, 'Invalid XML request body'),
}


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    return Desk(tmp_path_factory.mktemp('login') / 'keymw', cloud)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user with roles on "demo" and "abacus", the first by name."""
    made = cloud.with_role('member')
    cloud.grant(made, 'member', 'abacus')
    return made


@pytest.fixture(scope='module')
def key(desk: Desk, ann: Person) -> str:
    return desk.key_of(ann)


@pytest.fixture(scope='module')
def regions(cloud: Cloud) -> tuple[str, str]:
    """Two regions of a service "cloudFiles", the second without a public
    URL; another service without a public URL, a third without anything."""
    east, west = (cloud.make('region')['id'] for _ in range(2))
    names = {'cloudFiles': 'object-store', 'inside': 'x:inside', 'none': 'x:n'}
    ids = {
        name: cloud.make('service', name=name, type=type_)['id']
        for name, type_ in names.items()
    }
    for name, region, interface in (
        ('cloudFiles', east, 'public'),
        ('cloudFiles', east, 'internal'),
        ('cloudFiles', east, 'admin'),
        ('cloudFiles', west, 'internal'),
        ('inside', west, 'internal'),
    ):
        cloud.make(
            'endpoint',
            service_id=ids[name],
            region_id=region,
            interface=interface,
            url=f'http://{interface}.{name}/v1/%(tenant_id)s',
        )
    return east, west


def tenant_of(wire: wires.Wire, answer: Any) -> str | None:
    assert answer.status_int == 200
    tenant = wire.access(answer)['token'].get('tenant')
    return str(tenant['name']) if tenant else None


class TestAccess:
    """The response of a login (contract, 6.3)."""

    @pytest.fixture
    def access(
        self,
        desk: Desk,
        wire: wires.Wire,
        ann: Person,
        key: str,
        regions: Any,
    ) -> dict[str, Any]:
        del regions
        answer = desk.sign_in(wire, ann.name, key, tenantName='demo')
        assert answer.status_int == 200
        assert answer.headers['Content-Type'] == wire.media_type
        assert answer.headers['Cache-Control'] == 'no-store'
        return wire.access(answer)

    def test_token(self, access: dict[str, Any], cloud: Cloud) -> None:
        token = access['token']
        shown = cloud.web.get(
            '/v3/auth/tokens',
            headers={
                'X-Auth-Token': token['id'],
                'X-Subject-Token': token['id'],
            },
        ).json['token']
        assert token == {
            'id': token['id'],
            'expires': shown['expires_at'],
            'tenant': {'id': cloud.project('demo'), 'name': 'demo'},
            wires.METHODS: ['APIKEY'],
        }

    def test_user(
        self, access: dict[str, Any], cloud: Cloud, ann: Person
    ) -> None:
        roles = {role['name']: role for role in access['user'].pop('roles')}
        assert access['user'] == {'id': ann.id, 'name': ann.name}
        assert roles['member'] == {
            'id': cloud.role('member'),
            'name': 'member',
            'tenantId': cloud.project('demo'),
        }

    def test_catalogue(
        self,
        access: dict[str, Any],
        wire: wires.Wire,
        cloud: Cloud,
        regions: tuple[str, str],
    ) -> None:
        (east, west), tenant = regions, cloud.project('demo')
        services = {one['name']: one for one in access['serviceCatalog']}
        whole = {
            'region': east,
            'tenantId': tenant,
            'publicURL': f'http://public.cloudFiles/v1/{tenant}',
            'internalURL': f'http://internal.cloudFiles/v1/{tenant}',
            'adminURL': f'http://admin.cloudFiles/v1/{tenant}',
        }
        part = {
            'region': west,
            'tenantId': tenant,
            'internalURL': f'http://internal.cloudFiles/v1/{tenant}',
        }
        files = services['cloudFiles']
        assert files['type'] == 'object-store'
        found = sorted(files['endpoints'], key=len, reverse=True)
        # The schema has no endpoint without a public URL.
        assert found == ([whole] if wire.name == 'xml' else [whole, part])
        assert ('inside' in services) is (wire.name == 'json')

    def test_by_the_schema(
        self, desk: Desk, ann: Person, key: str, regions: Any
    ) -> None:
        del regions
        answer = desk.sign_in(wires.Xml(), ann.name, key)
        schemas.schema().assertValid(etree.fromstring(answer.body))


@pytest.fixture
def with_catalogue(
    tmp_path: pathlib.Path, cloud: Cloud
) -> Callable[[list[Any]], Desk]:
    """Where tokens hold this catalogue."""

    def make(catalogue: list[Any]) -> Desk:
        def change(token: dict[str, Any]) -> None:
            token['catalog'] = catalogue

        app = Rewritten(cloud.app, change)
        return Desk(tmp_path / 'keymw', cloud, app=app)

    return make


@pytest.mark.parametrize(
    ('catalogue', 'shown'),
    [
        ([], []),
        (
            [{'type': 'image', 'name': '', 'endpoints': []}],
            [{'type': 'image', 'name': 'image', 'endpoints': []}],
        ),
        (
            [
                {
                    'type': 'image',
                    'endpoints': [
                        {
                            'interface': interface,
                            'region': None,
                            'region_id': None,
                            'url': interface,
                        }
                        for interface in ('public', 'internal', 'public')
                    ],
                }
            ],
            [
                {
                    'type': 'image',
                    'name': 'image',
                    'endpoints': [
                        {'publicURL': 'public', 'internalURL': 'internal'},
                        {'publicURL': 'public'},
                    ],
                }
            ],
        ),
    ],
    ids=['nothing', 'no-endpoint', 'no-region'],
)
def test_odd_catalogue(
    with_catalogue: Callable[[list[Any]], Desk],
    cloud: Cloud,
    wire: wires.Wire,
    ann: Person,
    catalogue: list[Any],
    shown: list[Any],
) -> None:
    desk = with_catalogue(catalogue)
    answer = desk.sign_in(wire, ann.name, desk.key_of(ann), tenantName='demo')
    found = wire.access(answer).get('serviceCatalog', [])
    for service in found:
        for endpoint in service['endpoints']:
            assert endpoint.pop('tenantId') == cloud.project('demo')
    if wire.name == 'xml':
        shown = [service for service in shown if service['endpoints']]
    assert found == shown


class TestTenant:
    """Which project a token is for (contract, 6.1; keystone, 1.6)."""

    @pytest.mark.parametrize('member', ['tenantId', 'tenantName'])
    @pytest.mark.parametrize('place', ['auth', 'credential', 'both'])
    def test_is_told_in_either_place(
        self,
        desk: Desk,
        cloud: Cloud,
        wire: wires.Wire,
        ann: Person,
        key: str,
        member: str,
        place: str,
    ) -> None:
        by_id = member == 'tenantId'
        told = {member: cloud.project('demo') if by_id else 'demo'}
        inner = {} if place == 'auth' else told
        outer = {} if place == 'credential' else told
        members = {'username': ann.name, 'apiKey': key, **inner}
        answer = desk.send(wire, wire.auth(wires.ROOT, members, **outer))
        assert tenant_of(wire, answer) == 'demo'

    @pytest.mark.parametrize(
        ('inner', 'outer'),
        [
            ({}, {'tenantId': 'a', 'tenantName': 'b'}),
            ({'tenantId': 'a', 'tenantName': 'b'}, {}),
            ({'tenantId': 'a'}, {'tenantName': 'b'}),
            ({'tenantId': 'a'}, {'tenantId': 'b'}),
            ({'tenantName': 'a'}, {'tenantName': 'b'}),
            ({'tenantId': 'a'}, {'tenantName': 'a'}),
        ],
    )
    @pytest.mark.parametrize('secret', ['right', 'wrong'])
    def test_two_of_them(
        self,
        desk: Desk,
        wire: wires.Wire,
        ann: Person,
        key: str,
        inner: dict[str, str],
        outer: dict[str, str],
        secret: str,
    ) -> None:
        secret = key if secret == 'right' else secret
        members = {'username': ann.name, 'apiKey': secret, **inner}
        answer = desk.send(wire, wire.auth(wires.ROOT, members, **outer))
        assert wire.fault(answer) == TWO_TENANTS

    @pytest.mark.parametrize('tenant', [{}, {'tenantId': ''}])
    def test_none_asked_for_is_the_first_by_name(
        self,
        desk: Desk,
        wire: wires.Wire,
        ann: Person,
        key: str,
        tenant: dict[str, str],
    ) -> None:
        answer = desk.sign_in(wire, ann.name, key, **tenant)
        assert tenant_of(wire, answer) == 'abacus'

    def test_disabled_one_is_not_the_first(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        user, name = cloud.with_role('member'), f'aaa-{uuid.uuid4().hex}'
        cloud.grant(user, 'member', name)
        cloud.change('project', cloud.project(name), enabled=False)
        answer = desk.sign_in(wire, user.name, desk.key_of(user))
        assert tenant_of(wire, answer) == 'demo'

    def test_default_comes_before_the_first(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        user = cloud.with_role('member')
        cloud.grant(user, 'member', 'abacus')
        default = cloud.project('demo')
        cloud.change('user', user.id, default_project_id=default)
        answer = desk.sign_in(wire, user.name, desk.key_of(user))
        assert tenant_of(wire, answer) == 'demo'

    def test_unscoped_only_without_any(
        self, desk: Desk, wire: wires.Wire, bob: Person
    ) -> None:
        answer = desk.sign_in(wire, bob.name, desk.key_of(bob))
        assert tenant_of(wire, answer) is None
        found = wire.access(answer)
        assert found['user'] == {'id': bob.id, 'name': bob.name, 'roles': []}
        assert found['token'][wires.METHODS] == ['APIKEY']

    def test_of_somebody_else(
        self, desk: Desk, wire: wires.Wire, ann: Person, key: str
    ) -> None:
        answer = desk.sign_in(wire, ann.name, key, tenantName='admin')
        assert wire.fault(answer) == not_valid('admin', ann)

    def test_that_is_nowhere(
        self, desk: Desk, wire: wires.Wire, ann: Person, key: str
    ) -> None:
        answer = desk.sign_in(wire, ann.name, key, tenantId='n<o>')
        assert wire.fault(answer) == not_valid('n<o>', ann)

    def test_that_is_disabled(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire
    ) -> None:
        user, name = cloud.person(), f'off-{uuid.uuid4().hex}'
        cloud.grant(user, 'member', name)
        cloud.change('project', cloud.project(name), enabled=False)
        answer = desk.sign_in(
            wire, user.name, desk.key_of(user), tenantName=name
        )
        assert wire.fault(answer) == not_valid(name, user)

    def test_of_which_nothing_is_told_to_a_wrong_key(
        self, desk: Desk, wire: wires.Wire, ann: Person
    ) -> None:
        answer = desk.sign_in(wire, ann.name, 'wrong', tenantName='admin')
        assert wire.fault(answer) == WRONG


def not_valid(tenant: str, user: Person) -> tuple[str, int, str]:
    message = (
        f"Tenant with Name/Id: '{tenant}' is not valid for User "
        f"'{user.name}' (id: '{user.id}')"
    )
    return 'unauthorized', 401, message


class TestBadInput:
    """Refusals that come before the look-up of the user."""

    @pytest.mark.parametrize(
        ('members', 'message'),
        [
            ({}, 'Expecting username'),
            ({'apiKey': 'k'}, 'Expecting username'),
            ({'username': '', 'apiKey': 'k'}, 'Expecting username'),
            ({'username': ' \t', 'apiKey': 'k'}, 'Expecting username'),
            ({'username': 'u'}, 'Expecting apiKey'),
            ({'username': 'u', 'apiKey': ''}, 'Expecting apiKey'),
            ({'username': 'u', 'apiKey': ' '}, 'Expecting apiKey'),
            ({'username': 'u', 'apiKey': 'k' * 101}, TOO_LONG[2]),
            ({'username': 'u', 'apiKey': 'k' * 10240}, TOO_LONG[2]),
        ],
    )
    def test_missing_or_too_long(
        self,
        desk: Desk,
        wire: wires.Wire,
        members: dict[str, str],
        message: str,
    ) -> None:
        answer = desk.send(wire, wire.auth(wires.ROOT, members))
        assert wire.fault(answer) == ('badRequest', 400, message)

    def test_long_name_is_a_wrong_one(
        self, desk: Desk, wire: wires.Wire
    ) -> None:
        answer = desk.sign_in(wire, 'u' * 10240, 'k' * 100)
        assert wire.fault(answer) == WRONG

    @pytest.mark.parametrize(
        'body',
        [
            {},
            {'auth': None},
            {'auth': []},
            {'auth': {}},
            {'auth': {'tenantName': 'demo'}},
            {wires.ROOT: {'username': 'u', 'apiKey': 'k'}},
            {'auth': 'x', wires.ROOT: {}},
        ],
    )
    def test_no_credentials_in_json(self, desk: Desk, body: Any) -> None:
        answer = desk.send(JSON, json.dumps(body).encode())
        assert JSON.fault(answer) == NO_AUTH

    @pytest.mark.parametrize(
        'body',
        [
            f'<auth xmlns="{wires.IDENTITY_NS}"/>',
            '<auth tenantName="demo"/>',
            f'<apiKeyCredentials xmlns="{wires.KEY_NS}" username="u" '
            'apiKey="k"/>',
        ],
    )
    def test_no_credentials_in_xml(self, desk: Desk, body: str) -> None:
        answer = desk.send(wires.Xml(), body.encode())
        assert wires.Xml().fault(answer) == NO_AUTH

    @pytest.mark.parametrize(
        ('other', 'told'),
        [
            (wires.PASSWORD, MANY),
            ('token', MANY),
            (EC2, (*MANY[:2], f"Invalid attribute(s): ['{EC2}']")),
        ],
    )
    def test_two_credentials(
        self, desk: Desk, ann: Person, key: str, other: str, told: Any
    ) -> None:
        members = {'username': ann.name, 'apiKey': key}
        auth = {wires.ROOT: members, other: {}}
        answer = desk.send(JSON, json.dumps({'auth': auth}).encode())
        assert JSON.fault(answer) == told

    def test_two_credentials_in_xml(self, desk: Desk) -> None:
        ours = f'<apiKeyCredentials xmlns="{wires.KEY_NS}" username="u"/>'
        for other, told in (
            (f'<passwordCredentials xmlns="{wires.IDENTITY_NS}"/>', MANY),
            (ours, MALFORMED['xml']),
        ):
            body = f'<auth>{ours}{other}</auth>'.encode()
            assert wires.Xml().fault(desk.send(wires.Xml(), body)) == told

    @pytest.mark.parametrize(
        'members',
        [
            '[]',
            '"k"',
            '{"username": 1, "apiKey": "k"}',
            '{"username": "u", "apiKey": ["k"]}',
            '{"username": "u", "apiKey": "k", "password": "p"}',
            '{"username": "u", "apiKey": "k", "tenantId": 5}',
            '{"username": "\\ud800", "apiKey": "k"}',
            '[' * 10000 + ']' * 10000,
        ],
        ids=range(8),
    )
    def test_unusable_json(self, desk: Desk, members: str) -> None:
        body = f'{{"auth": {{"{wires.ROOT}": {members}}}}}'.encode()
        assert JSON.fault(desk.send(JSON, body)) == MALFORMED['json']

    @pytest.mark.parametrize('body', [b'', b'{', b'[]', b'\xff', b'[' * 60000])
    def test_what_is_no_json_object(self, desk: Desk, body: bytes) -> None:
        assert JSON.fault(desk.send(JSON, body)) == MALFORMED['json']

    @pytest.mark.parametrize(
        'body',
        [
            b'',
            b'<',
            b'<auth xmlns="http://docs.openstack.org/identity/api/v3"/>',
            b'<access/>',
            b'<auth>text</auth>',
            b'<auth><apiKeyCredentials>text</apiKeyCredentials></auth>',
            b'<a>' * 20000,
            '<auth/>'.encode('utf-16'),
        ],
    )
    def test_unusable_xml(self, desk: Desk, body: bytes) -> None:
        answer = desk.send(wires.Xml(), body)
        assert wires.Xml().fault(answer) == MALFORMED['xml']

    @pytest.mark.parametrize(
        'entity',
        [
            '"ann"',
            'SYSTEM "file:///etc/passwd"',
            '"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"',
        ],
    )
    def test_document_type(self, desk: Desk, entity: str) -> None:
        body = (
            f'<!DOCTYPE auth [<!ENTITY e {entity}>]><auth>'
            '<apiKeyCredentials username="&e;" apiKey="k"/></auth>'
        ).encode()
        answer = desk.send(wires.Xml(), body)
        assert wires.Xml().fault(answer)[:2] == ('badRequest', 400)

    def test_another_type(self, desk: Desk, wire: wires.Wire) -> None:
        body = wire.auth(wires.ROOT, {'username': 'u', 'apiKey': 'k'})
        for kind in ('text/plain', 'text/xml', 'application/x-json'):
            answer = desk.send(wire, body, headers={'Content-Type': kind})
            assert wire.fault(answer)[:2] == ('badMediaType', 415)

    def test_too_long_a_body(self, desk: Desk, wire: wires.Wire) -> None:
        answer = desk.send(wire, b' ' * 65537)
        assert wire.fault(answer)[:2] == ('overLimit', 413)


NAMESPACES = {
    'auth: none': f'<auth>{{}}<k:{{}} xmlns:k="{wires.KEY_NS}" {{}}/></auth>',
    'all: none': '<auth>{}<{} {}/></auth>',
    'typo': '<auth>{}<{} xmlns="http://docs.openstack.org/identity/api/ext/'
    'RAX-KSKEY/v1.0" {}/></auth>',
    'prefixes': f'<a:auth xmlns:a="{wires.IDENTITY_NS}" '
    f'xmlns:k="{wires.KEY_NS}">{{}}<k:{{}} {{}}/></a:auth>',
    'foreign attribute': f'<auth>{{}}<k:{{}} xmlns:k="{wires.KEY_NS}" '
    'xmlns:o="o" o:apiKey="x" {}/></auth>',
}


@pytest.mark.parametrize('text', NAMESPACES.values(), ids=NAMESPACES)
def test_namespaces_that_are_taken(
    desk: Desk, ann: Person, key: str, text: str
) -> None:
    foreign = '<other xmlns="urn:other" username="eve">any</other>'
    members = f'username="{ann.name}" apiKey="{key}"'
    for before in ('', ' \n', foreign):
        body = text.format(before, 'apiKeyCredentials', members).encode()
        assert tenant_of(wires.Xml(), desk.send(wires.Xml(), body)) == 'abacus'


@pytest.mark.parametrize(
    'namespace',
    [wires.IDENTITY_NS, 'urn:other', wires.KEY_NS.replace('v1.0', 'v2.0')],
)
def test_key_in_another_namespace_is_none(
    desk: Desk, ann: Person, key: str, namespace: str
) -> None:
    body = (
        f'<auth><apiKeyCredentials xmlns="{namespace}" '
        f'username="{ann.name}" apiKey="{key}"/></auth>'
    ).encode()
    answer = desk.send(wires.Xml(), body)
    assert wires.Xml().fault(answer)[:2] == ('badRequest', 400)


@pytest.mark.parametrize('name', ['APIKeyCredentials', 'apiKeyCredentials'])
def test_spelling_is_exact(
    desk: Desk, ann: Person, key: str, name: str
) -> None:
    auth = {name: {'username': ann.name, 'apiKey': key}}
    answer = desk.send(JSON, json.dumps({'auth': auth}).encode())
    assert JSON.fault(answer)[:2] == ('badRequest', 400)


def test_foreign_characters_sign_in(
    desk: Desk, cloud: Cloud, wire: wires.Wire
) -> None:
    user = cloud.person(f'ürs <ö&"\'> {uuid.uuid4().hex}')
    body = wires.Json().write(username=user.name, apiKey='<ключ&"\'> ü' * 2)
    front.ask(desk.web, JSON, 'POST', wires.key(user.id), cloud.admin, body)
    answer = desk.sign_in(wire, user.name, '<ключ&"\'> ü' * 2)
    assert wire.access(answer)['user']['name'] == user.name


@pytest.mark.parametrize(
    ('path', 'accept', 'answered'),
    [
        (TOKENS, None, JSON),
        (TOKENS, '*/*', JSON),
        (TOKENS, 'text/html', JSON),
        (TOKENS, 'application/xml', wires.Xml()),
        (f'{TOKENS}.xml', 'application/json', wires.Xml()),
        (f'{TOKENS}.json', 'application/xml', JSON),
        (f'{TOKENS}/', 'application/xml', wires.Xml()),
        (f'{TOKENS}/.xml', None, wires.Xml()),
        (f'{TOKENS}.xml/', None, wires.Xml()),
    ],
)
def test_format_of_the_answer(
    desk: Desk,
    wire: wires.Wire,
    ann: Person,
    key: str,
    path: str,
    accept: str | None,
    answered: wires.Wire,
) -> None:
    members = {'username': ann.name, 'apiKey': key}
    headers = {'Content-Type': f'{wire.media_type}; charset=UTF-8'}
    answer = desk.web.post(
        path,
        wire.auth(wires.ROOT, members),
        headers=headers | ({'Accept': accept} if accept else {}),
    )
    assert answered.access(answer)['user']['id'] == ann.id


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'PATCH'])
@pytest.mark.parametrize('path', [TOKENS, f'{TOKENS}/', f'{TOKENS}.xml'])
def test_other_methods(desk: Desk, method: str, path: str) -> None:
    answer = desk.web.request(path, method=method, status=405)
    assert answer.headers['Allow'] == 'POST, DELETE'
    kind = 'application/xml' if path.endswith('.xml') else 'application/json'
    assert answer.headers['Content-Type'] == kind


def test_empty_token_does_not_matter(
    desk: Desk, wire: wires.Wire, ann: Person, key: str
) -> None:
    members = {'username': ann.name, 'apiKey': key}
    body = wire.auth(wires.ROOT, members)
    for token in ('', 'nonsense'):
        answer = desk.send(wire, body, headers={'X-Auth-Token': token})
        assert answer.status_int == 200


OUTSIDE: list[dict[str, Any]] = [
    {'headers': {'Remote-User': 'admin', 'X-Remote-User': 'admin'}},
    {'extra_environ': {'REMOTE_USER': 'admin', 'REMOTE_DOMAIN': 'Default'}},
]


@pytest.mark.parametrize('outside', OUTSIDE, ids=['header', 'environ'])
def test_remote_user_from_outside_is_ignored(
    desk: Desk, wire: wires.Wire, ann: Person, key: str, outside: Any
) -> None:
    for kind, secret in ((wires.ROOT, 'apiKey'), (wires.PASSWORD, 'password')):
        right = key if kind == wires.ROOT else 'secret'
        members = {'username': ann.name, secret: right}
        answer = desk.send(wire, wire.auth(kind, members), **outside)
        assert wire.access(answer)['user']['id'] == ann.id
        members[secret] = 'wrong'
        answer = desk.send(wire, wire.auth(kind, members), **outside)
        assert answer.status_int == 401


def test_what_keystone_is_asked_holds_nothing_of_the_client(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    seen = Seen(cloud.app)
    desk = Desk(tmp_path / 'keymw', cloud, app=seen)
    body = JSON.auth(
        wires.ROOT, {'username': ann.name, 'apiKey': desk.key_of(ann)}
    )
    seen.environs.clear()
    more: Any = {
        'headers': {'X-Auth-Token': 'mine', 'X-Subject-Token': 'mine'},
        'extra_environ': {'REMOTE_USER': 'admin', 'mine': 'mine'},
    }
    assert desk.send(JSON, body, **more).status_int == 200
    issued = [e for e in seen.environs if e['REQUEST_METHOD'] == 'POST']
    assert {e['REMOTE_USER'] for e in issued} == {ann.name}
    assert not any('mine' in map(str, e.values()) for e in seen.environs)


KEY_LIKE = '0123456789abcdef' * 2


@pytest.mark.parametrize('forwards', [True, False])
def test_password_that_looks_like_a_key(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    wire: wires.Wire,
    ann: Person,
    forwards: bool,
) -> None:
    options = {'kskey': {'forward_key_like_passwords': str(forwards)}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    for password, passes in (
        (KEY_LIKE, forwards),
        (KEY_LIKE.upper(), True),
        (KEY_LIKE[1:], True),
        (f'{KEY_LIKE}0', True),
        (f'{KEY_LIKE}\n', True),
    ):
        members = {'username': ann.name, 'password': password}
        desk.between.asked.clear()
        answer = desk.send(wire, wire.auth(wires.PASSWORD, members))
        assert answer.status_int == 401
        assert bool(desk.between.count('POST .*')) is passes
        assert (wire.fault(answer) == WRONG) is not passes


def test_key_like_password_that_is_right_needs_the_option(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    cloud.make('user', name=KEY_LIKE, password=KEY_LIKE)
    members = {'username': KEY_LIKE, 'password': KEY_LIKE}
    body = JSON.auth(wires.PASSWORD, members)
    options: Options = {'kskey': {'forward_key_like_passwords': 'true'}}
    desk = Desk(tmp_path / 'a', cloud, options)
    assert desk.send(JSON, body).status_int == 200
    assert Desk(tmp_path / 'b', cloud).send(JSON, body).status_int == 401


def test_keys_are_there_without_the_rest_of_v2(
    tmp_path: pathlib.Path, cloud: Cloud, wire: wires.Wire, ann: Person
) -> None:
    options: Options = {'kskey': {'serve_v2': 'false'}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    answer = desk.sign_in(wire, ann.name, desk.key_of(ann))
    assert tenant_of(wire, answer) == 'abacus'
    members = {'username': ann.name, 'password': 'secret'}
    answer = desk.send(wire, wire.auth(wires.PASSWORD, members))
    assert 'html' in answer.text or answer.status_int == 400
    assert 'html' in desk.admin('GET', '/v2.0/tenants').text


def test_without_service_user_logins_are_off(
    tmp_path: pathlib.Path, cloud: Cloud, wire: wires.Wire, ann: Person
) -> None:
    options: Options = {'identity': {'service_user': ''}}
    desk = Desk(tmp_path / 'keymw', cloud, options)
    for _ in range(2):
        answer = desk.sign_in(wire, ann.name, desk.key_of(ann))
        assert wire.fault(answer) == (
            'identityFault',
            501,
            'Login with an API key is off here.',
        )
    assert desk.v1_0(ann.name, 'k').status_int == 404
    user = {'id': ann.id}
    assert desk.v3(user, 'k').status_int in (400, 401)


def test_many_at_once(desk: Desk, ann: Person, key: str) -> None:
    def sign_in(number: int) -> tuple[int, str | None]:
        secret = key if number % 5 else 'wrong'
        answer = desk.sign_in(JSON, ann.name, secret, tenantName='demo')
        if answer.status_int != 200:
            return answer.status_int, None
        return 200, JSON.access(answer)['user']['id']

    with futures.ThreadPoolExecutor(10) as pool:
        found = list(pool.map(sign_in, range(50)))
    assert found == [
        (200, ann.id) if number % 5 else (401, None) for number in range(50)
    ]


@pytest.fixture(scope='module')
def home(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Files of keymw."""
    made = Deployment(tmp_path_factory.mktemp('login-v2'))
    made.set_up()
    return made


class TestPipelineOfV2:
    """Before a service that speaks v2.0 itself."""

    @pytest.fixture
    def pipeline(self) -> PipelineV2:
        return PipelineV2()

    @pytest.fixture
    def between(self, pipeline: PipelineV2) -> Between:
        return Between(pipeline)

    @pytest.fixture
    def web(self, home: Deployment, between: Between) -> Any:
        home.write_conf({})
        return home.web(between)

    @pytest.fixture
    def cy(self, pipeline: PipelineV2) -> Account:
        tenants = (
            Project('3', 'abacus', enabled=False),
            Project('5', 'zebra'),
            Project('4', 'demo'),
        )
        return pipeline.account('cy', 'member', tenants=tenants)

    @pytest.fixture
    def login(
        self,
        web: Any,
        home: Deployment,
        pipeline: PipelineV2,
        cy: Account,
        wire: wires.Wire,
    ) -> Any:
        """Sign in with the key, for a tenant."""
        admin = pipeline.token(pipeline.account('root', 'admin'))
        answer = front.ask(web, JSON, 'POST', wires.reset(cy.id), admin)
        _, key = JSON.key(answer)
        settle(home.home, cy.id)

        def send(secret: str = key, **tenant: str) -> Any:
            members = {'username': 'cy', 'apiKey': secret}
            body = wire.auth(wires.ROOT, members, **tenant)
            return front.ask(web, wire, 'POST', TOKENS, None, body)

        return send

    @pytest.mark.parametrize(
        ('tenant', 'name'),
        [
            ({'tenantId': '4'}, 'demo'),
            ({'tenantName': 'zebra'}, 'zebra'),
            ({}, 'demo'),
        ],
    )
    def test_its_own_answer_with_our_method(
        self, login: Any, wire: wires.Wire, tenant: Any, name: str
    ) -> None:
        answer = login(**tenant)
        assert tenant_of(wire, answer) == name
        found = wire.access(answer)
        assert found['token'][wires.METHODS] == ['APIKEY']
        assert found['user']['roles'] == [{'name': 'member'}]

    def test_a_method_it_tells_is_kept(
        self, login: Any, pipeline: PipelineV2, wire: wires.Wire
    ) -> None:
        pipeline.adds = {wires.METHODS: ['RSAKEY', 'PASSCODE']}
        found = wire.access(login())['token'][wires.METHODS]
        assert found == ['RSAKEY', 'PASSCODE']

    def test_default_tenant(
        self, login: Any, cy: Account, wire: wires.Wire
    ) -> None:
        cy.default = cy.tenants[1]
        assert tenant_of(wire, login()) == 'zebra'

    def test_unscoped_only_without_any(
        self, login: Any, cy: Account, wire: wires.Wire
    ) -> None:
        cy.tenants = ()
        assert tenant_of(wire, login()) is None

    @pytest.mark.parametrize('asked', ['abacus', 'none'])
    def test_tenant_that_is_not_theirs(
        self, login: Any, cy: Account, wire: wires.Wire, asked: str
    ) -> None:
        user = Person(cy.id, 'cy')
        answer = login(tenantName=asked)
        assert wire.fault(answer) == not_valid(asked, user)

    def test_tenant_that_it_forbids(
        self, login: Any, between: Between, cy: Account, wire: wires.Wire
    ) -> None:
        """As a Keystone of 2012 says that a tenant is disabled."""
        login()
        between.instead('POST .*', [fault(403, 'tenantDisabled')])
        answer = login(tenantName='demo')
        assert wire.fault(answer) == not_valid('demo', Person(cy.id, 'cy'))

    def test_wrong_key(self, login: Any, wire: wires.Wire) -> None:
        assert wire.fault(login('wrong')) == WRONG

    def test_disabled_user(
        self, login: Any, cy: Account, wire: wires.Wire
    ) -> None:
        cy.enabled = False
        assert wire.fault(login('wrong')) == WRONG
        told = ('userDisabled', 403, "User 'cy' is disabled.")
        assert wire.fault(login()) == told

    def test_token_of_somebody_else(
        self,
        login: Any,
        pipeline: PipelineV2,
        between: Between,
        wire: wires.Wire,
    ) -> None:
        login()
        eve = pipeline.account('eve')
        _, access = pipeline.tokens[pipeline.token(eve)]
        between.instead('POST .*', [reply(200, {'access': access})])
        assert wire.fault(login()) == WRONG

    @pytest.mark.parametrize(
        'answer',
        [reply(500), reply(200, {}), reply(404, b'<html>'), reply(429)],
        ids=['500', 'empty', 'page', '429'],
    )
    def test_outage(
        self, login: Any, between: Between, wire: wires.Wire, answer: Any
    ) -> None:
        login()
        between.instead('POST .*', [answer])
        found = login()
        assert wire.fault(found)[:2] == ('serviceUnavailable', 503)
        assert found.headers['Retry-After'] == '5'

    @pytest.mark.parametrize('body', [b'{"auth": {', b'<auth', b'\xff'])
    def test_login_that_cannot_be_read_is_answered_here(
        self, web: Any, between: Between, wire: wires.Wire, body: bytes
    ) -> None:
        # The service might read it as a login with a key.
        answer = front.ask(web, wire, 'POST', TOKENS, None, body)
        assert wire.fault(answer)[:2] == ('badRequest', 400)
        assert between.count(f'POST {TOKENS}') == 0

    @pytest.mark.parametrize('known', [False, True])
    @pytest.mark.parametrize(
        ('kind', 'body'),
        [
            ('json', b'{"auth": {"passwordCredentials": {"username": "x"}}}'),
            ('json', b'{"auth": {"token": {"id": "x"}, "more": 1}}'),
            ('json', b'{"auth": {"OS-KSEC2:ec2Credentials": {}}}'),
            ('json', b'{ "auth":{} }'),
            ('json', b'{"other": {}}'),
            ('xml', b'<auth> <passwordCredentials username="x"/></auth>'),
            ('x-www-form-urlencoded', b'auth=1'),
        ],
    )
    def test_other_logins_pass_untouched(
        self, home: Deployment, kind: str, body: bytes, known: bool
    ) -> None:
        said = reply(200, {'passed': 'on'})
        bodies: list[bytes] = []

        def app(environ: Any, start_response: Any) -> Any:
            bodies.append(environ['wsgi.input'].read())
            assert environ['CONTENT_TYPE'] == f'application/{kind}'
            return said(environ, start_response)

        options: Options = {'identity': {'api_version': 'v2.0'}}
        home.write_conf(options if known else {})
        web = home.web(app)
        for path in (TOKENS, f'{TOKENS}.xml', f'{TOKENS}/'):
            answer = web.post(path, body, content_type=f'application/{kind}')
            assert answer.json == {'passed': 'on'}
        assert bodies == [body] * 3
