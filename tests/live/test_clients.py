"""Clients of others sign in to the demo with an API key, and list something.

Plain HTTP is what the demo speaks, and what its URLs say: no client needed an
option for that. Nothing of a client is changed.
"""

from collections.abc import Callable
from collections.abc import Iterator
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import time
from typing import Any
import uuid

import pytest

from tests.live.clients import install
from tests.live.demo import ROOT
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.support import wire as wires
from tests.support.servers import require

PATIENCE = 120
# Rackspace's regions are all that libcloud knows, and it wants both there.
SERVICES = {
    'rax:object-cdn': ('cloudFilesCDN', '/v1/AUTH_$(project_id)s'),
    'object-store': ('cloudFiles', '/v1/AUTH_$(project_id)s'),
    'compute': ('cloudServersOpenStack', '/compute/v2.1/$(project_id)s'),
}


@dataclasses.dataclass(frozen=True)
class Person:
    """A user of the demo, and its key."""

    id: str
    name: str
    key: str = dataclasses.field(repr=False)


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, with what Rackspace has in its region DFW."""
    with cached_demo(tmp_path_factory.mktemp('clients')) as made:
        add_region(made, 'DFW')
        yield made


def add_region(demo: Demo, region: str) -> None:
    make(demo, 'region', id=region)
    for type_, (name, path) in SERVICES.items():
        known = find(demo, f'/v3/services?name={name}')['services']
        service = (
            known[0] if known else make(demo, 'service', type=type_, name=name)
        )
        for interface in ('public', 'internal'):
            make(
                demo,
                'endpoint',
                service_id=service['id'],
                region_id=region,
                interface=interface,
                url=demo.url + path,
            )


def make(demo: Demo, kind: str, **told: Any) -> Any:
    """Make something in Keystone."""
    status, _, body = demo.ask('POST', f'/v3/{kind}s', {kind: told})
    assert status == 201, body
    return json.loads(body)[kind]


def find(demo: Demo, path: str, **headers: str) -> Any:
    status, _, body = demo.ask('GET', path, **headers)
    assert status == 200, body
    return json.loads(body)


def new_key(demo: Demo, user_id: str) -> str:
    status, _, body = demo.ask('POST', wires.reset(user_id))
    assert status == 200, body
    return str(json.loads(body)[wires.ROOT]['apiKey'])


def new_person(demo: Demo) -> Person:
    """A user with a key, and the project "demo" by default."""
    project = find(demo, '/v3/projects?name=demo')['projects'][0]['id']
    role = find(demo, '/v3/roles?name=member')['roles'][0]['id']
    name = f'user-{uuid.uuid4().hex}'
    user = make(
        demo, 'user', name=name, password='demo', default_project_id=project
    )['id']
    grant = f'/v3/projects/{project}/users/{user}/roles/{role}'
    assert demo.ask('PUT', grant)[0] == 204
    return Person(user, name, new_key(demo, user))


@pytest.fixture(scope='module')
def person(demo: Demo) -> Person:
    """A user who keeps one key."""
    return new_person(demo)


@pytest.fixture(scope='module')
def api_key(demo: Demo, person: Person) -> str:
    """A key of today of the same person."""
    status, _, body = demo.ask(
        'POST',
        f'/v3/users/{person.id}/api_keys',
        {'api_key': {'name': 'client', 'roles': [{'name': 'member'}]}},
        token=demo.sign_in(person.name, 'demo'),
    )
    assert status == 201, body
    return str(json.loads(body)['api_key']['secret'])


@pytest.fixture(params=['credential', 'api-key'])
def signer(
    request: pytest.FixtureRequest, person: Person, api_key: str
) -> Person:
    """The person with the key of old, then with the key of today."""
    if request.param == 'credential':
        return person
    return dataclasses.replace(person, key=api_key)


def owner(demo: Demo, token: str) -> str:
    """The id of the user whose token this is, for the project "demo"."""
    asked = {'X-Subject-Token': token}
    told = find(demo, '/v3/auth/tokens', **asked)['token']
    assert told['project']['name'] == 'demo'
    return str(told['user']['id'])


@dataclasses.dataclass(frozen=True)
class Client:
    """A program that signs in and lists, and how it tells a failed login."""

    command: Callable[[], list[Any]]
    refusal: Any
    listed: Any

    def told(self, *logins: dict[str, str], **environment: str) -> Any:
        """Its output for these logins, one after the other."""
        done = run(self.command(), json.dumps(logins), **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def in_python(script: str, *packages: str) -> Callable[[], list[Any]]:
    """A module beside this one, where its packages are."""
    name = packages[0].partition('=')[0]
    module = f'tests.live.clients.{script}'
    return lambda: [install.python(name, *packages), '-m', module]


def in_node(script: str, *packages: str) -> Callable[[], list[Any]]:
    """A program for Node.js, with the path of its packages."""
    name = packages[0].partition('@')[0]
    file = f'tests/live/clients/{script}.js'
    return lambda: ['node', file, install.node(name, *packages)]


def run(
    command: list[Any], said: str = '', **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that knows of no other cloud, to its end."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={
            'HOME': str(install.PLACE),
            'PATH': os.environ['PATH'],
            **environment,
        },
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


LIBCLOUD = 'apache-libcloud==3.9.1'
OPENSTACK = ('python-openstackclient==10.5.0', '.')
CLIENTS = {
    'rackspaceauth': Client(
        in_python('rackspaceauth_v2', 'rackspaceauth==0.8.1'),
        {'refused': 'Unauthorized', 'status': 401},
        [[], []],
    ),
    'libcloud-compute': Client(
        in_python('libcloud_compute', LIBCLOUD),
        {'refused': 'InvalidCredsError', 'status': None},
        [[], [], []],
    ),
    'libcloud-storage': Client(
        in_python('libcloud_storage', LIBCLOUD),
        {'refused': 'InvalidCredsError', 'status': None},
        [],
    ),
    'pkgcloud': Client(
        in_node('pkgcloud', 'pkgcloud@2.2.0'),
        {'refused': 'Unauthorized', 'status': 401},
        [[], [], [], []],
    ),
    'swiftclient-v1': Client(
        in_python('swift_v1', 'python-swiftclient==4.11.0'),
        {'refused': 'ClientException', 'status': 401},
        [],
    ),
    'openstacksdk': Client(
        in_python('sdk', *OPENSTACK),
        {'refused': 'Unauthorized', 'status': 401},
        [[], [], []],
    ),
}


@pytest.mark.parametrize('client', CLIENTS.values(), ids=CLIENTS)
def test_keys_of_old_and_of_today_sign_in_and_a_wrong_one_does_not(
    demo: Demo, person: Person, api_key: str, client: Client
) -> None:
    *told, refusal = client.told(
        *(
            {'url': demo.url, 'name': person.name, 'key': key}
            for key in (person.key, api_key, WRONG)
        )
    )
    assert refusal == client.refusal
    assert len({one['token'] for one in told}) == 2
    for one in told:
        assert owner(demo, one['token']) == person.id
        assert one['listed'] == client.listed


WRONG = 'f' * 32


CLOUDS = """\
clouds:
  demo:
    auth_type: v3apikey
    region_name: RegionOne
    auth:
      auth_url: {url}/v3
      username: {name}
      user_domain_name: Default
      project_name: demo
      project_domain_name: Default
      api_key: {key}
