"""GET /v1.0 and POST /v1.1/auth (contract, 8)."""

import pathlib
from typing import Any
from urllib.parse import quote
import uuid

from lxml import etree
import pytest

from keymw.storage.sql.credentials import SqlCredentials
from tests.support import front
from tests.support import wire as wires
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Options
from tests.support.login import JSON
from tests.support.login import V1_1
from tests.support.login import Desk
from tests.support.login import Rewritten
from tests.support.pass_through import Wrapped

NS = 'http://docs.rackspacecloud.com/auth/api/v1.1'
TEXT = 'text/plain; charset=UTF-8'
BAD = 'Bad username or password\n'
XML = 'application/xml'
WRONG = 'Username or api key is invalid.'


def endpoint(interface: str, region: str, url: str) -> dict[str, str]:
    return {
        'interface': interface,
        'region': region,
        'region_id': region,
        'url': url,
    }


FILES = {
    'type': 'object-store',
    'name': 'cloudFiles',
    'endpoints': [
        endpoint('admin', 'ORD', 'http://admin.files'),
        endpoint('public', 'ORD', 'http://ord.files/v1/t'),
        endpoint('internal', 'ORD', 'http://in.files/v1/t'),
        endpoint('public', 'IAD', 'http://iad.files/v1/t'),
    ],
}
SERVERS = {
    'type': 'compute',
    'name': 'cloudServersOpenStack',
    'endpoints': [endpoint('public', 'ORD', 'http://servers/v2')],
}
CDN = {
    'type': 'rax:object-cdn',
    'name': 'cloudFilesCDN',
    'endpoints': [endpoint('public', 'ORD', 'http://cdn/v1/t')],
}
INSIDE = {
    'type': 'compute',
    'name': 'inside',
    'endpoints': [endpoint('internal', 'ORD', 'http://inside')],
}
VARY = 'X-Auth-User, X-Auth-Key, X-Storage-User, X-Storage-Pass, X-Auth-Token'
URLS = ('X-Storage-Url', 'X-CDN-Management-Url', 'X-Server-Management-Url')


class Catalogue:
    """What every token holds."""

    def __init__(self) -> None:
        self.services: list[dict[str, Any]] = []

    def change(self, token: dict[str, Any]) -> None:
        token['catalog'] = self.services


@pytest.fixture(scope='module')
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(autouse=True)
def whole(catalogue: Catalogue) -> None:
    catalogue.services = [FILES, INSIDE, SERVERS, CDN]


@pytest.fixture(scope='module')
def desk(
    tmp_path_factory: pytest.TempPathFactory,
    cloud: Cloud,
    catalogue: Catalogue,
) -> Desk:
    app = Rewritten(cloud.app, catalogue.change)
    home = tmp_path_factory.mktemp('legacy') / 'keymw'
    return Desk(home, cloud, V1_1, app)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture(scope='module')
def key(desk: Desk, ann: Person) -> str:
    return desk.key_of(ann)


