"""Three keymw over the three nodes of a Galera cluster, one of them killed.

    python -m tests.live.galera [--one-node-each]

Clients write API keys through every keymw and read each back through another,
before real Keystones. A node is killed with -9 meanwhile, and started again.
"""

import argparse
from collections.abc import Iterator
import contextlib
import dataclasses
import http.client
import itertools
import json
import pathlib
import sys
import tempfile
import threading
import time

from keymw import conf as configuration
from keymw import vault
from keymw.credentials.handlers import KIND
from keymw.storage.sql.credentials import SqlCredentials
from tests.support import wire
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.servers import Server
from tests.support.servers import ports
from tests.support.servers import together
from tests.support.servers import until
from tests.support.servers.galera import Galera

USERS = 24
CLIENTS = 6
PHASE = 3.0  # seconds
_INI = """\
[pipeline:main]
pipeline = keymw keystone
[filter:keymw]
use = egg:keymw#keymw
config_file = {keymw}
[app:keystone]
use = egg:keymw#keystone
config_file = {keystone}
"""


class Keymw(Server):
    """keymw before Keystone, served by gunicorn."""

    name = 'keymw'
    user = 'root'
    programs = ()

    def __init__(self, keymw: Deployment, cloud: Cloud) -> None:
        super().__init__()
        self.port = ports.free()
        self._token = cloud.admin
        self._ini = _INI.format(
            keymw=keymw.conf_file, keystone=cloud.conf_file
        )

    def set_up(self) -> None:
        self.write('paste.ini', self._ini)

    def command(self) -> list[str]:
        return [
            *(sys.executable, '-m', 'gunicorn', '--paste=paste.ini'),
            *(f'--bind=127.0.0.1:{self.port}', '--workers=1', '--threads=8'),
            '--no-control-socket',
        ]

    def answers(self) -> bool:
        # A Keystone whose first requests come together refuses some: it asks
        # rules that it has not read yet.
        try:
            answer = self.ask('GET', wire.base('nobody'), self._token)
        except OSError:
            return False
        return answer.status == 404

    def ask(
        self, method: str, path: str, token: str, body: bytes | None = None
    ) -> 'Answer':
        """The response to a request."""
        headers = {'X-Auth-Token': token, 'Accept': 'application/json'}
        if body is not None:
            headers['Content-Type'] = 'application/json'
        link = http.client.HTTPConnection('127.0.0.1', self.port, timeout=40)
        with contextlib.closing(link):
            start = time.monotonic()
            link.request(method, path, body, headers)
            reply = link.getresponse()
            return Answer(
                method,
                reply.status,
                reply.headers['Retry-After'],
                reply.read(),
                time.monotonic() - start,
            )


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response of keymw, and its duration."""

    method: str
    status: int
    retry_after: str | None
    body: bytes
    seconds: float


class Client:
    """Writes the keys of some users, who are its own, and reads them."""

    def __init__(
        self, keymws: list[Keymw], users: list[Person], token: str
    ) -> None:
        self._keymws = keymws
        self._users = users
        self._token = token
        self.answers: list[Answer] = []
        self.stale = 0
        # By user: what was acknowledged last, and what may stand instead,
        # since no response or a 503 came to the attempt to write it.
        self.acknowledged: dict[str, str] = {}
        self.possible: dict[str, set[str]] = {}

    def run(self, stop: threading.Event) -> None:
        """Write and read until the stop."""
        for number in itertools.count():
            if stop.is_set():
                return
            user = self._users[number % len(self._users)]
            self._write(user, f'{user.name}-{number:012}')
            self._read(user)

    def all_have_keys(self) -> bool:
        """Whether a key of each user was acknowledged."""
        return len(self.acknowledged) == len(self._users)

    def _write(self, user: Person, key: str) -> None:
        body = wire.Json().write(username=user.name, apiKey=key)
        answer = self._keymws[0].ask(
            'POST', wire.base(user.id), self._token, body
        )
        self.answers.append(answer)
        if answer.status == 201:
            self.acknowledged[user.id] = key
            self.possible[user.id] = set()
        else:
            self.possible.setdefault(user.id, set()).add(key)

    def _read(self, user: Person) -> None:
        answer = self._keymws[1].ask('GET', wire.key(user.id), self._token)
        self.answers.append(answer)
        if answer.status == 200:
            key = json.loads(answer.body)[wire.ROOT]['apiKey']
            self.stale += not self.may_stand(user.id, key)

    def may_stand(self, user_id: str, key: str) -> bool:
        """Whether a key is the one that a reader must find."""
        return key == self.acknowledged.get(user_id) or key in (
            self.possible.get(user_id, ())
        )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What happened."""

    answers: list[Answer]
    stale: int
    keys: int
    lost: dict[str, int]
    rejoined: float

    def of(self, status: int) -> list[Answer]:
        """The responses with a status."""
        return [one for one in self.answers if one.status == status]

    @property
    def strange(self) -> list[Answer]:
        """Wrong responses: a 503 must have a Retry-After."""
        return [
            one
            for one in self.answers
            if one.status not in (200, 201, 503)
            or (one.status == 503 and not one.retry_after)
        ]

    def __str__(self) -> str:
        slowest = max(one.seconds for one in self.answers)
        strange = sorted({one.status for one in self.strange})
        lost = ', '.join(f'{at} {count}' for at, count in self.lost.items())
        return (
            f'writes acknowledged:     {len(self.of(201))}\n'
            f'reads answered:          {len(self.of(200))}, '
            f'of an older key: {self.stale}\n'
            f'503 with Retry-After:    {len(self.of(503))}\n'
            f'other answers:           {len(self.strange)} {strange}\n'
            f'slowest answer:          {slowest:.1f} s\n'
            f'killed node in sync:     {self.rejoined:.1f} s after its start\n'
            f'of {self.keys} acknowledged keys, lost on: {lost}'
        )