"""


def by_file(
    demo: Demo, person: Person, key: str, home: pathlib.Path
) -> dict[str, str]:
    """An environment that names a cloud of a clouds.yaml."""
    file = home / 'clouds.yaml'
    file.write_text(CLOUDS.format(url=demo.url, name=person.name, key=key))
    return {'OS_CLIENT_CONFIG_FILE': str(file), 'OS_CLOUD': 'demo'}


def by_variables(
    demo: Demo, person: Person, key: str, _home: pathlib.Path
) -> dict[str, str]:
    """An environment that says all."""
    return {
        'OS_AUTH_TYPE': 'v3apikey',
        'OS_AUTH_URL': f'{demo.url}/v3',
        'OS_USER_ID': person.id,
        'OS_API_KEY': key,
        'OS_PROJECT_NAME': 'demo',
        'OS_DEFAULT_DOMAIN_ID': 'default',
        'OS_REGION_NAME': 'RegionOne',
    }


@pytest.mark.parametrize(
    ('told_by', 'words'),
    [
        (by_file, ['token', 'issue']),
        (by_variables, ['token', 'issue']),
        (by_file, ['container', 'list']),
        (by_variables, ['server', 'list']),
    ],
    ids=lambda one: getattr(one, '__name__', None) or '-'.join(one),
)
def test_openstack_signs_in_with_a_key(
    demo: Demo,
    signer: Person,
    tmp_path: pathlib.Path,
    told_by: Callable[..., dict[str, str]],
    words: list[str],
) -> None:
    variables = told_by(demo, signer, signer.key, tmp_path)
    done = run([openstack(), *words, '-f', 'json'], **variables)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == [] or owner(demo, told['id']) == signer.id


@pytest.mark.parametrize('told_by', [by_file, by_variables])
def test_openstack_tells_of_a_wrong_key(
    demo: Demo,
    person: Person,
    tmp_path: pathlib.Path,
    told_by: Callable[..., dict[str, str]],
) -> None:
    variables = told_by(demo, person, WRONG, tmp_path)
    done = run([openstack(), 'token', 'issue'], **variables)
    assert done.returncode == 1
    assert '(HTTP 401)' in done.stderr


def openstack() -> pathlib.Path:
    """The command, in the environment that has v3apikey too."""
    name = OPENSTACK[0].partition('=')[0]
    return install.python(name, *OPENSTACK).with_name('openstack')


def test_openstacksdk_reads_clouds_yaml(
    demo: Demo, person: Person, tmp_path: pathlib.Path
) -> None:
    variables = by_file(demo, person, person.key, tmp_path)
    (told,) = CLIENTS['openstacksdk'].told({'cloud': 'demo'}, **variables)
    assert owner(demo, told['token']) == person.id
    assert told['listed'] == [[], [], []]


def curl(*words: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the response to curl."""
    require('curl', ('curl',))
    head, _, body = run(['curl', '-si', *words]).stdout.partition('\n\n')
    status, *fields = head.splitlines()
    headers = {
        name.lower(): value
        for name, _, value in (field.partition(': ') for field in fields)
    }
    return int(status.split()[1]), headers, body