class TestV10:
    """The response is all in headers."""

    def ask(
        self,
        desk: Desk,
        path: str = '/v1.0',
        method: str = 'GET',
        **headers: str,
    ) -> Any:
        return desk.web.request(
            path,
            method=method,
            headers={k.replace('_', '-'): v for k, v in headers.items()},
            expect_errors=True,
        )

    def test_headers(
        self, desk: Desk, cloud: Cloud, ann: Person, key: str
    ) -> None:
        answer = desk.v1_0(ann.name, key)
        found = answer.headers
        assert answer.status_int == 204
        assert answer.body == b''
        assert 'Content-Type' not in found
        token = found['X-Auth-Token']
        assert found['X-Storage-Token'] == token
        assert [found[name] for name in URLS] == [
            'http://ord.files/v1/t',
            'http://cdn/v1/t',
            'http://servers/v2',
        ]
        projects = cloud.ask('GET', '/v3/auth/projects', token=token).json
        assert projects['projects'][0]['name'] == 'demo'

    def test_no_cache_may_keep_any_answer(
        self, desk: Desk, ann: Person, key: str
    ) -> None:
        desk.between.instead('GET /v3/users/.*', [reply(500)])
        answers = [
            desk.v1_0(ann.name, key),
            desk.v1_0(ann.name, key),
            desk.v1_0(ann.name, 'wrong'),
            desk.web.get('/v1.0', expect_errors=True),
            desk.web.post('/v1.0', expect_errors=True),
        ]
        desk.between.step_aside()
        statuses = [answer.status_int for answer in answers]
        assert statuses == [503, 204, 401, 401, 405]
        for answer in answers:
            assert answer.headers.getall('Cache-Control') == ['no-store']
            assert answer.headers.getall('Vary') == [VARY]

    def test_percent_encoded_name(
        self, desk: Desk, cloud: Cloud, zoe: Person
    ) -> None:
        odd = cloud.person(f'ödd + {zoe.name}')
        key, quoted = desk.key_of(odd), quote(odd.name)
        assert desk.v1_0(quoted, key).status_int == 204
        assert desk.v1_0(quoted, 'wrong').status_int == 401
        assert desk.v1_0(quote(quoted), key).status_int == 401
        assert desk.v1_0(odd.name.replace(' ', '+'), key).status_int == 401

    def test_name_is_taken_as_it_comes_first(
        self, desk: Desk, cloud: Cloud, zoe: Person
    ) -> None:
        plain = cloud.person(f'{zoe.name} x')
        literal = cloud.person(f'{zoe.name}%20x')
        keys = [desk.key_of(plain), desk.key_of(literal)]
        assert desk.v1_0(literal.name, keys[1]).status_int == 204
        assert desk.v1_0(literal.name, keys[0]).status_int == 401

    @pytest.mark.parametrize(
        'name', ['%', '%zz', '%ff', '%00', 'a%0ab', 'plain']
    )
    def test_name_that_does_not_decode_is_nobodys(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        sought = []

        def find(_store: Any, _domain_id: str, sought_name: str) -> None:
            sought.append(sought_name)

        monkeypatch.setattr(SqlCredentials, 'find', find)
        assert desk.v1_0(name, 'k' * 32).status_int == 401
        assert sought == [name]

    @pytest.mark.parametrize('encode', [str, quote])
    def test_key_is_taken_as_it_comes(
        self, desk: Desk, cloud: Cloud, zoe: Person, encode: Any
    ) -> None:
        key = 'per%20cent / and more'
        body = JSON.write(username=zoe.name, apiKey=key)
        path = wires.base(zoe.id)
        front.ask(desk.web, JSON, 'POST', path, cloud.admin, body)
        status = 204 if encode is str else 401
        assert desk.v1_0(zoe.name, encode(key)).status_int == status

    @pytest.mark.parametrize('gone', range(3))
    def test_service_that_the_catalogue_lacks(
        self,
        desk: Desk,
        ann: Person,
        key: str,
        catalogue: Catalogue,
        gone: int,
    ) -> None:
        services = [FILES, CDN, SERVERS]
        del services[gone]
        catalogue.services = services
        found = desk.v1_0(ann.name, key).headers
        there = [name for name in URLS if name in found]
        assert there == [u for n, u in enumerate(URLS) if n != gone]

    def test_service_without_a_public_url(
        self, desk: Desk, ann: Person, key: str, catalogue: Catalogue
    ) -> None:
        catalogue.services = [INSIDE]
        answer = desk.v1_0(ann.name, key)
        assert answer.status_int == 204
        assert not set(URLS) & set(answer.headers)

    def test_services_are_settings_by_type_or_name(
        self, tmp_path: pathlib.Path, cloud: Cloud, ann: Person, catalogue: Any
    ) -> None:
        options: Options = {
            'kskey': {
                'storage_service': 'compute',
                'cdn_service': 'cloudFiles',
                'servers_service': 'none',
            }
        }
        app = Rewritten(cloud.app, catalogue.change)
        desk = Desk(tmp_path / 'keymw', cloud, options, app)
        found = desk.v1_0(ann.name, desk.key_of(ann)).headers
        assert found['X-Storage-Url'] == 'http://servers/v2'
        assert found['X-CDN-Management-Url'] == 'http://ord.files/v1/t'
        assert 'X-Server-Management-Url' not in found

    def test_storage_names(self, desk: Desk, ann: Person, key: str) -> None:
        mine = {'X_Storage_User': ann.name, 'X_Storage_Pass': key}
        assert self.ask(desk, **mine).status_int == 204
        # They count only where there is no X-Auth-User.
        assert self.ask(desk, X_Auth_User='', **mine).status_int == 204
        assert self.ask(desk, X_Auth_User='x', **mine).status_int == 401
        mixed = self.ask(desk, X_Auth_User=ann.name, X_Storage_Pass=key)
        assert mixed.status_int == 401

    @pytest.mark.parametrize(
        'headers',
        [
            {},
            {'X_Auth_User': 'x'},
            {'X_Auth_Key': 'x'},
            {'X_Auth_User': '', 'X_Auth_Key': ''},
            {'X_Auth_User': 'x', 'X_Auth_Key': 'y' * 10240},
            {'X_Auth_User': '\xff', 'X_Auth_Key': '\xff'},
            {'X_Storage_User': 'x', 'X_Storage_Pass': 'x'},
        ],
    )
    def test_refusal(self, desk: Desk, headers: dict[str, str]) -> None:
        for accept in ('*/*', XML, 'application/json'):
            answer = self.ask(desk, Accept=accept, **headers)
            assert answer.status_int == 401
            assert answer.headers['Content-Type'] == TEXT
            assert answer.text == BAD

    @pytest.mark.parametrize('path', ['/v1.0', '/v1.0/'])
    def test_paths_and_head(
        self, desk: Desk, ann: Person, key: str, path: str
    ) -> None:
        mine = {'X_Auth_User': ann.name, 'X_Auth_Key': key}
        assert self.ask(desk, path, **mine).status_int == 204
        assert self.ask(desk, path, 'HEAD', **mine).status_int == 204
        for method in ('POST', 'PUT', 'DELETE'):
            answer = self.ask(desk, path, method, **mine)
            assert answer.status_int == 405
            assert answer.headers['Allow'] == 'GET, HEAD'
            assert answer.headers['Content-Type'] == TEXT

    def test_name_in_utf8(self, desk: Desk, cloud: Cloud) -> None:
        user = cloud.person(f'ü{uuid.uuid4().hex}')
        name = user.name.encode().decode('latin-1')
        answer = desk.v1_0(name, desk.key_of(user))
        assert answer.status_int == 204

    def test_off(self, tmp_path: pathlib.Path, cloud: Cloud) -> None:
        options: Options = {'kskey': {'serve_v1_0': 'false'}}
        desk = Desk(tmp_path / 'keymw', cloud, options, Wrapped())
        assert desk.v1_0('x', 'y').body == b'wrapped'


@pytest.mark.parametrize('url', ['http://x/\r\nX-Evil: 1', 'http://x/€', ''])
def test_url_that_no_header_can_hold_gives_none(
    desk: Desk, ann: Person, key: str, catalogue: Catalogue, url: str
) -> None:
    broken = {**FILES, 'endpoints': [endpoint('public', 'ORD', url)]}
    catalogue.services = [broken, SERVERS]
    answer = desk.v1_0(ann.name, key)
    assert answer.status_int == 204
    assert 'X-Storage-Url' not in answer.headers
    assert 'X-Evil' not in answer.headers
    assert 'X-Server-Management-Url' in answer.headers


class TestV11:
    """The small one, which is off by default."""

    @pytest.fixture(params=['json', 'xml'])
    def login(self, request: Any, desk: Desk) -> Any:
        """Sign in, in a format: status, name, members, services."""
        accept = f'application/{request.param}'

        def send(username: str, key: str) -> Any:
            if request.param == 'json':
                body = (
                    f'{{"credentials": {{"username": "{username}", '
                    f'"key": "{key}"}}}}'
                )
            else:
                body = (
                    f'<credentials xmlns="{NS}" username="{username}" '
                    f'key="{key}"/>'
                )
            return desk.web.post(
                '/v1.1/auth',
                body.encode(),
                headers={'Accept': accept, 'Content-Type': accept},
                expect_errors=True,
            )

        return send

    def shown(self, answer: Any) -> tuple[Any, Any]:
        """The token, and the endpoints by their service."""
        if answer.headers['Content-Type'] == 'application/json':
            auth = answer.json['auth']
            return auth['token'], auth['serviceCatalog']
        root = etree.fromstring(answer.body)
        assert root.tag == f'{{{NS}}}auth'
        token, catalogue = root
        services = {
            str(one.get('name')): [
                dict(e.attrib)
                | ({'v1Default': True} if 'v1Default' in e.attrib else {})
                for e in one
            ]
            for one in catalogue
        }
        return dict(token.attrib), services

    def test_answer(
        self, login: Any, cloud: Cloud, ann: Person, key: str
    ) -> None:
        answer = login(ann.name, key)
        assert answer.status_int == 200
        token, services = self.shown(answer)
        assert sorted(token) == ['expires', 'id']
        assert cloud.ask('GET', '/v3/auth/projects', token=token['id'])
        assert services['cloudFiles'] == [
            {
                'publicURL': 'http://ord.files/v1/t',
                'internalURL': 'http://in.files/v1/t',
                'region': 'ORD',
                'v1Default': True,
            },
            {'publicURL': 'http://iad.files/v1/t', 'region': 'IAD'},
        ]
        assert list(services) == [
            'cloudFiles',
            'inside',
            'cloudServersOpenStack',
            'cloudFilesCDN',
        ]

    def fault(self, answer: Any) -> tuple[str, int, str]:
        if answer.headers['Content-Type'] == 'application/json':
            ((name, said),) = answer.json.items()
            return name, said['code'], said['message']
        root = etree.fromstring(answer.body)
        qname = etree.QName(root)
        assert qname.namespace == NS
        (message,) = root
        assert message.tag == f'{{{NS}}}message'
        return qname.localname, int(str(root.get('code'))), message.text or ''

    def test_wrong_key(self, login: Any, ann: Person) -> None:
        answer = login(ann.name, 'wrong')
        assert self.fault(answer) == ('unauthorized', 401, WRONG)

    def test_disabled_user(
        self, login: Any, desk: Desk, cloud: Cloud, zoe: Person
    ) -> None:
        key = desk.key_of(zoe)
        cloud.change('user', zoe.id, enabled=False)
        message = f"User '{zoe.name}' is disabled."
        told = self.fault(login(zoe.name, key))
        assert told == ('userDisabled', 403, message)

    @pytest.mark.parametrize(
        ('username', 'key', 'message'),
        [
            ('', '', 'Expecting apiKey'),
            ('x', ' ', 'Expecting apiKey'),
            ('', 'x', 'Expecting username'),
        ],
    )
    def test_missing(
        self, login: Any, username: str, key: str, message: str
    ) -> None:
        told = self.fault(login(username, key))
        assert told == ('badRequest', 400, message)

    def send(
        self, desk: Desk, kind: str, body: str, method: str = 'POST'
    ) -> Any:
        headers = {
            'Accept': f'application/{kind}',
            'Content-Type': f'application/{kind}',
        }
        return desk.web.request(
            '/v1.1/auth',
            method=method,
            body=body.encode(),
            headers=headers,
            expect_errors=True,
        )

    @pytest.mark.parametrize(
        'body',
        [
            '',
            '{',
            '[]',
            '{}',
            '{"auth": {}}',
            '{"credentials": []}',
            '{"credentials": {"username": 1, "key": "k"}}',
            '{"credentials": {"username": "u", "apiKey": "k"}}',
            '{"credentials": {"username": "u", "key": "k"}, "x": 1}',
            '[' * 10000,
        ],
        ids=range(10),
    )
    def test_bad_json(self, desk: Desk, body: str) -> None:
        told = self.fault(self.send(desk, 'json', body))
        assert told == ('badRequest', 400, 'malformed JSON')

    @pytest.mark.parametrize(
        'body',
        ['', '<', '<auth/>', '<credentials xmlns="urn:x" key="k"/>'],
    )
    def test_bad_xml(self, desk: Desk, body: str) -> None:
        told = self.fault(self.send(desk, 'xml', body))
        assert told == ('badRequest', 400, 'Invalid XML')

    def test_document_type(self, desk: Desk) -> None:
        body = f'<!DOCTYPE x><credentials xmlns="{NS}" username="u" key="k"/>'
        assert self.fault(self.send(desk, 'xml', body))[1] == 400

    @pytest.mark.parametrize(
        'namespace', [NS, NS.replace('http', 'https'), '']
    )
    def test_namespaces(
        self, desk: Desk, ann: Person, key: str, namespace: str
    ) -> None:
        body = (
            f'<credentials xmlns="{namespace}" username="{ann.name}" '
            f'key="{key}"/>'
        )
        assert self.send(desk, 'xml', body).status_int == 200

    @pytest.mark.parametrize('kind', ['password', 'mosso', 'nast'])
    def test_credentials_of_administrators(
        self, desk: Desk, kind: str
    ) -> None:
        name = f'{kind}Credentials'
        for format_, body in (
            ('json', f'{{"{name}": {{"username": "u", "password": "p"}}}}'),
            ('xml', f'<{name} xmlns="{NS}" username="u" password="p"/>'),
        ):
            answer = self.send(desk, format_, body)
            assert answer.status_int == 302
            assert answer.headers['Location'].endswith('/v1.1/auth-admin')

    def test_other_methods(self, desk: Desk) -> None:
        answer = self.send(desk, 'json', '', 'PUT')
        assert self.fault(answer)[:2] == ('authFault', 405)
        assert answer.headers['Allow'] == 'POST'

    @pytest.mark.parametrize(
        ('options', 'path', 'passes'),
        [
            (None, '/v1.1/auth', True),
            (V1_1, '/v1.1/auth', False),
            (V1_1, '/v1.1/auth/', False),
            (V1_1, '/v1.1/auth-admin', True),
            (V1_1, '/v1.1/users/x', True),
            (V1_1, '/v1.1', True),
        ],
    )
    def test_what_is_ours(
        self,
        deploy: Any,
        options: Options | None,
        path: str,
        passes: bool,
    ) -> None:
        answer = deploy(Wrapped(), options).post(
            path, b'{', content_type='application/json', expect_errors=True
        )
        assert (answer.body == b'wrapped') is passes
