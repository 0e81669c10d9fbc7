"""POST /v3/auth/tokens with the method api_key; all else is Keystone's."""

import json
import pathlib
from typing import Any
import uuid

import pytest

from tests.support import pass_through
from tests.support.between import reply
from tests.support.cloud import DEFAULT
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.login import Desk
from tests.support.pass_through import Wrapped

PATH = '/v3/auth/tokens'
PASSWORD = {'user': {'name': 'admin', 'domain': DEFAULT, 'password': 'secret'}}
SIGN_IN = {'identity': {'methods': ['password'], 'password': PASSWORD}}


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    return Desk(tmp_path_factory.mktemp('v3') / 'keymw', cloud)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture(scope='module')
def key(desk: Desk, ann: Person) -> str:
    return desk.key_of(ann)


@pytest.fixture(scope='module')
def ian(cloud: Cloud) -> Person:
    """A user with a role on every kind of scope."""
    made = cloud.with_role('member')
    role = cloud.role('member')
    for on in ('domains/default', 'system'):
        path = f'/v3/{on}/users/{made.id}/roles/{role}'
        cloud.ask('PUT', path, status=204)
    return made


@pytest.fixture(scope='module')
def his(desk: Desk, ian: Person) -> str:
    return desk.key_of(ian)


@pytest.fixture(scope='module')
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = Deployment(tmp_path_factory.mktemp('v3-raw'))
    made.set_up()
    return made


def message(answer: Any) -> str:
    """The message of a fault in the shape of v3."""
    assert answer.headers['Content-Type'] == 'application/json'
    error = answer.json['error']
    assert sorted(error) == ['code', 'message', 'title']
    assert error['code'] == answer.status_int
    return str(error['message'])


@pytest.mark.parametrize(
    'domain', [{'id': 'default'}, {'name': 'Default'}, None]
)
def test_user_by_id_or_name(
    desk: Desk, ann: Person, key: str, domain: Any
) -> None:
    user: Any = {'id': ann.id}
    if domain:
        user = {'name': ann.name, 'domain': domain}
    answer = desk.v3(user, key)
    assert answer.status_int == 201
    assert answer.json['token']['user']['id'] == ann.id


def test_login_is_found_behind_escapes(
    desk: Desk, ann: Person, key: str
) -> None:
    method = {'user': {'id': ann.id}, 'secret': key}
    identity = {'methods': ['api_key'], 'api_key': method}
    body = json.dumps({'auth': {'identity': identity}})
    hidden = body.replace('_', '\\u005f').replace('methods', 'm\\u0065thods')
    answer = desk.web.post(PATH, hidden, content_type='application/json')
    assert answer.json['token']['methods'] == ['api_key']


def test_user_of_another_domain_by_its_names(desk: Desk, cloud: Cloud) -> None:
    domain_id = cloud.domain()
    name = cloud.ask('GET', f'/v3/domains/{domain_id}').json['domain']['name']
    user = cloud.person(f'ü {uuid.uuid4().hex}', domain_id)
    key = desk.key_of(user)
    for domain in ({'id': domain_id}, {'name': name}):
        answer = desk.v3({'name': user.name, 'domain': domain}, key)
        assert answer.json['token']['user']['id'] == user.id
    for domain in ({'id': name}, {'name': domain_id}, {'name': 'a&name=b'}):
        answer = desk.v3({'name': user.name, 'domain': domain}, key)
        assert answer.status_int == 401


@pytest.mark.parametrize(
    'name', ['', ' ', 'd' * 64, 'd' * 65, 'd' * 9999, '\0']
)
def test_domain_of_no_name_is_one_of_the_wrong_keys(
    desk: Desk, ann: Person, key: str, name: str
) -> None:
    by_id = {'name': ann.name, 'domain': {'id': 'default'}}
    wrong = desk.v3(by_id, 'wrong')
    answer = desk.v3({'name': ann.name, 'domain': {'name': name}}, key)
    assert (answer.status, answer.body) == (wrong.status, wrong.body)
    assert answer.status_int == 401


