"""A read-only API key on real Swift, by the real openstack."""

from collections.abc import Callable
from collections.abc import Iterator
import datetime
import json
import pathlib
from typing import Any
import urllib.error
import urllib.request

import pytest

from tests.live.clients import install
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.live.swift import PACKAGES
from tests.live.swift import Swift
from tests.live.test_clients import find
from tests.live.test_clients import make
from tests.live.test_v2_clients import run
from tests.support import openstack as shell

pytestmark = pytest.mark.filterwarnings('ignore')

REGION = 'RegionOne'
Openstack = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo; first of all what Swift needs is installed, or we skip."""
    install.python('swift', *PACKAGES)
    place = tmp_path_factory.mktemp('swift-demo')
    # A use is in the answers at once.
    at_once = '[api_keys]\nlast_used_interval = 0\n'
    with cached_demo(place, at_once) as made:
        yield made


@pytest.fixture(scope='module')
def swift(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Swift]:
    """Swift that asks the demo about tokens, in the demo's catalogue."""
    project = find(demo, '/v3/projects?name=service')['projects'][0]['id']
    role = find(demo, '/v3/roles?name=service')['roles'][0]['id']
    user = make(demo, 'user', name='swift', password='demo')['id']
    grant = f'/v3/projects/{project}/users/{user}/roles/{role}'
    assert demo.ask('PUT', grant)[0] == 204
    home = tmp_path_factory.mktemp('swift')
    with Swift(home, demo.url, 'swift') as running:
        change_catalogue(demo, f'{running.url}/v1/AUTH_$(project_id)s')
        yield running


def change_catalogue(demo: Demo, url: str) -> None:
    """Put another URL in the place of the demo's own store."""
    (service,) = find(demo, '/v3/services?type=object-store')['services']
    where = f'service_id={service["id"]}&interface=public'
    (known,) = find(demo, f'/v3/endpoints?{where}')['endpoints']
    changed = {'endpoint': {'url': url}}
    answer = demo.ask('PATCH', f'/v3/endpoints/{known["id"]}', changed)
    assert answer[0] == 200, answer


@pytest.fixture
def openstack(
    demo: Demo, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Openstack:
    """Run openstack: as alice, by password, or with the API key `secret`."""
    clouds = tmp_path / 'clouds.yaml'
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(clouds))
    alice = {
        'auth': {
            'auth_url': f'{demo.url}/v3',
            'username': 'alice',
            'password': 'demo',
            'user_domain_id': 'default',
            'project_name': 'demo',
            'project_domain_id': 'default',
        }
    }

    def run(*words: str, secret: str = '') -> tuple[int, str, str]:
        auth = {'auth_url': f'{demo.url}/v3', 'api_key': secret}
        key = {'auth_type': 'v3apikey', 'auth': auth}
        cloud = {**(key if secret else alice), 'region_name': REGION}
        clouds.write_text(json.dumps({'clouds': {'c': cloud}}))
        return shell.run(monkeypatch, '--os-cloud', 'c', *words)

    return run


def done(found: tuple[int, str, str]) -> Any:
    """The output of a command that succeeded, in JSON where it is that."""
    code, out, err = found
    assert code == 0, err
    return json.loads(out) if out.startswith(('{', '[')) else out


def status(swift: Swift, token: str, path: str, method: str = 'HEAD') -> int:
    """The status of Swift's response to the bearer of a token."""
    request = urllib.request.Request(
        f'{swift.url}/v1/AUTH_{path}',
        method=method,
        headers={'X-Auth-Token': token},
        data=b'new' if method == 'PUT' else None,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def bought(openstack: Openstack, secret: str) -> str:
    """A token bought with a key."""
    words = ('token', 'issue', '-f', 'json')
    return str(done(openstack(*words, secret=secret))['id'])


def test_a_read_only_key_reads_and_cannot_write(
    swift: Swift, openstack: Openstack, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / 'report'
    file.write_text('content')
    done(openstack('container', 'create', 'box'))
    done(openstack('object', 'create', 'box', str(file), '--name', 'report'))
    create = ('api', 'key', 'create', 'reader', '--role', 'reader')
    made = done(openstack(*create, '--expires', '90d', '-f', 'json'))
    end = datetime.datetime.fromisoformat(made['expires_at'])
    left = end - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(89) < left < datetime.timedelta(90)
    secret = made['secret']
    listed = openstack('container', 'list', '-f', 'json', secret=secret)
    assert [one['Name'] for one in done(listed)] == ['box']
    save = ('object', 'save', 'box', 'report', '--file')
    done(openstack(*save, str(tmp_path / 'copy'), secret=secret))
    assert (tmp_path / 'copy').read_text() == 'content'
    # openstack does not say what Swift responds to a PUT.
    token, box = bought(openstack, secret), f'{made["project_id"]}/box'
    assert status(swift, token, f'{box}/report') == 200
    for method, path in (
        ('POST', made['project_id']),
        ('PUT', f'{box}-2'),
        ('POST', box),
        ('DELETE', box),
        ('PUT', f'{box}/report'),
        ('PUT', f'{box}/new'),
        ('DELETE', f'{box}/report'),
    ):
        assert status(swift, token, path, method) == 403, (method, path)
    listed = openstack('object', 'list', 'box', '-f', 'json')
    assert [one['Name'] for one in done(listed)] == ['report']


def compute(demo: Demo, token: str) -> Any:
    """The statuses of a read and a write of servers, behind auth_token."""
    python = install.python('swift', *PACKAGES)
    admin = {'name': 'admin', 'password': 'demo', 'project': 'admin'}
    return run(
        [python, '-m', 'tests.live.clients.compute'],
        {'url': demo.url, 'token': token, **admin},
    )


def test_a_key_has_no_more_roles_at_a_compute_stub_than_it_was_given(
    demo: Demo, openstack: Openstack
) -> None:
    tokens = []
    for role in ('reader', 'member'):
        words = ('api', 'key', 'create', f'for {role}', '--role', role)
        made = done(openstack(*words, '-f', 'json'))
        tokens.append(bought(openstack, made['secret']))
    assert [compute(demo, token) for token in tokens] == [
        [200, 403],
        [200, 200],
    ]
    done(openstack('api', 'key', 'delete', 'for reader'))
    assert compute(demo, tokens[0]) == [401, 401]


def test_rotation_disabling_and_deletion_reach_swift(
    demo: Demo, swift: Swift, openstack: Openstack
) -> None:
    words = ('api', 'key', 'create', 'one', '--role', 'reader', '-f', 'json')
    made = done(openstack(*words))
    project, old = made['project_id'], made['secret']
    rotate = ('api', 'key', 'rotate', 'one', '--grace', '1h', '-f', 'json')
    new = done(openstack(*rotate))['secret']
    shown = ('api', 'key', 'show', 'one', '-f', 'json')
    assert done(openstack(*shown))['previous']['last_used_at'] is None
    for secret in (old, new):
        assert status(swift, bought(openstack, secret), project) == 204
    token = bought(openstack, new)
    assert done(openstack(*shown))['previous']['last_used_at'] is not None
    done(openstack('api', 'key', 'set', 'one', '--disable'))
    assert status(swift, token, project) == 401
    assert openstack('token', 'issue', secret=new)[0] != 0
    done(openstack('api', 'key', 'set', 'one', '--enable'))
    token = bought(openstack, new)
    assert status(swift, token, project) == 204
    done(openstack('api', 'key', 'delete', 'one'))
    subject = {'X-Subject-Token': token}
    assert demo.ask('GET', '/v3/auth/tokens', **subject)[0] == 404
    assert status(swift, token, project) == 401