def run(
    home: pathlib.Path,
    cloud: Cloud,
    *,
    one_node_each: bool = False,
    phase: float = PHASE,
) -> Outcome:
    """Kill a node under load, start it again, and check its data.

    phase is how many seconds the clients write before the node is killed,
    and after it has come back; twice as many while the others do without it.
    """
    users = [cloud.person() for _ in range(USERS)]
    with Galera() as galera, contextlib.ExitStack() as running:
        made = _deployments(home, galera, one_node_each)
        keymws = [Keymw(one, cloud) for one in made]
        running.enter_context(together(keymws))
        clients = [
            Client(
                [keymws[number % 3], keymws[(number + 1) % 3]],
                users[number::CLIENTS],
                cloud.admin,
            )
            for number in range(CLIENTS)
        ]
        with _all_running(clients):
            # A user without a key would be 404 if the kill meets its creation.
            until(lambda: all(client.all_have_keys() for client in clients))
            time.sleep(phase)
            galera.nodes[0].kill()
            # If it came back before the others notice, they might lose their
            # majority for seconds, and every response be 503.
            until(lambda: galera.nodes[1].status('cluster_size') == '2')
            time.sleep(2 * phase)
            start = time.monotonic()
            galera.nodes[0].start()
            rejoined = time.monotonic() - start
            time.sleep(phase)
        return Outcome(
            [answer for client in clients for answer in client.answers],
            sum(client.stale for client in clients),
            sum(len(client.acknowledged) for client in clients),
            _lost(home, galera, clients),
            rejoined,
        )


def _deployments(
    home: pathlib.Path, galera: Galera, one_node_each: bool
) -> list[Deployment]:
    database = galera.nodes[0].database()
    made = []
    for number, node in enumerate(galera.nodes):
        url = galera.url(database, first=number)
        if one_node_each:
            url = node.url(database)
        made.append(_deployment(home, f'keymw-{number}', url))
    made[0].set_up()
    return made


def _deployment(home: pathlib.Path, name: str, url: str) -> Deployment:
    return Deployment(
        home / name,
        {
            'database': {'connection': url, 'mysql_wsrep_sync_wait': '7'},
            'vault': {'key_repository': str(home / 'vault')},
            'identity': {'token_cache_ttl': '300', 'user_cache_ttl': '300'},
        },
    )


@contextlib.contextmanager
def _all_running(clients: list[Client]) -> Iterator[None]:
    stop = threading.Event()
    threads = [
        threading.Thread(target=client.run, args=[stop]) for client in clients
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _lost(
    home: pathlib.Path, galera: Galera, clients: list[Client]
) -> dict[str, int]:
    """How many acknowledged keys each node has lost."""
    opens = vault.load(str(home / 'vault'))
    lost = {}
    for number, node in enumerate(galera.nodes):
        made = _deployment(home, f'node-{number}', node.url('keymw'))
        store = SqlCredentials(configuration.load(str(made.conf_file)))
        found = {
            row.user_id: opens.open(KIND, row.user_id, row.secret)
            for row in store.page('', 10 * USERS)
        }
        lost[f'node {number + 1}'] = sum(
            not client.may_stand(user_id, found.get(user_id, ''))
            for client in clients
            for user_id in client.acknowledged
        )
    return lost


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        '--one-node-each',
        action='store_true',
        help='each keymw knows one node alone, as one beside its node may',
    )
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        cloud = Cloud(pathlib.Path(home))
        alone = options.one_node_each
        print(run(pathlib.Path(home), cloud, one_node_each=alone))
    print(f'the run took             {time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    main()
