"""The commands of the user guide, as its pages have them."""

from collections.abc import Iterator
import contextlib
import json
import pathlib
import subprocess
import threading
from typing import Any
from wsgiref import simple_server

import openstack
import pytest

from tests.support import pages
from tests.support import wire
from tests.support.api_keys import KeyDesk
from tests.support.api_keys import options
from tests.support.cloud import Cloud
from tests.support.cloud import Person

pytestmark = pytest.mark.filterwarnings('ignore')

STRICT = 'set -e; curl() { command curl -sS --fail-with-body "$@"; }\n'


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Write no line for each request."""


class Reader:
    """A user who types what the guide says, with names of their own."""

    def __init__(self, url: str, person: Person) -> None:
        self.url = url
        self._set = {'AUTH_URL': url}
        self._names = {
            'http://127.0.0.1:5000': url,
            '"alice"': f'"{person.name}"',
            'username alice': f'username {person.name}',
            'username: alice': f'username: {person.name}',
            'X-Auth-User: alice': f'X-Auth-User: {person.name}',
            '"password": "demo"': '"password": "secret"',
        }

    def put(self, **names: str) -> None:
        """Learn what stands for these names."""
        self._set |= names

    def text(self, block: str) -> str:
        """A block with the reader's own names."""
        for former, new in self._names.items():
            block = block.replace(former, new)
        for name in ('ALICES_KEY', 'THE_KEY', 'KEY_ID'):
            block = block.replace(name, self._set.get(name, name))
        return block

    def run(self, page: str, start: str) -> str:
        """What the commands of a paragraph print, without their answers."""
        paragraphs = '\n'.join(pages.blocks(page)).split('\n\n')
        script = next(p for p in paragraphs if p.startswith(start))
        done = subprocess.run(
            ['bash', '-c', STRICT + self.text(script)],
            env=self._set,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def desk(cloud: Cloud, tmp_path: pathlib.Path) -> KeyDesk:
    return KeyDesk(tmp_path, cloud, options())


@pytest.fixture
def person(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture
def reader(desk: KeyDesk, person: Person) -> Iterator[Reader]:
    server = simple_server.make_server(
        '127.0.0.1', 0, desk.web.app, handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield Reader(f'http://127.0.0.1:{server.server_port}', person)
    server.shutdown()
    thread.join()
    server.server_close()


def headers(printed: str) -> dict[str, str]:
    """The headers that curl -i printed."""
    lines = printed.partition('\n\n')[0].splitlines()[1:]
    return dict(line.split(': ', 1) for line in lines)


def test_an_api_key_lives_as_the_guide_says(
    reader: Reader, desk: KeyDesk
) -> None:
    page = 'user/api-keys'
    printed = reader.run(page, 'curl -si $AUTH_URL')
    body = json.loads(printed.partition('\n\n')[2])
    user_id = body['token']['user']['id']
    token = headers(printed)['X-Subject-Token']
    keys = f'/v3/users/{user_id}/api_keys'
    reader.put(TOKEN=token, USER_ID=user_id, KEYS=f'{reader.url}{keys}')
    made = json.loads(reader.run(page, 'KEYS='))['api_key']
    reader.put(THE_KEY=made['secret'], KEY_ID=made['id'])
    assert 'X-Subject-Token' in reader.run(page, 'curl -i $AUTH_URL/v3')
    assert 'access' in json.loads(reader.run(page, 'curl $AUTH_URL/v2.0'))
    assert 'X-Auth-Token' in reader.run(page, 'curl -i $AUTH_URL/v1.0')
    rotated = json.loads(reader.run(page, 'curl "$KEYS/KEY_ID/rotate"'))
    assert rotated['api_key']['secret'] != made['secret']
    reader.run(page, 'curl $AUTH_URL/v3/api_keys/revoke')
    assert desk.sign_in(made['secret']).status_int == 401
    reader.run(page, 'curl -X PATCH')
    assert desk.ask('GET', keys, token).json['api_keys'] == []


def test_clients_sign_in_as_the_guide_says(
    reader: Reader, desk: KeyDesk, person: Person, tmp_path: pathlib.Path
) -> None:
    reset = desk.ask('POST', wire.reset(person.id), desk.cloud.admin)
    reader.put(ALICES_KEY=reset.json[wire.ROOT]['apiKey'])
    assert 'X-Subject-Token' in reader.run('user/clients', 'curl -i $AUTH_URL')
    assert 'access' in json.loads(reader.run('user/sign-in', 'curl http'))
    clouds = tmp_path / 'clouds.yaml'
    clouds.write_text(reader.text(pages.block('user/clients', 'clouds:')))
    loaded = openstack.config.OpenStackConfig(config_files=[str(clouds)])
    with contextlib.closing(
        openstack.connection.Connection(config=loaded.get_one('keymw'))
    ) as connected:
        assert connected.auth_token
        assert connected.current_user_id == person.id
