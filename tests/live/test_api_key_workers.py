"""API keys on the three workers of the demo: at once, and killed with -9.

KEYMW_KILLS is how often a worker is killed at each moment; 1 by default.
"""

import collections
from collections.abc import Callable
from collections.abc import Iterator
from concurrent import futures
import datetime
import http.client
import json
import os
from typing import Any
import uuid

import pytest

from keymw import conf
from keymw import vault
from keymw.api_keys import keys
from keymw.api_keys.rows import Rows
from keymw.storage.api_keys import ANY_STATE
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import State
from keymw.storage.sql.api_keys import SqlApiKeys
from tests.live.demo import ROOT
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.live.test_workers import manage
from tests.live.test_workers import new_user

KILLS = int(os.environ.get('KEYMW_KILLS', '1'))
# What [api_keys] per_user is by default.
MOST = 25
OLD = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=11)
MAKES = 'POST /v3/OS-TRUST/trusts'
DELETES = 'DELETE /v3/OS-TRUST/trusts/.*'
KILLER = 'paste.filter_factory = tests.live.killer:filter_factory\n'


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, with a filter that can kill its workers."""
    place = tmp_path_factory.mktemp('api-keys')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(ROOT))
        order = f'order = {place}/state/kill\n'
        with cached_demo(place, behind=KILLER + order) as made:
            yield made


class Owner:
    """A new user of the demo, a member of its project "demo"."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self.id = new_user(demo)
        user = _json(demo.ask('GET', f'/v3/users/{self.id}'))['user']
        self._token = demo.sign_in(user['name'], 'demo')

    def ask(self, method: str, path: str = '', body: Any = None) -> Any:
        """Status, headers and body of a response about the user's keys."""
        path = f'/v3/users/{self.id}/api_keys{path}'
        return self._demo.ask(method, path, body, self._token)

    def create(self, name: str) -> Any:
        """Status, headers and body of the creation of a key."""
        return self.ask('POST', '', {'api_key': {'name': name}})

    def made(self) -> dict[str, Any]:
        """A new key."""
        answer = self.create(uuid.uuid4().hex)
        assert answer[0] == 201, answer
        made: dict[str, Any] = _json(answer)['api_key']
        return made

    def names(self) -> list[str]:
        """The names of the user's keys."""
        listed = _json(self.ask('GET'))['api_keys']
        return [key['name'] for key in listed]

    def trusts(self) -> list[str]:
        """The ids of the trusts that the user has made."""
        path = f'/v3/OS-TRUST/trusts?trustor_user_id={self.id}'
        return [t['id'] for t in _json(self._demo.ask('GET', path))['trusts']]


def _json(answer: Any) -> Any:
    return json.loads(answer[2])


def sign_in(demo: Demo, secret: str) -> tuple[int, str]:
    """The status of a login with a key, and the token."""
    identity = {'methods': ['api_key'], 'api_key': {'secret': secret}}
    auth = {'auth': {'identity': identity}}
    status, headers, _ = demo.ask('POST', '/v3/auth/tokens', auth)
    return status, headers.get('X-Subject-Token', '')


def is_valid(demo: Demo, token: str) -> bool:
    """Whether Keystone accepts a token."""
    subject = {'X-Subject-Token': token}
    return bool(demo.ask('GET', '/v3/auth/tokens', **subject)[0] == 200)


def at_once(number: int, call: Callable[[int], Any]) -> list[Any]:
    """The results of calls that begin together."""
    with futures.ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


def test_of_thirty_creates_at_once_as_many_are_made_as_there_is_room_for(
    demo: Demo,
) -> None:
    owner = Owner(demo)
    answers = at_once(30, lambda n: owner.create(f'key {n}'))
    made = [answer for answer in answers if answer[0] == 201]
    refused = [answer for answer in answers if answer[0] == 403]
    assert (len(made), len(refused)) == (MOST, 30 - MOST)
    assert all(f'maximum of {MOST} ' in str(answer[2]) for answer in refused)
    names = {_json(answer)['api_key']['name'] for answer in made}
    assert sorted(owner.names()) == sorted(names)
    assert len(names) == len(owner.trusts()) == MOST


def test_of_creates_at_once_with_one_name_one_is_made(demo: Demo) -> None:
    owner = Owner(demo)
    answers = at_once(6, lambda _n: owner.create('one'))
    assert sorted(answer[0] for answer in answers) == [201] + 5 * [409]
    assert (owner.names(), len(owner.trusts())) == (['one'], 1)


class Store:
    """The rows of API keys beside the demo that serves."""

    def __init__(self, demo: Demo) -> None:
        loaded = conf.load(f'{demo.home}/keymw.conf')
        self._vault = vault.load(loaded.vault.key_repository)
        self._rows = Rows(SqlApiKeys(loaded), self._vault)

    def of(self, owner: Owner) -> list[ApiKey]:
        """All rows of a user."""
        where = Filter(ANY_STATE, user_id=owner.id)
        return self._rows.store.page('', 1000, where)

    def give(self, key: ApiKey, secret: str) -> str:
        """Give a row a secret, which no client has; return the whole key."""
        sealed = keys.seal_secret(self._vault, key.user_id, key.id, secret)
        self._rows.swap(key, secret=sealed)
        return keys.make('kmw', key.id, secret)

    def age(self, owner: Owner) -> None:
        """Make the rows of a user so old that purge takes the unfinished."""
        for key in self.of(owner):
            self._rows.swap(key, updated_at=OLD)