def test_names_of_no_domain_cost_keystone_next_to_nothing(
    desk: Desk, bob: Person
) -> None:
    key = desk.key_of(bob)
    good = {'name': bob.name, 'domain': {'name': 'Default'}}
    assert desk.v3(good, key).status_int == 201
    desk.between.asked.clear()
    for number in range(200):
        named = {'name': f'domain {number}'}
        answer = desk.v3({'name': bob.name, 'domain': named}, key)
        assert answer.status_int == 401
    assert len(desk.between.asked) <= 5
    asked = len(desk.between.asked)
    for _ in range(3):
        desk.v3({'name': bob.name, 'domain': {'name': 'domain 0'}}, key)
    assert len(desk.between.asked) == asked
    assert desk.v3(good, key).status_int == 201


@pytest.mark.parametrize('told', ['truncated', 'other letters'])
def test_keystone_decides_on_a_name_where_its_list_does_not(
    tmp_path: pathlib.Path, cloud: Cloud, bob: Person, told: str
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud)
    key, name = desk.key_of(bob), 'Default'
    listed: dict[str, Any] = {'domains': [], 'truncated': True}
    if told == 'other letters':
        name = 'DEFAULT'
        listed = {'domains': [{'id': 'default', 'name': 'Default'}]}
    by_name = {'domains': [{'id': 'default', 'name': 'Default'}]}
    for _ in range(2):
        answers = [reply(200, listed), reply(200, by_name)]
        desk.between.instead('GET /v3/domains', answers)
        answer = desk.v3({'name': bob.name, 'domain': {'name': name}}, key)
        assert answer.status_int == 201
    assert desk.between.count('GET /v3/domains') == 2


def test_answer_is_keystones_own(
    desk: Desk, cloud: Cloud, ann: Person, key: str
) -> None:
    scope = {'project': {'name': 'demo', 'domain': DEFAULT}}
    answer = desk.v3({'id': ann.id}, key, scope=scope)
    token = answer.headers['X-Subject-Token']
    shown = cloud.web.get(
        PATH, headers={'X-Auth-Token': token, 'X-Subject-Token': token}
    ).json['token']
    assert answer.status_int == 201
    assert shown.pop('methods') == ['external']
    told = answer.json['token']
    assert told.pop('methods') == ['api_key']
    assert told == shown
    assert 'X-Auth-Token' in answer.headers['Vary']
    assert answer.headers['X-Openstack-Request-Id'].startswith('req-')


@pytest.mark.parametrize('accept', ['application/xml', 'text/html', '*/*'])
def test_answer_is_json_whatever_is_accepted(
    desk: Desk, ann: Person, key: str, accept: str
) -> None:
    for secret in (key, 'wrong'):
        method = {'user': {'id': ann.id}, 'secret': secret}
        identity = {'methods': ['api_key'], 'api_key': method}
        answer = desk.web.post_json(
            PATH,
            {'auth': {'identity': identity}},
            headers={'Accept': accept},
            expect_errors=True,
        )
        assert answer.headers['Content-Type'] == 'application/json'
        assert answer.json