def login(person: Person, key: str) -> Any:
    """The body of a login."""
    credentials = {'username': person.name, 'apiKey': key}
    return {'auth': {wires.ROOT: credentials}}


@pytest.mark.parametrize('key', [None, WRONG], ids=['right', 'wrong'])
def test_curl_signs_in_on_v2(
    demo: Demo, signer: Person, key: str | None
) -> None:
    said = json.dumps(login(signer, key or signer.key))
    status, _, body = curl(
        f'{demo.url}/v2.0/tokens',
        *('-H', 'Content-Type: application/json', '-d', said),
    )
    assert status == (401 if key else 200)
    told = json.loads(body)
    if key:
        assert told['unauthorized']['code'] == 401
        return
    assert owner(demo, told['access']['token']['id']) == signer.id
    names = {service['name'] for service in told['access']['serviceCatalog']}
    assert {'cloudFiles', 'cloudServersOpenStack', 'keystone'} <= names


@pytest.mark.parametrize('key', [None, WRONG], ids=['right', 'wrong'])
def test_curl_signs_in_on_v1(
    demo: Demo, signer: Person, key: str | None
) -> None:
    status, headers, body = curl(
        f'{demo.url}/v1.0',
        *('-H', f'X-Auth-User: {signer.name}'),
        *('-H', f'X-Auth-Key: {key or signer.key}'),
    )
    assert status == (401 if key else 204)
    if key:
        assert (headers.get('x-auth-token'), bool(body)) == (None, True)
        return
    token = headers['x-auth-token']
    assert owner(demo, token) == signer.id
    listed = curl(headers['x-storage-url'], '-H', f'X-Auth-Token: {token}')
    assert listed[0] == 204
    assert listed[1]['x-account-container-count'] == '0'


def sign_in(demo: Demo, person: Person, key: str) -> tuple[int, str]:
    """The status of a login, and its token."""
    status, _, body = demo.ask('POST', '/v2.0/tokens', login(person, key))
    told = json.loads(body)
    return status, told['access']['token']['id'] if status == 200 else ''


def all_sign_in(
    number: int, demo: Demo, person: Person, key: str
) -> list[tuple[int, str]]:
    """What so many get who sign in at the same time."""
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        asked = [
            pool.submit(sign_in, demo, person, key) for _ in range(number)
        ]
        return [answer.result() for answer in asked]


def test_a_new_key_counts_at_once_on_every_worker(demo: Demo) -> None:
    changing = new_person(demo)
    old, tokens = changing.key, []
    for _ in range(2):
        # Every worker has seen the key that goes.
        before = all_sign_in(12, demo, changing, old)
        assert {status for status, _ in before} == {200}
        tokens += [token for _, token in before]
        new = new_key(demo, changing.id)
        assert sign_in(demo, changing, old)[0] == 401
        refused = all_sign_in(12, demo, changing, old)
        assert {status for status, _ in refused} == {401}
        assert sign_in(demo, changing, new)[0] == 200
        old = new
    assert {owner(demo, token) for token in tokens} == {changing.id}


def test_fifty_sign_in_at_the_same_time(demo: Demo, person: Person) -> None:
    start = time.monotonic()
    found = all_sign_in(50, demo, person, person.key)
    print(f'50 logins at the same time: {time.monotonic() - start:.1f} s')
    assert {status for status, _ in found} == {200}
    assert len({token for _, token in found}) == 50
    assert {owner(demo, token) for _, token in found} == {person.id}
