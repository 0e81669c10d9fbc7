"""Clients with a global key, against the demo and all of its workers."""

from collections.abc import Callable
from collections.abc import Iterator
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.live.clients import install
from tests.live.clients import kubernetes
from tests.live.demo import ROOT
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.support import digest
from tests.support.servers import kill
from tests.support.servers import require

PATIENCE = 120
MANAGE = pathlib.Path(sys.executable).with_name('keymw-manage')
ADMIN = '/api/public/v1.0/admin'
READER = 'GLOBAL_READ_ONLY'
OWNER = 'GLOBAL_OWNER'
WRONG = '00000000-0000-4000-8000-000000000000'


@dataclasses.dataclass(frozen=True)
class Key:
    """A global key, as in the response that made it."""

    id: str
    public: str
    private: str = dataclasses.field(repr=False)


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, which lets in global keys from here."""
    with cached_demo(tmp_path_factory.mktemp('global')) as made:
        words = ('access-list', 'add', '127.0.0.1', '--description', 'here')
        manage(made, *words)
        yield made


@pytest.fixture(scope='module')
def owner(demo: Demo) -> Key:
    """A key that may do everything."""
    return new_key(demo)


@pytest.fixture(scope='module')
def reader(demo: Demo) -> Key:
    """A key that may read."""
    return new_key(demo, READER)


def manage(demo: Demo, *words: str) -> str:
    """What keymw-manage prints, run beside the demo."""
    return subprocess.run(
        [MANAGE, f'--config-file={demo.home}/keymw.conf', *words],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def new_key(demo: Demo, role: str = OWNER) -> Key:
    words = ('create', '--description', 'a client', '--role', role)
    told = json.loads(manage(demo, 'global-key', *words, '-f', 'json'))
    return Key(told['ID'], told['Public Key'], told['Private Key'])


def ask(demo: Demo, key: Key, method: str, path: str, body: Any = None) -> Any:
    """Status and body of a response to a client with this key."""
    by = kubernetes.client(key.public, key.private)
    sent = None if body is None else json.dumps(body)
    status, told = by(method, f'{demo.url}{ADMIN}{path}', sent)
    return status, json.loads(told or 'null')


def run(
    command: list[Any], said: str = ''
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={'HOME': str(install.PLACE), 'PATH': os.environ['PATH']},
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


PACKAGES = (
    *('requests==2.34.2', 'httpx==0.28.1', 'aiohttp==3.14.5'),
    'opsmanager==0.5.3',
)


def python() -> pathlib.Path:
    return install.python('requests', *PACKAGES)


def in_python(script: str) -> Callable[[], list[Any]]:
    return lambda: [python(), '-m', f'tests.live.clients.{script}']


def in_node(script: str, package: str) -> Callable[[], list[Any]]:
    file = f'tests/live/clients/{script}.js'
    name = package.rpartition('@')[0].replace('/', '-')
    return lambda: ['node', file, install.node(name, package)]


def by_hand() -> list[Any]:
    return [sys.executable, '-m', 'tests.live.clients.kubernetes']


CLIENTS: dict[str, Callable[[], list[Any]]] = {
    'requests': in_python('digest_requests'),
    'httpx': in_python('digest_httpx'),
    'aiohttp': in_python('digest_aiohttp'),
    'urllib': in_python('digest_urllib'),
    'npm-urllib': in_node('digest_urllib', 'urllib@4.9.1'),
    'digest-fetch': in_node('digest_fetch', 'digest-fetch@3.1.1'),
    'kubernetes': by_hand,
}
CALLS: list[tuple[str, str, Any]] = [
    ('GET', '/apiKeys?pageNum=1&itemsPerPage=500', None),
    ('GET', '/apiKeys/roles', None),
    ('POST', '/apiKeys', {'desc': 'made', 'roles': [READER]}),
    ('GET', '/apiKeys/ID', None),
    ('PATCH', '/apiKeys/ID?pretty=true', {'desc': 'changed'}),
    ('DELETE', '/apiKeys/ID', None),
    ('GET', '/apiKeys/ID', None),
    ('POST', '/whitelist', {'cidrBlock': '192.0.2.1', 'description': 'made'}),
    ('GET', '/whitelist/ID', None),
    ('PATCH', '/accessList/ID', {'description': 'changed'}),
    ('DELETE', '/accessList/ID', None),
]


def told_by(
    client: Callable[[], list[Any]],
    demo: Demo,
    *keys: Key,
    calls: list[tuple[str, str, Any]] = CALLS,
) -> list[Any]:
    """The responses of a client with each key to all requests of a list."""
    given = {
        'url': demo.url + ADMIN,
        'keys': [(key.public, key.private) for key in keys],
        'calls': [
            (method, path, None if body is None else json.dumps(body))
            for method, path, body in calls
        ],
    }
    done = run(client(), json.dumps(given))
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize('client', CLIENTS.values(), ids=CLIENTS)
def test_a_client_completes_what_its_key_allows(
    demo: Demo, owner: Key, reader: Key, client: Callable[[], list[Any]]
) -> None:
    wrong = dataclasses.replace(owner, private=WRONG)
    whole, read_only, refused = told_by(client, demo, owner, reader, wrong)
    check_whole(owner, whole)
    check_read_only(read_only)
    assert {status for status, _ in refused} == {401}


def check_whole(owner: Key, answers: list[Any]) -> None:
    """Every call is completed."""
    statuses = [status for status, _ in answers]
    assert statuses == [200] * 5 + [204, 400] + [200] * 3 + [204]
    listed, roles, made, shown, changed, _, gone, *entries = [
        body for _, body in answers
    ]
    assert owner.id in {key['id'] for key in listed['results']}
    assert listed['totalCount'] == len(listed['results'])
    assert OWNER in roles
    assert made['privateKey'][-12:] == made['privateKeyRedacted'][-12:]
    assert shown['privateKey'] == made['privateKeyRedacted']
    assert (shown['desc'], changed['desc']) == ('made', 'changed')
    assert gone['errorCode'] == 'API_KEY_NOT_FOUND'
    assert [entry['description'] for entry in entries[:3]] == [
        *('made', 'made', 'changed')
    ]


def check_read_only(answers: list[Any]) -> None:
    """Writes are refused for want of a role."""
    writes = [
        (status, body['errorCode'])
        for (status, body), (method, *_) in zip(answers, CALLS, strict=True)
        if method != 'GET'
    ]
    assert set(writes) == {(401, 'USER_UNAUTHORIZED')}
    assert [status for status, _ in answers[:2]] == [200, 200]


def test_a_client_that_leaves_the_query_out_of_its_uri(
    demo: Demo, owner: Key
) -> None:
    """It reads whatever it likes, and writes where there is no query."""
    made = {'desc': 'made', 'roles': [READER]}
    calls: list[tuple[str, str, Any]] = [
        ('GET', '/apiKeys?pretty=true', None),
        ('GET', '/whitelist?pageNum=1&itemsPerPage=500', None),
        ('POST', '/apiKeys', made),
        ('PATCH', '/apiKeys/ID?pretty=true', {'desc': 'changed'}),
        ('POST', '/apiKeys?pretty=true', made),
        ('DELETE', '/apiKeys/ID', None),
    ]
    client = in_node('digest_axios', '@mhoc/axios-digest-auth@0.8.0')
    (answers,) = told_by(client, demo, owner, calls=calls)
    statuses = [status for status, _ in answers]
    assert statuses == [200, 200, 200, 401, 401, 204]
    assert owner.id in {key['id'] for key in answers[0][1]['results']}


def test_opsmanager_reads(demo: Demo, owner: Key) -> None:
    others = [new_key(demo, READER) for _ in range(2)]
    told = opsmanager(demo, owner.public, owner.private)
    keys, entries, key, entry = told
    everything = ask(demo, owner, 'GET', '/apiKeys')[1]
    assert [one['id'] for one in keys] == [
        one['id'] for one in everything['results']
    ]
    assert {one.id for one in others} < {one['id'] for one in keys}
    assert key == keys[-1]
    assert key['public_key'] == others[-1].public
    assert key['roles'] == [{'roleName': READER}]
    assert entries[0] == entry
    assert '127.0.0.1' in entry.values()


def test_opsmanager_is_told_of_a_wrong_key(demo: Demo, owner: Key) -> None:
    told = opsmanager(demo, owner.public, WRONG)
    assert told == ['OpsManagerAuthenticationError']


def opsmanager(demo: Demo, public: str, private: str) -> Any:
    given = {'url': demo.url, 'public_key': public, 'private_key': private}
    command = [python(), '-m', 'tests.live.clients.opsmanager_reads']
    done = run(command, json.dumps(given))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# As the documentation prints them, to the letter.
UPDATE_KEY = """\
curl --user "{USERNAME}:{APIKEY}" --digest \\
  --header "Accept: application/json" \\
  --header "Content-Type: application/json" \\
  --request PATCH "https://{+opsmgr-url+}/api/public/v1.0/admin/apiKeys/\
{API-KEY-ID}?pretty=true" \\
  --data '{
    "desc" : "Updated API key description for test purposes"
  }'