class TestScope:
    """A token has exactly the scope of the login."""

    @pytest.mark.parametrize(
        ('scope', 'member'),
        [
            ({'project': {'name': 'demo', 'domain': DEFAULT}}, 'project'),
            (
                {'project': {'name': 'demo', 'domain': {'name': 'Default'}}},
                'project',
            ),
            ({'domain': {'id': 'default'}}, 'domain'),
            ({'domain': {'name': 'Default'}}, 'domain'),
            ({'system': {'all': True}}, 'system'),
        ],
    )
    def test_scoped(
        self, desk: Desk, ian: Person, his: str, scope: Any, member: str
    ) -> None:
        token = desk.v3({'id': ian.id}, his, scope=scope).json['token']
        kinds = {'project', 'domain', 'system'}
        assert kinds & token.keys() == {member}
        assert 'member' in [role['name'] for role in token['roles']]

    def test_project_by_id(
        self, desk: Desk, cloud: Cloud, ian: Person, his: str
    ) -> None:
        id_ = cloud.project('demo')
        answer = desk.v3({'id': ian.id}, his, scope={'project': {'id': id_}})
        assert answer.json['token']['project']['id'] == id_

    def test_trust(
        self, desk: Desk, cloud: Cloud, ian: Person, his: str
    ) -> None:
        giver = cloud.with_role('member')
        trust = cloud.ask(
            'POST',
            '/v3/OS-TRUST/trusts',
            {
                'trust': {
                    'trustor_user_id': giver.id,
                    'trustee_user_id': ian.id,
                    'impersonation': False,
                    'project_id': cloud.project('demo'),
                    'roles': [{'name': 'member'}],
                }
            },
            token=cloud.token_of(giver, 'demo'),
        ).json['trust']
        scope = {'OS-TRUST:trust': {'id': trust['id']}}
        token = desk.v3({'id': ian.id}, his, scope=scope).json['token']
        assert token['OS-TRUST:trust']['id'] == trust['id']

    def test_unscoped(
        self, desk: Desk, cloud: Cloud, ian: Person, his: str
    ) -> None:
        cloud.change('user', ian.id, default_project_id=cloud.project('demo'))
        token = desk.v3({'id': ian.id}, his).json['token']
        assert token['project']['name'] == 'demo'
        token = desk.v3({'id': ian.id}, his, scope='unscoped').json['token']
        assert 'project' not in token

    def test_none_is_chosen_for_them(
        self, desk: Desk, ann: Person, key: str
    ) -> None:
        assert 'project' not in desk.v3({'id': ann.id}, key).json['token']

    @pytest.mark.parametrize(
        ('scope', 'status'),
        [
            ({'domain': {'id': 'default'}}, 401),
            ({'system': {'all': True}}, 401),
            ({'project': {'id': 'none'}}, 401),
            ({'project': {'name': 'demo'}}, 400),
            ('everything', 400),
        ],
    )
    def test_refused_by_keystone(
        self, desk: Desk, ann: Person, key: str, scope: Any, status: int
    ) -> None:
        answer = desk.v3({'id': ann.id}, key, scope=scope)
        assert answer.status_int == status
        assert message(answer)
        # No other caller learns this.
        answer = desk.v3({'id': ann.id}, 'wrong', scope=scope)
        assert message(answer) == 'Username or api key is invalid.'


@pytest.mark.parametrize('scope', [{'project': 5}, ['project'], 5, None])
@pytest.mark.parametrize('secret', ['right', 'wrong'])
def test_what_is_no_scope(
    desk: Desk, ann: Person, key: str, scope: Any, secret: str
) -> None:
    told = key if secret == 'right' else 'wrong'
    answer = desk.v3({'id': ann.id}, told, scope=scope)
    assert answer.status_int == 400
    assert 'scope' in message(answer)


@pytest.mark.parametrize('query', ['?nocatalog', '?nocatalog=1&x=y', ''])
def test_nocatalog(desk: Desk, ann: Person, key: str, query: str) -> None:
    scope = {'project': {'name': 'demo', 'domain': DEFAULT}}
    answer = desk.v3({'id': ann.id}, key, query, scope=scope)
    assert ('catalog' in answer.json['token']) is (query == '')


WHO = {'id': 'x'}
BAD = {
    'password too': ({'methods': ['api_key', 'password']}, 'mixed'),
    'external too': ({'methods': ['external', 'api_key']}, 'mixed'),
    'twice': ({'methods': ['api_key', 'api_key']}, 'mixed'),
    'no part': ({'api_key': None}, 'api_key.secret'),
    'part of a list': ({'api_key': []}, 'Invalid input'),
    'no secret': ({'api_key': {'user': WHO}}, 'api_key.secret'),
    'blank secret': (
        {'api_key': {'user': WHO, 'secret': ' '}},
        'api_key.secret',
    ),
    'number for a secret': (
        {'api_key': {'user': WHO, 'secret': 1}},
        'Invalid input',
    ),
    'unknown member': (
        {'api_key': {'user': WHO, 'secret': 'k', 'apiKey': 'k'}},
        'Invalid input',
    ),
    'no user': ({'api_key': {'secret': 'k'}}, 'an id, or'),
    'nobody': ({'api_key': {'user': {}, 'secret': 'k'}}, 'an id, or'),
    'no domain': (
        {'api_key': {'user': {'name': 'x'}, 'secret': 'k'}},
        'an id, or',
    ),
    'no name': (
        {'api_key': {'user': {'domain': DEFAULT}, 'secret': 'k'}},
        'an id, or',
    ),
    'empty domain': (
        {'api_key': {'user': {'name': 'x', 'domain': {}}, 'secret': 'k'}},
        'Expecting a domain',
    ),
}


