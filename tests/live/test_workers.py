"""Workers of one demo under load: no key that was acknowledged is lost."""

import collections
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any
import uuid

import pytest

from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.support import wire as wires


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with several workers and a quick Keystone."""
    with cached_demo(tmp_path_factory.mktemp('workers')) as made:
        yield made


def manage(demo: Demo, *words: str) -> str:
    """What keymw-manage prints, run beside the demo."""
    return subprocess.run(
        [
            pathlib.Path(sys.executable).with_name('keymw-manage'),
            f'--config-file={demo.home}/keymw.conf',
            *words,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


class Credential:
    """The credential of a new user, changed and read by the administrator."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._user = new_user(demo)

    def change(self) -> tuple[int, str]:
        """The status, and the new key if there is one."""
        status, _, body = self._demo.ask('POST', wires.reset(self._user))
        return status, key_in(body) if status == 200 else ''

    def use(self, key: str) -> tuple[int, bool]:
        """The status, and whether this is the key."""
        status, _, body = self._demo.ask('GET', wires.key(self._user))
        return status, status == 200 and key_in(body) == key


class ApiKey:
    """An API key of a new user, rotated by its owner and signed in with."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        user = new_user(demo)
        name = json.loads(demo.ask('GET', f'/v3/users/{user}')[2])
        self._token = demo.sign_in(name['user']['name'], 'demo')
        base = f'/v3/users/{user}/api_keys'
        body = {'api_key': {'name': 'nightly'}}
        status, _, made = demo.ask('POST', base, body, self._token)
        assert status == 201, made
        self._path = f'{base}/{json.loads(made)["api_key"]["id"]}/rotate'

    def change(self) -> tuple[int, str]:
        """The status, and the new key if there is one."""
        answer = self._demo.ask('POST', self._path, {}, self._token)
        found = json.loads(answer[2]) if answer[0] == 200 else {}
        return answer[0], found['api_key']['secret'] if found else ''

    def use(self, key: str) -> tuple[int, bool]:
        """The status, and whether this is the key."""
        method = {'methods': ['api_key'], 'api_key': {'secret': key}}
        body = {'auth': {'identity': method}}
        status = self._demo.ask('POST', '/v3/auth/tokens', body)[0]
        return status, status == 201


def key_in(body: bytes) -> str:
    return str(json.loads(body)[wires.ROOT]['apiKey'])


def new_user(demo: Demo) -> str:
    """The id of a new member of the project "demo"."""
    user = {'name': uuid.uuid4().hex, 'password': 'demo'}
    made = demo.ask('POST', '/v3/users', {'user': user})
    user_id = str(json.loads(made[2])['user']['id'])
    ids = {
        kind: json.loads(demo.ask('GET', f'/v3/{kind}?name={name}')[2])
        for kind, name in (('projects', 'demo'), ('roles', 'member'))
    }
    (project,), (role,) = (found[kind] for kind, found in ids.items())
    demo.ask(
        'PUT',
        f'/v3/projects/{project["id"]}/users/{user_id}/roles/{role["id"]}',
    )
    return user_id


class Load:
    """Threads that change keys and use them, each its own."""

    def __init__(
        self,
        demo: Demo,
        kinds: Sequence[type[Credential] | type[ApiKey]] = (Credential,) * 4,
    ) -> None:
        self._stop = threading.Event()
        self.acknowledged: dict[Credential | ApiKey, str] = {}
        self.statuses: collections.Counter[int] = collections.Counter()
        self.wrong: list[Credential | ApiKey] = []
        self.targets = [kind(demo) for kind in kinds]
        self._threads = [
            threading.Thread(target=self._run, args=(target,))
            for target in self.targets
        ]

    def _run(self, target: Credential | ApiKey) -> None:
        while not self._stop.is_set():
            status, new = self._try(target.change)
            if status == 200:
                self.acknowledged[target] = new
            elif status == 0:
                # What got no response may have been written, or not.
                self.acknowledged.pop(target, None)
            if target in self.acknowledged:
                self._check(target, self.acknowledged[target])

    def _check(self, target: Credential | ApiKey, key: str) -> None:
        status, is_right = self._try(target.use, key)
        if status not in (0, 503) and not is_right:
            self.wrong.append(target)

    def _try(
        self, ask: Callable[..., tuple[int, Any]], *about: str
    ) -> tuple[int, Any]:
        try:
            answer = ask(*about)
        except (OSError, http.client.HTTPException):
            # The connection of a worker that was killed.
            answer = 0, ''
        self.statuses[answer[0]] += 1
        return answer

    def __enter__(self) -> 'Load':
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int) -> None:
        """Permit this number of further responses."""
        enough = self.statuses.total() + number
        while self.statuses.total() < enough:
            time.sleep(0.01)


def test_sealing_keys_are_changed_under_load(demo: Demo) -> None:
    with Load(demo) as load:
        load.wait_for(15)
        for former in ('1', '2'):
            manage(demo, 'vault', 'rotate')
            load.wait_for(15)
            manage(demo, 'vault', 'migrate')
            manage(demo, 'vault', 'migrate', '--check')
            manage(demo, 'vault', 'drop', former)
            load.wait_for(15)
    assert set(load.statuses) == {200}
    assert load.wrong == []
    status = manage(demo, 'vault', 'status', '-f', 'value').split('\n')
    assert [line.split()[:2] for line in status if line] == [
        ['0', 'staged'],
        ['3', 'seals'],
    ]


def test_what_was_acknowledged_survives_kills_of_workers(demo: Demo) -> None:
    with Load(demo, (Credential, Credential, ApiKey, ApiKey)) as load:
        for _ in range(6):
            load.wait_for(15)
            os.kill(random.choice(demo.workers()[1:]), signal.SIGKILL)
    assert load.wrong == []
    # SQLite keeps Keystone waiting now and then.
    assert set(load.statuses) <= {0, 200, 201, 503}
    for target, key in load.acknowledged.items():
        assert target.use(key)[1]
    # Nor is a key left that cannot be changed.
    assert [target.change()[0] for target in load.targets] == [200] * 4