"""
UPDATED_KEY = """\
{
  "created": "2019-09-04T15:37:40Z",
  "desc": "Updated API key description for test purposes",
  "globalRoles": ["GLOBAL_READ_ONLY"],
  "groupRoles": [],
  "numGroups": 0,
  "orgRoles": [],
  "orgRolesString": "",
  "privateKey": "********-****-****-cfe60e9f1f72",
  "userId": "5d6fda44ff4ab7133648a852",
  "username": "dczverfw"
}
"""
CREATE_KEY = """\
curl --user "{PUBLIC-KEY}:{PRIVATE-KEY}" --digest \\
  --header "Accept: application/json" \\
  --header "Content-Type: application/json" \\
  --include \\
  --request POST "https://{+opsmgr-url+}/api/public/v1.0/admin/apiKeys\
?pretty=true" \\
  --data '{
    "desc" : "New API key for Global Testing",
    "roles" : [ "GLOBAL_READ_ONLY", "GLOBAL_USER_ADMIN" ]
  }'
"""
GET = """\
curl --user "{USERNAME}:{APIKEY}" --digest \\
     --header "Accept: application/json" \\
     --include \\
     --request GET "https://{+opsmgr-url+}/api/public/v1.0/admin/PATH\
?pretty=true"
"""
DELETE_KEY = """\
curl --user "{USERNAME}:{APIKEY}" --digest \\
 --header "Accept: application/json" \\
 --header "Content-Type: application/json" \\
 --include \\
 --request DELETE "https://{+opsmgr-url+}/api/public/v1.0/admin/apiKeys/\
{API-KEY-ID}?pretty=true"
"""
CREATE_ENTRY = """\
curl --user '{USER-ID}:{API-KEY}' --digest \\
--header 'Accept: application/json' \\
--header 'Content-Type: application/json' \\
--include \\
--request POST "https://{+opsmgr-url+}/api/public/v1.0/admin/accessList\
?pretty=true" \\
--data '
  {
    "cidrBlock"  : "127.0.0.1/32",
    "description" : "Docs Example"
  }'