@pytest.fixture(scope='module')
def store(demo: Demo) -> Store:
    return Store(demo)


def kill(
    demo: Demo, moment: str, ask: Callable[..., Any], *words: Any
) -> None:
    """Kill a worker with -9 at a moment of a request."""
    order, new = demo.home / 'kill', demo.home / 'kill.new'
    new.write_text(moment)
    new.rename(order)
    try:
        answer = ask(*words)
    except (OSError, http.client.HTTPException):
        assert not order.exists()
    else:
        pytest.fail(f'no worker was killed, and the response is {answer}')


def owners(demo: Demo) -> Iterator[Owner]:
    """One user for each kill; no user has more keys than are allowed."""
    for n in range(KILLS):
        if n % MOST == 0:
            owner = Owner(demo)
        yield owner


def test_purge_finishes_creates_and_deletes_that_were_killed(
    demo: Demo, store: Store
) -> None:
    killed = [
        *killed_creates(demo, store, f'before {MAKES}', 0),
        *killed_creates(demo, store, f'after {MAKES}', 1),
        *killed_deletes(demo, store, f'before {DELETES}', 1),
        *killed_deletes(demo, store, f'after {DELETES}', 0),
    ]
    for owner in killed:
        store.age(owner)
    manage(demo, 'api-key', 'purge', '--yes')
    for owner in killed:
        assert (store.of(owner), owner.trusts()) == ([], [])


def killed_creates(
    demo: Demo, store: Store, moment: str, trusts: int
) -> list[Owner]:
    """Users whose creates were killed; trusts is the number for each.

    There is a row for each, and whoever had its secret could not sign in.
    """
    killed = list(owners(demo))
    for owner in killed:
        kill(demo, moment, owner.create, uuid.uuid4().hex)
    for owner, number in collections.Counter(killed).items():
        rows = store.of(owner)
        assert [row.state for row in rows] == number * [State.PENDING]
        assert len(owner.trusts()) == number * trusts
        for row in rows:
            secret = store.give(row, keys.new_secret())
            assert sign_in(demo, secret)[0] == 401
    return list(dict.fromkeys(killed))


def killed_deletes(
    demo: Demo, store: Store, moment: str, trusts: int
) -> list[Owner]:
    """Users whose deletes were killed; trusts is the number left for each.

    There is a row for each, and the key signs in no more.
    """
    killed = list(owners(demo))
    for owner in killed:
        key = owner.made()
        token = sign_in(demo, key['secret'])[1]
        kill(demo, moment, delete, owner, key)
        assert sign_in(demo, key['secret'])[0] == 401
        assert is_valid(demo, token) == bool(trusts)
    for owner, number in collections.Counter(killed).items():
        states = [row.state for row in store.of(owner)]
        assert states == number * [State.DELETED]
        assert len(owner.trusts()) == number * trusts
    return list(dict.fromkeys(killed))


def delete(owner: Owner, key: dict[str, Any]) -> int:
    """The status of a deletion."""
    status: int = owner.ask('DELETE', f'/{key["id"]}')[0]
    return status


@pytest.mark.parametrize(
    ('moment', 'old_works'),
    [(f'after {MAKES}', True), (f'before {DELETES}', False)],
)
def test_a_rotation_that_was_killed_is_done_by_the_next_one(
    demo: Demo, store: Store, moment: str, old_works: bool
) -> None:
    for owner in owners(demo):
        key = owner.made()
        token = sign_in(demo, key['secret'])[1]
        rotate = f'/{key["id"]}/rotate'
        kill(demo, moment, owner.ask, 'POST', rotate)
        assert (sign_in(demo, key['secret'])[0] == 201) == old_works
        assert len(owner.trusts()) == 2
        new = _json(owner.ask('POST', rotate))['api_key']['secret']
        assert sign_in(demo, key['secret'])[0] == 401
        assert not is_valid(demo, token)
        assert sign_in(demo, new)[0] == 201
        assert len(owner.trusts()) == 1
        assert delete(owner, key) == 204
        assert (store.of(owner), owner.trusts()) == ([], [])


def test_a_key_that_was_killed_in_rotation_leaves_nothing_when_deleted(
    demo: Demo, store: Store
) -> None:
    owner = Owner(demo)
    for moment in (f'after {MAKES}', f'before {DELETES}'):
        key = owner.made()
        rotate = f'/{key["id"]}/rotate'
        kill(demo, moment, owner.ask, 'POST', rotate)
        assert delete(owner, key) == 204
        assert (store.of(owner), owner.trusts()) == ([], [])