@pytest.mark.parametrize(('identity', 'told'), BAD.values(), ids=BAD)
def test_bad_input(desk: Desk, identity: Any, told: str) -> None:
    whole = {'methods': ['api_key'], 'api_key': {'user': WHO, 'secret': 'k'}}
    body = {'auth': {'identity': whole | identity}}
    desk.between.asked.clear()
    answer = desk.web.post_json(PATH, body, status=400)
    assert told in message(answer)
    assert desk.between.asked == []


def test_scope_that_is_null(desk: Desk, ann: Person, key: str) -> None:
    answer = desk.v3({'id': ann.id}, key, scope=None)
    assert answer.status_int == 400
    assert 'scope' in message(answer)


def test_id_counts_before_a_name(desk: Desk, ann: Person, key: str) -> None:
    user = {'id': ann.id, 'name': 'other', 'domain': {'id': 'other'}}
    answer = desk.v3(user, key)
    assert answer.json['token']['user']['id'] == ann.id


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'{',
        b'null',
        b'{"api_key": 1}',
        b'{"auth": {"identity": {"methods": "password of api_key"}}}',
        b'{"auth": {"identity": {"methods": [["api_key"]]}}}',
        b'{"auth": {"identity": {"methods": {"x": "api_key"}}}}',
        b'["api_key"]',
        json.dumps({'auth': SIGN_IN}).encode(),
        json.dumps({'auth': SIGN_IN | {'scope': {'x': 'api_key'}}}).encode(),
        json.dumps(
            {'auth': {'identity': {'methods': ['external'], 'external': {}}}}
        ).encode(),
        b'{"auth": {"identity": {"methods": ["password"], "x": "'
        + b'api_key ' * 20000
        + b'"}}}',
    ],
    ids=range(12),
)
@pytest.mark.parametrize('chunked', [False, True])
def test_other_logins_pass_whole(
    deployment: Deployment, body: bytes, chunked: bool
) -> None:
    wrapped = Wrapped()
    read: list[bytes] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        read.append(environ['wsgi.input'].read())
        return wrapped(environ, start_response)

    more: dict[str, Any] = {
        'CONTENT_TYPE': 'application/json',
        'REMOTE_USER': 'theirs',
    }
    environ = pass_through.environ_of('POST', PATH, body, **more)
    if chunked:
        environ.pop('CONTENT_LENGTH', None)
        environ['wsgi.input_terminated'] = True
    before = dict(environ)
    answer = pass_through.ask(deployment.load(app), environ)
    assert answer.body == b'wrapped'
    assert read == [body]
    (seen,) = wrapped.environs
    del before['wsgi.input'], seen['wsgi.input']
    assert seen == before


@pytest.mark.parametrize('kind', ['application/xml', 'text/plain'])
def test_login_that_is_not_sent_as_json_is_keystones(
    desk: Desk, ann: Person, key: str, kind: str
) -> None:
    login = {'user': {'id': ann.id}, 'secret': key}
    identity = {'methods': ['api_key'], 'api_key': login}
    body = json.dumps({'auth': {'identity': identity}})
    headers = {'Content-Type': kind}
    desk.web.post(PATH, body, headers=headers, status=400)


def test_long_login_of_another_method_is_keystones(desk: Desk) -> None:
    body = {'auth': SIGN_IN, 'api_key': 'x' * 100_000}
    answer = desk.web.post_json(PATH, body, expect_errors=True)
    told = desk.cloud.web.post_json(PATH, body, expect_errors=True)
    assert answer.status_int == told.status_int