"""
UPDATE_ENTRY = """\
curl --user "{PUBLIC-KEY}:{PRIVATE-KEY}" --digest \\
  --header "Accept: application/json" \\
  --header "Content-Type: application/json" \\
  --request PATCH "https://{+opsmgr-url+}/api/public/v1.0/admin/accessList/\
{ACCESS-LIST-ID}?pretty=true"
"""
DELETE_ENTRY = """\
curl --user "{USERNAME}:{APIKEY}" --digest \\
  --header "Accept: application/json" \\
  --header "Content-Type: application/json" \\
  --request DELETE "https://{+opsmgr-url+}/api/public/v1.0/admin/accessList/\
{ACCESS-LIST-ID}"
"""
USER = re.compile(r'\{[A-Z-]+\}:\{[A-Z-]+\}')
ID = re.compile(r'\{(API-KEY|ACCESS-LIST)-ID\}')


def typed(
    demo: Demo, key: Key, command: str, id_: str = '', **words: str
) -> tuple[int, Any]:
    """Status and body of the response to a command of the documentation."""
    require('curl', ('curl',))
    command = command.replace('https://{+opsmgr-url+}', demo.url)
    command = USER.sub(f'{key.public}:{key.private}', command)
    command = ID.sub(id_, command).rstrip('\n')
    for name, value in words.items():
        command = command.replace(name, value)
    command += ' --silent --write-out "\n%{http_code}"'
    done = run(['sh', '-c', command])
    assert done.returncode == 0, done.stderr
    text, _, status = done.stdout.rpartition('\n')
    # With --include there are the heads of two responses before it.
    body = re.sub(r'\A(HTTP/1\.1 .*?\n\n)*', '', text, flags=re.DOTALL)
    return int(status), json.loads(body or 'null')


def test_the_update_of_a_key_as_it_is_printed(demo: Demo, owner: Key) -> None:
    key = new_key(demo, READER)
    before = ask(demo, owner, 'GET', f'/apiKeys/{key.id}')[1]
    status, told = typed(demo, owner, UPDATE_KEY, key.id)
    expected = json.loads(UPDATED_KEY) | {
        'created': before['created'],
        'privateKey': f'********-****-****-{key.private[-12:]}',
        'userId': key.id,
        'username': key.public,
    }
    assert status == 200
    assert told.items() >= expected.items()
    assert re.fullmatch(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ', told['created'])


def test_a_key_lives_by_what_is_printed(demo: Demo, owner: Key) -> None:
    status, made = typed(demo, owner, CREATE_KEY)
    assert status == 200
    assert made['globalRoles'] == [READER, 'GLOBAL_USER_ADMIN']
    status, listed = typed(demo, owner, GET, PATH='apiKeys')
    assert (status, listed['results'][-1]['id']) == (200, made['id'])
    status, shown = typed(demo, owner, GET, PATH=f'apiKeys/{made["id"]}')
    assert (status, shown) == (200, listed['results'][-1])
    status, changed = typed(demo, owner, UPDATE_KEY, made['id'])
    assert (status, changed['id']) == (200, made['id'])
    assert typed(demo, owner, DELETE_KEY, made['id']) == (204, None)
    status, gone = typed(demo, owner, GET, PATH=f'apiKeys/{made["id"]}')
    assert (status, gone['errorCode']) == (400, 'API_KEY_NOT_FOUND')


def test_the_roles_as_they_are_asked_for(demo: Demo, owner: Key) -> None:
    status, roles = typed(demo, owner, GET, PATH='apiKeys/roles')
    assert (status, len(roles)) == (200, 7)


def test_an_entry_lives_by_what_is_printed(demo: Demo, owner: Key) -> None:
    # The one of the documentation is what lets us in.
    other = CREATE_ENTRY.replace('127.0.0.1/32', '198.51.100.0/24')
    status, made = typed(demo, owner, other)
    assert (status, made['description']) == (200, 'Docs Example')
    status, refused = typed(demo, owner, CREATE_ENTRY)
    assert status == 400
    assert refused['errorCode'] == 'DUPLICATE_GLOBAL_WHITELIST_ENTRY'
    path = f'accessList/{made["id"]}'
    assert typed(demo, owner, GET, PATH=path) == (200, made)
    status, listed = typed(demo, owner, GET, PATH='accessList')
    assert (status, made in listed['results']) == (200, True)
    assert typed(demo, owner, UPDATE_ENTRY, made['id']) == (200, made)
    assert typed(demo, owner, DELETE_ENTRY, made['id']) == (204, None)
    assert typed(demo, owner, GET, PATH=path)[0] == 404


def test_what_the_demo_prints_makes_the_first_key(demo: Demo) -> None:
    (paragraph,) = [
        text for text in demo.printed.split('\n\n') if 'global-key' in text
    ]
    # Where the access list has the entry already.
    script = paragraph.replace('add 127.0.0.1 ', 'add 127.0.0.0/8 ')
    done = subprocess.run(
        ['bash', '-ec', script],
        cwd=ROOT,
        env={**os.environ, 'DEMO_DIR': str(demo.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = done.stdout.rpartition('HTTP/1.1 ')[2]
    assert answer.startswith('200 ')


def test_a_key_that_is_deleted_serves_nowhere(demo: Demo, owner: Key) -> None:
    for _ in range(3):
        key = new_key(demo, READER)
        assert all_ask(demo, key) == {200}
        assert ask(demo, owner, 'DELETE', f'/apiKeys/{key.id}')[0] == 204
        assert all_ask(demo, key) == {401}


def test_a_captured_write_is_done_once_by_all_workers(
    demo: Demo, owner: Key
) -> None:
    assert len(demo.workers()) > 2
    url = f'{demo.url}{ADMIN}/apiKeys'
    header = answer_to(url, 'POST', owner)

    def send(number: int) -> int:
        body = {'desc': f'captured {number}', 'roles': [OWNER]}
        request = urllib.request.Request(
            url,
            method='POST',
            headers={
                'Authorization': header,
                'Content-Type': 'application/json',
            },
            data=json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(send, range(20)))
    statuses += [send(number) for number in range(20, 40)]
    assert sorted(statuses) == [200] + [401] * 39
    listed = ask(demo, owner, 'GET', '/apiKeys?itemsPerPage=500')[1]['results']
    made = [key for key in listed if key['desc'].startswith('captured')]
    assert len(made) == 1


def answer_to(url: str, method: str, key: Key) -> str:
    """The response to a challenge, as somebody on the way could see it."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, method=method))
    except urllib.error.HTTPError as error:
        told = error.headers['WWW-Authenticate']
    challenge = {
        name: text.strip('"')
        for name, text in re.findall(r'(\w+)=("[^"]*"|\S+?)(?=,|$)', told)
    }
    path = urllib.parse.urlsplit(url).path
    return digest.answer(challenge, method, path, key.public, key.private)


def all_ask(demo: Demo, key: Key, number: int = 24) -> set[int]:
    """Concurrent responses, from any worker."""
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        answers = [
            pool.submit(ask, demo, key, 'GET', '/apiKeys/roles')
            for _ in range(number)
        ]
        return {answer.result()[0] for answer in answers}


def test_keys_outlive_kill_9(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with cached_demo(tmp_path_factory.mktemp('killed')) as first:
        words = ('access-list', 'add', '127.0.0.0/8', '--description', 'here')
        manage(first, *words)
        owner = new_key(first)
        body = {'desc': 'made', 'roles': [READER]}
        status, made = ask(first, owner, 'POST', '/apiKeys', body)
        assert status == 200
        reader = Key(made['id'], made['publicKey'], made['privateKey'])
        kill([first.process.pid, *first.workers()])
        first.process.communicate(timeout=30)
        again = Demo(first.home, first.programs, port=first.port)
        try:
            assert all_ask(again, reader) == {200}
            path = f'/apiKeys/{reader.id}'
            assert ask(again, owner, 'DELETE', path)[0] == 204
            assert all_ask(again, reader) == {401}
        finally:
            again.stop()
