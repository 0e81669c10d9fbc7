"""The examples of keymw/openapi.yaml are what keymw answers."""

from collections.abc import Callable
import json
import pathlib
from typing import Any

import jsonschema
from lxml import etree
import pytest
import webtest

from tests.support import openapi as described
from tests.support.api_keys import service_user
from tests.support.cloud import Cloud
from tests.support.login import Desk
from tests.support.openapi import Operation

JSON, XML = 'application/json', 'application/xml'
KEY = '0123456789abcdef0123456789abcdef'
ADMIN = '/api/public/v1.0/admin'
API_KEYS = '/v3/users/{user_id}/api_keys'

CREATE_API_KEY = next(
    operation
    for operation in described.operations()
    if operation.id == 'createApiKey'
)


class World:
    """keymw with all routes on; alice has a key and a role on a project."""

    def __init__(self, home: pathlib.Path, cloud: Cloud) -> None:
        service_user(cloud)
        self.desk = Desk(home, cloud, described.ALL_ON)
        self.token = cloud.admin
        alice = cloud.person('alice')
        cloud.grant(alice, 'member', 'demo')
        body = {'username': 'alice', 'apiKey': KEY}
        self.credentials = f'/v2.0/users/{alice.id}/OS-KSADM/credentials'
        self.body = {'RAX-KSKEY:apiKeyCredentials': body}
        self.user_id = alice.id
        # The caller, who makes the API keys.
        admin = cloud.ask('GET', '/v3/users?name=admin').json['users'][0]
        self.admin_id = admin['id']
        self.is_changed = True

    def prepare(self, operation: Operation) -> dict[str, str]:
        """The names in the path, of objects that are there."""
        # A login waits for the second after a change.
        if self.is_changed:
            self.send('POST', self.credentials, self.body)
        writes = operation.method != 'GET'
        self.is_changed = writes and 'OS-KSADM' in operation.path
        found = {'user_id': self.user_id}
        if '{token_id}' in operation.path or '{tenant_id}' in operation.path:
            login = self.send('POST', '/v2.0/tokens', {'auth': self.body})
            token = login.json['access']['token']
            found |= {'token_id': token['id']}
            found |= {'tenant_id': token['tenant']['id']}
        if operation.path.startswith(ADMIN):
            found |= {'id': self._global(operation)}
        if operation.path.startswith((API_KEYS, '/v3/api_keys')):
            found = {'user_id': self.admin_id, 'id': self._api_key(operation)}
        return found

    def _api_key(self, operation: Operation) -> str:
        """The id of a new API key, like the example, and none beside it."""
        root = API_KEYS.format(user_id=self.admin_id)
        for row in self.send('GET', root).json['api_keys']:
            self.send('DELETE', f'{root}/{row["id"]}')
        if operation.id == 'createApiKey':
            return ''
        body = CREATE_API_KEY.example(JSON)
        return str(self.send('POST', root, body).json['api_key']['id'])

    def _global(self, operation: Operation) -> str:
        """The id of a new key or entry, and none beside it."""
        root = '/'.join(operation.path.split('/')[:6])
        for row in self.send('GET', root).json['results']:
            self.send('DELETE', f'{root}/{row["id"]}')
        if operation.method == 'POST':
            return ''
        body: dict[str, Any] = {'cidrBlock': '10.0.0.0/8', 'description': 'x'}
        if root.endswith('apiKeys'):
            body = {'desc': 'x', 'roles': ['GLOBAL_READ_ONLY']}
        return str(self.send('POST', root, body).json['id'])

    def send(
        self, method: str, path: str, body: Any = None, kind: str = JSON
    ) -> Any:
        """The response to a request of the administrator."""
        headers = {'Accept': kind, 'X-Auth-Token': self.token}
        if path == '/v1.0':
            headers |= {'X-Auth-User': 'alice', 'X-Auth-Key': KEY}
        if body is None:
            return self.desk.web.request(
                path, method=method, headers=headers, expect_errors=True
            )
        text = body if isinstance(body, str) else json.dumps(body)
        return self.desk.web.request(
            path,
            method=method,
            headers={**headers, 'Content-Type': kind},
            body=text.encode(),
            expect_errors=True,
        )


@pytest.fixture(scope='module')
def world(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> World:
    return World(tmp_path_factory.mktemp('openapi') / 'keymw', cloud)


def _cases() -> list[Any]:
    found = []
    for operation in described.operations():
        content = operation.success[1].get('content', {JSON: {}})
        for kind in content:
            name = f'{operation.id}-{kind.rpartition("/")[2]}'
            found.append(pytest.param(operation, kind, id=name))
    return found


@pytest.mark.parametrize(('operation', 'kind'), _cases())
def test_example(world: World, operation: Operation, kind: str) -> None:
    if operation.id == 'revokeOwnToken':
        pytest.skip('it would end the token of this test')
    path = operation.path.format_map(world.prepare(operation))
    answer = world.send(operation.method, path, operation.example(kind), kind)
    status, told = operation.success
    assert (answer.status_int, answer.text) == (status, answer.text)
    assert all(name in answer.headers for name in told.get('headers', ()))
    content = told.get('content', {}).get(kind)
    if content is None:
        assert answer.body == b''
        return
    if kind == XML:
        assert _tags(answer.body) >= _tags(content['example'].encode())
        return
    components = described.DOCUMENT['components']
    schema = {**content['schema'], 'components': components}
    jsonschema.validate(answer.json, schema)
    if 'example' in content:
        assert _shape(answer.json) == _shape(content['example'])


# Their length is the catalogue's of the Keystone that all tests share.
_CATALOGUES = ('serviceCatalog', 'endpoints')


def _shape(value: Any) -> Any:
    """The members of a value, without what they hold."""
    if isinstance(value, dict):
        return {
            name: [] if name in _CATALOGUES else _shape(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        # A user of another test may have more members than the example's.
        fewest = sorted(value, key=lambda inner: len(_names(inner)))
        return [_shape(inner) for inner in fewest[:1]]
    return type(value)


def _names(value: Any) -> list[str]:
    return sorted(value) if isinstance(value, dict) else []


def _tags(body: bytes) -> set[tuple[str, tuple[str, ...]]]:
    """The elements of a document, and the attributes of each."""
    return {
        (str(element.tag), tuple(sorted(map(str, element.attrib))))
        for element in etree.fromstring(body).iter()
    }


def test_description_is_served_to_anybody(world: World) -> None:
    answer = world.desk.web.get('/keymw/openapi.json')
    assert answer.json == described.DOCUMENT
    head = world.desk.web.head('/keymw/openapi.json')
    assert head.headers['Content-Type'] == 'application/json'
    posted = world.send('POST', '/keymw/openapi.json')
    assert (posted.status_int, posted.headers['Allow']) == (405, 'GET, HEAD')


@pytest.mark.parametrize(
    'path', ['//keymw/openapi.json', '/keymw/./openapi%252ejson']
)
def test_other_spelling_of_it_is_refused(world: World, path: str) -> None:
    assert world.send('GET', path).status_int == 400


def test_it_is_the_applications_where_it_is_off(
    deploy: Callable[..., webtest.TestApp],
) -> None:
    def other(environ: Any, start_response: Any) -> list[bytes]:
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [environ['PATH_INFO'].encode()]

    for path in ('/keymw/openapi.json', '//keymw/openapi.json'):
        assert deploy(other).get(path).text == path
