"""openstack api key, with the real shell, before a service that takes notes.

The service is no Keystone: this is about the requests of the commands, and
what they print.
"""

from collections.abc import Iterator
import datetime
import json
import pathlib
import re
import shlex
import threading
from typing import Any
from wsgiref import simple_server

import pytest

from tests.support import openstack as openstack_shell
from tests.support import pages

pytestmark = pytest.mark.filterwarnings('ignore')

KEY_ID, SECRET = 'Zr0aVq3n8KxTb1Lc', f'kmw_{"a" * 16}_{"b" * 38}'
NAME_LIKE_ID, NO_KEY = 'nightlybackup001', 'nokeyofthisname0'
NOT_FOUND = {'error': {'message': 'no', 'code': 404}}
SHOWN = {
    'id': KEY_ID,
    'name': 'nightly',
    'roles': [{'id': 'r1', 'name': 'reader'}],
    'project_id': 'p1',
    'user_id': 'ann-id',
    'enabled': True,
    'expires_at': None,
    'allowed_cidrs': ['10.0.0.0/8'],
    'last_used_at': None,
    'links': {'self': 'x'},
}


class Service:
    """Notes the requests for keys; responds with one key."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, Any]] = []
        self.url = ''

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        path, query = environ['PATH_INFO'], environ['QUERY_STRING']
        length = int(environ.get('CONTENT_LENGTH') or 0)
        sent = environ['wsgi.input'].read(length)
        method = environ['REQUEST_METHOD']
        if 'api_keys' in path:
            target = f'{path}?{query}' if query else path
            self.noted.append((method, target, sent and json.loads(sent)))
        status, body = self._respond(method, path, query)
        headers = [
            ('Content-Type', 'application/json'),
            ('X-Subject-Token', 'token'),
        ]
        start_response(status, headers)
        return [json.dumps(body).encode()]

    def _respond(self, method: str, path: str, query: str) -> tuple[str, Any]:
        if path == '/v3/auth/tokens':
            return '201 Created', {'token': self._token()}
        if path == '/v3/auth/projects':
            twins = [{'id': id_, 'name': 'twin'} for id_ in ('p3', 'p4')]
            projects = [{'id': 'p2', 'name': 'other'}, *twins]
            return '200 OK', {'projects': projects}
        if path.startswith('/v3/users') and 'api_keys' not in path:
            return self._users(path, query)
        if method == 'GET' and path.endswith('/api_keys'):
            shown = [] if 'name=no' in query else [SHOWN]
            page = {'api_keys': shown, 'links': self._links(path, query)}
            return '200 OK', page
        if path.endswith((NAME_LIKE_ID, NO_KEY)):
            return '404 Not Found', NOT_FOUND
        if 'api_keys' in path:
            secret = {'secret': SECRET} if method == 'POST' else {}
            return '200 OK', {'api_key': SHOWN | secret}
        links = [{'rel': 'self', 'href': f'{self.url}/'}]
        version = {'id': 'v3.14', 'status': 'stable', 'links': links}
        return '200 OK', {'version': version}

    def _users(self, path: str, query: str) -> tuple[str, Any]:
        bob = {'id': 'bob-id', 'name': 'bob'}
        named = {'name=bob': [bob], 'name=twin': [bob, bob]}
        if path == '/v3/users':
            return '200 OK', {'users': named.get(query, [])}
        if path == '/v3/users/bob-id':
            return '200 OK', {'user': bob}
        return '404 Not Found', NOT_FOUND

    def _links(self, path: str, query: str) -> dict[str, str | None]:
        more = 'name=' not in query and 'marker=' not in query
        return {'next': f'http://proxy{path}?marker=m1' if more else None}

    def _token(self) -> dict[str, Any]:
        later = datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC).isoformat()
        endpoint = {'interface': 'public', 'region': 'r', 'url': self.url}
        domain = {'id': 'default', 'name': 'Default'}
        return {
            'methods': ['api_key'],
            'expires_at': later,
            'issued_at': later,
            'user': {'id': 'ann-id', 'name': 'ann', 'domain': domain},
            'project': {'id': 'p1', 'name': 'one', 'domain': domain},
            'roles': [],
            'catalog': [
                {'type': 'identity', 'name': 'k', 'endpoints': [endpoint]}
            ],
        }


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Write no line for each request."""


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    server = simple_server.make_server(
        '127.0.0.1', 0, made, handler_class=_Quiet
    )
    made.url = f'http://127.0.0.1:{server.server_port}/v3'
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def openstack(
    service: Service, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Run a command with a cloud that has a key and nothing else."""
    cloud = {
        'auth_type': 'v3apikey',
        'auth': {'auth_url': service.url, 'api_key': SECRET},
    }
    clouds = tmp_path / 'clouds.yaml'
    clouds.write_text(json.dumps({'clouds': {'c': cloud}}))
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(clouds))

    def run(*words: str) -> tuple[int, str, str]:
        command = ('--os-cloud', 'c', 'api', 'key', *words)
        return openstack_shell.run(monkeypatch, *command)

    return run


KEYS = '/v3/users/ann-id/api_keys'


def test_create_sends_what_is_given_and_shows_the_secret(
    service: Service, openstack: Any
) -> None:
    code, out, err = openstack(
        *('create', 'nightly', '--role', 'reader', '--role', 'a' * 32),
        *('--expires', '90d', '--cidr', '10.0.0.0/8', '--cidr', '::/0'),
        *('--project', 'other', '--description', 'd', '-f', 'json'),
    )
    assert (code, json.loads(out)['secret']) == (0, SECRET)
    assert 'shown this once' in err
    ((method, path, body),) = service.noted
    end = datetime.datetime.fromisoformat(body['api_key'].pop('expires_at'))
    left = end - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(89) < left < datetime.timedelta(90)
    assert (method, path) == ('POST', KEYS)
    assert body == {
        'api_key': {
            'name': 'nightly',
            'description': 'd',
            'project_id': 'p2',
            'roles': [{'name': 'reader'}, {'id': 'a' * 32}],
            'allowed_cidrs': ['10.0.0.0/8', '::/0'],
        }
    }


def test_list_follows_pages_in_table_and_json(
    service: Service, openstack: Any
) -> None:
    code, out, _err = openstack('list')
    assert code == 0
    assert out.count(KEY_ID) == 2
    assert 'reader' in out
    assert SECRET not in out
    paths = [path for _, path, _ in service.noted]
    assert paths == [KEYS, f'{KEYS}?marker=m1']
    (row, _) = json.loads(openstack('list', '-f', 'json')[1])
    assert row['Roles'] == [{'id': 'r1', 'name': 'reader'}]


def test_list_of_others_is_by_name_or_for_all(
    service: Service, openstack: Any
) -> None:
    assert openstack('list', '--user', 'bob', '--disabled')[0] == 0
    words = ('--all-users', '--unused-since', '2026-01-31', '--enabled')
    assert openstack('list', *words)[0] == 0
    paths = [path for _, path, _ in service.noted]
    assert paths[0] == '/v3/users/bob-id/api_keys?enabled=false'
    since = '2026-01-31T00%3A00%3A00%2B00%3A00'
    assert paths[2] == f'/v3/api_keys?enabled=true&unused_since={since}'


@pytest.mark.parametrize('key', [KEY_ID, 'nightly'])
def test_other_commands_take_an_id_or_a_name(
    service: Service, openstack: Any, key: str
) -> None:
    one = f'{KEYS}/{KEY_ID}'
    assert KEY_ID in openstack('show', key)[1]
    assert openstack('set', key, '--disable', '--no-cidr')[0] == 0
    code, out, err = openstack('rotate', key, '--grace', '1h')
    assert SECRET in out
    assert (code, 'shown this once' in err) == (0, True)
    assert openstack('delete', key)[0] == 0
    assert [note for note in service.noted if note[0] != 'GET'] == [
        (
            'PATCH',
            one,
            {'api_key': {'allowed_cidrs': None, 'enabled': False}},
        ),
        ('POST', f'{one}/rotate', {'grace': 3600}),
        ('DELETE', one, b''),
    ]


@pytest.mark.parametrize(
    ('words', 'why'),
    [
        (('set', 'nightly'), 'Name what to change'),
        (('create', 'x', '--expires', 'soon'), '"soon" is no time'),
        (('rotate', 'x', '--grace', 'soon'), '"soon" is no length'),
        (('list', '--unused-since', '9d'), 'need --all-users'),
        (('list', '--expires-before', '9d'), 'need --all-users'),
        (('list', '--name', 'n', '--all-users'), '--name is not for --all-us'),
        (('show', 'nightly', '--user', 'eve'), 'No user eve is found'),
        (('show', 'nightly', '--user', 'twin'), 'There are 2 users with the'),
        (('create', 'x', '--project', 'twin'), 'There are 2 projects with'),
        (('delete', KEY_ID, 'no-key'), 'No API key no-key is found'),
        (('delete', KEY_ID, NO_KEY), f'No API key {NO_KEY} is found'),
    ],
)
def test_wrong_command_says_why_and_changes_nothing(
    service: Service, openstack: Any, words: tuple[str, ...], why: str
) -> None:
    code, out, err = openstack(*words)
    assert (code != 0, out) == (True, '')
    assert re.search(why, err)
    assert {method for method, _, _ in service.noted} <= {'GET'}


@pytest.mark.parametrize('project', ['p2', 'p3', 'unlisted'])
def test_create_of_a_key_for_all_takes_the_project_as_given(
    service: Service, openstack: Any, project: str
) -> None:
    words = ('create', 'x', '--unrestricted', '--project', project)
    assert openstack(*words)[0] == 0
    ((_, _, body),) = service.noted
    members = {'name': 'x', 'project_id': project, 'unrestricted': True}
    assert body == {'api_key': members}


@pytest.mark.parametrize('user', ['bob', 'bob-id'])
def test_user_is_given_by_name_or_id(
    service: Service, openstack: Any, user: str
) -> None:
    assert openstack('delete', KEY_ID, '--user', user)[0] == 0
    one = f'/v3/users/bob-id/api_keys/{KEY_ID}'
    assert service.noted == [('GET', one, b''), ('DELETE', one, b'')]


def test_name_that_looks_like_an_id_is_found_as_a_name(
    service: Service, openstack: Any
) -> None:
    assert openstack('set', NAME_LIKE_ID, '--name', 'new')[0] == 0
    assert [path for _, path, _ in service.noted] == [
        f'{KEYS}/{NAME_LIKE_ID}',
        f'{KEYS}?name={NAME_LIKE_ID}',
        f'{KEYS}/{KEY_ID}',
    ]
    assert service.noted[2][2] == {'api_key': {'name': 'new'}}


def test_list_by_name_asks_for_the_name(
    service: Service, openstack: Any
) -> None:
    assert openstack('list', '--name', 'a b')[0] == 0
    assert [path for _, path, _ in service.noted] == [f'{KEYS}?name=a+b']


def test_commands_of_the_user_guide_are_understood(
    service: Service, openstack: Any
) -> None:
    text = '\n'.join(pages.blocks('user/api-keys')).replace('\\\n', '')
    for line in text.splitlines():
        if line.startswith('openstack api key'):
            assert openstack(*shlex.split(line)[3:])[0] == 0, line
    changes = [method for method, _, _ in service.noted if method != 'GET']
    assert changes == ['POST', 'POST', 'PATCH', 'DELETE']
