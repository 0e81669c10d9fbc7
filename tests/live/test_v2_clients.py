"""Clients of v2.0 use a demo that names v2.0 on GET /, by name and password.

Its catalogue names the identity service by its v3 URL, as those of today do.
"""

from collections.abc import Iterator
import json
import pathlib
from typing import Any

import pytest

from tests.live import test_clients
from tests.live.clients import install
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.support.servers import require

ADMIN = {'name': 'admin', 'password': 'demo', 'tenant': 'admin'}
# The last releases that have v2.0.
CLIENTS = ('python-openstackclient==3.18.0', 'python-keystoneclient==3.19.0')
AUTH_TOKENS = {
    'last with v2.0': 'keystonemiddleware==4.22.0',
    'of today': 'keystonemiddleware==13.0.1',
}


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with advertise_v2 in the template of its keymw.conf."""
    conf = '\n[kskey]\nadvertise_v2 = true\n'
    with cached_demo(tmp_path_factory.mktemp('v2'), conf) as made:
        yield made


def run(
    command: list[str | pathlib.Path], given: Any = None, **environment: str
) -> Any:
    """The JSON that a program prints, given JSON on its standard input."""
    done = test_clients.run(command, json.dumps(given), **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_keystoneclient_follows_the_catalogue_to_v2(demo: Demo) -> None:
    python = install.python('keystone-v2', *CLIENTS)
    script = 'tests.live.clients.keystone_v2'
    lists = run([python, '-m', script], {'url': demo.url, **ADMIN})
    assert set(lists['tenants']) == {'admin'}
    assert {'admin', 'alice'} <= set(lists['users'])


def test_openstackclient_finds_v2(demo: Demo) -> None:
    openstack = install.python('keystone-v2', *CLIENTS).with_name('openstack')
    words = ('--os-identity-api-version', '2', 'user', 'list', '-f', 'json')
    users = run(
        [openstack, *words],
        OS_AUTH_URL=demo.url,
        OS_USERNAME='admin',
        OS_PASSWORD='demo',
        OS_PROJECT_NAME='admin',
    )
    assert {'admin', 'alice'} <= {user['Name'] for user in users}


@pytest.mark.parametrize('package', AUTH_TOKENS.values(), ids=AUTH_TOKENS)
def test_auth_token_finds_v2_and_hands_on_the_catalogue(
    demo: Demo, package: str
) -> None:
    python = install.python(package.replace('==', '-'), package)
    script = 'tests.live.clients.auth_token'
    token = demo.sign_in('alice', 'demo')
    given = {'url': demo.url, 'token': token, **ADMIN}
    headers = run([python, '-m', script], given)
    assert headers['X-Identity-Status'] == 'Confirmed'
    assert headers['X-User-Name'] == 'alice'
    catalogue = json.loads(headers['X-Service-Catalog'])
    assert {'identity', 'compute'} <= {entry['type'] for entry in catalogue}


def curl(url: str, token: str) -> Any:
    """The JSON that is at a URL."""
    require('curl', ('curl',))
    return run(['curl', '-sf', url, '-H', f'X-Auth-Token: {token}'])


@pytest.mark.parametrize('base', ['/v2.0/', '/v2.0//'], ids=['one', 'two'])
@pytest.mark.parametrize('caller', ['admin', 'alice'])
def test_a_user_by_id_and_by_name(demo: Demo, base: str, caller: str) -> None:
    """pyrax sends two slashes; php-opencloud asks with the user's token."""
    project = 'admin' if caller == 'admin' else 'demo'
    token = demo.sign_in(caller, project)
    users = f'{demo.url}{base}users'
    by_name = curl(f'{users}?name=alice', token)
    assert by_name['user']['id'] == demo.user_id('alice')
    by_id = curl(f'{users}/{by_name["user"]["id"]}', token)
    assert by_id['user']['username'] == 'alice'