def test_clients_own_external_is_the_operators_matter(
    desk: Desk, cloud: Cloud
) -> None:
    """A front end of the operator's may sign in so; a client may not."""
    body = {'auth': {'identity': {'methods': ['external'], 'external': {}}}}
    outside = {'REMOTE_USER': 'admin', 'REMOTE_DOMAIN': 'Default'}
    for web in (desk.web, cloud.web):
        assert web.post_json(PATH, body, extra_environ=outside, status=201)
        header = {'Remote-User': 'admin'}
        assert web.post_json(PATH, body, headers=header, status=401)


def test_remote_user_does_not_sign_in_with_a_wrong_key(
    desk: Desk, ann: Person, key: str
) -> None:
    outside = {'REMOTE_USER': 'admin', 'REMOTE_DOMAIN': 'Default'}
    for secret, status in ((key, 201), ('wrong', 401)):
        method = {'user': {'id': ann.id}, 'secret': secret}
        identity = {'methods': ['api_key'], 'api_key': method}
        answer = desk.web.post_json(
            PATH,
            {'auth': {'identity': identity}},
            extra_environ=outside,
            status=status,
        )
        if status == 201:
            assert answer.json['token']['user']['id'] == ann.id


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'DELETE'])
@pytest.mark.parametrize('path', [PATH, f'{PATH}/'])
def test_other_methods_are_keystones(
    desk: Desk, cloud: Cloud, ann: Person, method: str, path: str
) -> None:
    told = []
    for web in (desk.web, cloud.web):
        token = cloud.token_of(ann)
        headers = {'X-Auth-Token': token, 'X-Subject-Token': token}
        answer = web.request(
            path, method=method, headers=headers, expect_errors=True
        )
        told.append((answer.status, answer.headers.get('Content-Type')))
    assert told[0] == told[1]
    assert told[0][0][:1] == '2' or path.endswith('/')


@pytest.mark.parametrize(
    'path', ['/v3//auth/tokens', '/v3/auth/tokens;x', '/v3/x/../auth/tokens']
)
def test_another_spelling_is_not_ours_and_not_refused(
    deployment: Deployment, path: str
) -> None:
    body = {
        'auth': {
            'identity': {
                'methods': ['api_key'],
                'api_key': {'user': WHO, 'secret': 'k'},
            }
        }
    }
    content = json.dumps(body).encode()
    environ = pass_through.environ_of(
        'POST', path, content, CONTENT_TYPE='application/json'
    )
    answer = pass_through.ask(deployment.load(Wrapped()), environ)
    assert answer.body == b'wrapped'


def test_body_that_is_read_is_not_read_away(desk: Desk) -> None:
    """What only mentions our method reaches Keystone from its start."""
    body = json.dumps({'auth': SIGN_IN, 'x': 'api_key'}).encode()
    answer = desk.web.post(
        PATH, body, content_type='application/json', expect_errors=True
    )
    told = desk.cloud.web.post(
        PATH, body, content_type='application/json', expect_errors=True
    )
    assert answer.status_int == told.status_int


def test_before_a_service_of_v2_it_is_not_there(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    desk = Desk(tmp_path / 'keymw', cloud, app=Wrapped())
    assert desk.v3({'id': 'x'}, 'k').body == b'wrapped'


@pytest.mark.parametrize('depth', [5, 700, 900])
@pytest.mark.parametrize('secret', ['right', 'wrong'])
def test_scope_that_goes_deep_is_bad_input(
    desk: Desk, ann: Person, key: str, depth: int, secret: str
) -> None:
    scope = '{"project":' * depth + '{}' + '}' * depth
    told = key if secret == 'right' else 'wrong-key'
    body = (
        '{"auth": {"identity": {"methods": ["api_key"], "api_key": {"user": '
        f'{{"id": "{ann.id}"}}, "secret": "{told}"}}}}, "scope": {scope}}}}}'
    )
    answer = desk.web.post(
        '/v3/auth/tokens',
        body.encode(),
        headers={'Content-Type': 'application/json'},
        expect_errors=True,
    )
    assert answer.status_int == 400
