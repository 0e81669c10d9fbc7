"""Owners who demote each other at the same time, over HTTP: one stays.

Of a server with four workers, on each database.
"""

from collections.abc import Iterator
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.live.clients import kubernetes
from tests.support import manage
from tests.support.deployment import Deployment
from tests.support.servers.mariadb import MariaDB
from tests.support.servers.postgresql import PostgreSQL

ROUNDS = 10
WORKERS = 4
KEYS = '/api/public/v1.0/admin/apiKeys'
OWNER = ['GLOBAL_OWNER']
READER = ['GLOBAL_READ_ONLY']
DATABASES = {'sqlite': None, 'postgresql': PostgreSQL, 'mariadb': MariaDB}


@pytest.fixture(scope='module', params=DATABASES.values(), ids=list(DATABASES))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """keymw with global keys, let in from here, on a database."""
    options = {
        'global_keys': {'enabled': 'true'},
        'identity': {'api_version': 'v2.0', 'service_user': ''},
    }
    with contextlib.ExitStack() as running:
        if request.param is not None:
            server = running.enter_context(request.param())
            url = server.url(server.database()).rstrip('?&')
            options['database'] = {'connection': url}
        found = Deployment(tmp_path_factory.mktemp('owners') / 'k', options)
        found.set_up()
        words = ('add', '127.0.0.1', '--description', 'here')
        assert manage.run(found.conf_file, 'access-list', *words).code == 0
        yield found


@pytest.fixture(scope='module')
def url(made: Deployment) -> Iterator[str]:
    """The URLs of its workers."""
    pytest.importorskip('gunicorn')
    environ = os.environ | {
        'KEYMW_CONF': str(made.conf_file),
        'PYTHONPATH': os.pathsep.join(sys.path),
    }
    command = [sys.executable, '-m', 'gunicorn', '--preload']
    command += ['--workers', str(WORKERS), '--bind', '127.0.0.1:0']
    command += ['tests.live.preloaded:make()']
    with subprocess.Popen(
        command, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        yield place(process) + KEYS
        process.send_signal(signal.SIGINT)


def place(process: subprocess.Popen[str]) -> str:
    """Where it listens, once all workers are there.

    A nonce that is older than a worker is asked for again, and the client
    here asks once.
    """
    said, found, booted = [], '', 0
    for line in process.stderr or ():
        said.append(line)
        if 'Listening at: ' in line:
            found = line.partition('Listening at: ')[2].split()[0]
        booted += 'Booting worker' in line
        if booted == WORKERS:
            return found
    raise AssertionError(''.join(said))


@dataclasses.dataclass(frozen=True)
class Owner:
    """A key with all rights, and its requests."""

    id: str
    public: str
    private: str = dataclasses.field(repr=False)

    def ask(self, method: str, url: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of a response."""
        sent = None if body is None else json.dumps(body)
        status, _, told = self.asks(method, url, sent)
        return status, json.loads(told or 'null')

    def asks(
        self, method: str, url: str, body: str | None = None
    ) -> kubernetes.Response:
        """The same with all headers."""
        return kubernetes.asks(self.public, self.private, method, url, body)


@pytest.fixture
def pair(made: Deployment, url: str) -> list[Owner]:
    """The only two owners."""
    ids = [row['ID'] for row in global_key(made, 'list')]
    for id_ in ids:
        words = ('global-key', 'delete', id_, '--leave-no-owner')
        assert manage.run(made.conf_file, *words).code == 0
    told = global_key(made, 'create', '--description', 'x', '--role', *OWNER)
    first = Owner(told['ID'], told['Public Key'], told['Private Key'])
    body = {'desc': 'x', 'roles': OWNER}
    status, told = first.ask('POST', url, body)
    assert status == 200
    return [first, Owner(told['id'], told['publicKey'], told['privateKey'])]


def global_key(made: Deployment, *words: str) -> Any:
    return manage.run(made.conf_file, 'global-key', *words, '-f', 'json').data


def at_once(*calls: Any) -> list[tuple[int, Any]]:
    """The responses to calls that begin at the same time."""
    start = threading.Barrier(len(calls))

    def ask(call: Any) -> Any:
        owner, *what = call
        start.wait()
        return owner.ask(*what)

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(ask, calls))


@pytest.mark.parametrize('of', ['themselves', 'each other'])
def test_of_two_who_are_demoted_one_stays_owner(
    pair: list[Owner], url: str, of: str
) -> None:
    targets = pair if of == 'themselves' else pair[::-1]
    for _ in range(ROUNDS):
        answers = at_once(
            *(
                (by, 'PATCH', f'{url}/{target.id}', {'roles': READER})
                for by, target in zip(pair, targets, strict=True)
            )
        )
        refused = [told for status, told in answers if status != 200]
        assert [status for status, _ in answers].count(200) == 1
        # Who was demoted first has no say in what becomes of the other.
        assert refused[0]['errorCode'] in (
            *('CANNOT_DEMOTE_LAST_OWNER', 'USER_UNAUTHORIZED'),
        )
        assert len(owners(pair[0], url)) == 1
        restore(pair, url)


@pytest.mark.parametrize('of', ['themselves', 'each other'])
def test_of_two_who_are_deleted_one_stays(
    pair: list[Owner], url: str, of: str
) -> None:
    targets = pair if of == 'themselves' else pair[::-1]
    answers = at_once(
        *(
            (by, 'DELETE', f'{url}/{target.id}')
            for by, target in zip(pair, targets, strict=True)
        )
    )
    assert sorted(status for status, _ in answers)[0] == 204
    assert [status for status, _ in answers].count(204) == 1


def owners(by: Owner, url: str) -> list[str]:
    """The ids of those who are left."""
    status, told = by.ask('GET', url)
    assert status == 200
    return [
        key['id'] for key in told['results'] if key['globalRoles'] == OWNER
    ]


def restore(pair: list[Owner], url: str) -> None:
    """Let both be owners again."""
    (left,) = owners(pair[0], url)
    by, other = sorted(pair, key=lambda owner: owner.id != left)
    status, _ = by.ask('PATCH', f'{url}/{other.id}', {'roles': OWNER})
    assert status == 200


def test_a_key_that_is_deleted_serves_nowhere(
    pair: list[Owner], url: str
) -> None:
    by, other = pair
    assert set(answering(other, url).values()) == {200}
    assert by.ask('DELETE', f'{url}/{other.id}')[0] == 204
    assert set(answering(other, url).values()) == {401}


def answering(by: Owner, url: str) -> dict[str, int]:
    """The status of the response of each worker."""
    found: dict[str, int] = {}
    while len(found) < WORKERS:
        status, headers, _ = by.asks('GET', url)
        assert found.setdefault(headers['X-Worker'], status) == status
    return found
