"""The life of keys against a model, in any order of requests."""

import itertools
import json
import pathlib
import tempfile
from typing import Any

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st
import pytest
import webtest

from bench import identity
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import OWNER
from tests.support.admin import READER
from tests.support.admin import Office
from tests.support.login import Desk

SETTINGS = hypothesis.settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
NUMBERS = itertools.count(1)
SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126),
    min_size=16,
    max_size=100,
)
WIRES = st.sampled_from(wires.WIRES)
WAYS = st.sampled_from(['v2.0', 'v2.0 in XML', 'v1.0', 'v3'])
WHO = st.integers(0, 1)


@pytest.fixture(autouse=True)
def office() -> Any:
    """keymw for all examples; each has users of its own."""
    if not OFFICE:
        home = pathlib.Path(tempfile.mkdtemp()) / 'models'
        options = {
            # A login would wait for the second after a change.
            'kskey': {'stale_tokens': 'allow'},
            'identity': {'api_version': 'v3', 'token_cache_ttl': '600'},
        }
        OFFICE.append(Office(home, identity.Instant(), options))
    return OFFICE[0]


OFFICE: list[Office] = []


class Credentials(stateful.RuleBasedStateMachine):
    """Two users, and the keys that they have."""

    def __init__(self) -> None:
        super().__init__()
        self.web: webtest.TestApp = OFFICE[0].web
        self.desk = Desk.__new__(Desk)
        self.desk.web = self.web
        self.users = [identity.user_id(next(NUMBERS)) for _ in range(2)]
        self.keys: dict[str, str] = {}

    def send(
        self, wire: wires.Wire, method: str, path: str, body: bytes = b''
    ) -> Any:
        answer = self.web.request(
            path,
            method=method,
            body=body,
            headers={
                'X-Auth-Token': identity.ADMIN,
                'Accept': wire.media_type,
                'Content-Type': wire.media_type,
            },
            expect_errors=True,
        )
        assert answer.status_int < 500
        return answer

    @stateful.rule(wire=WIRES, who=WHO, key=SECRETS, is_new=st.booleans())
    def put(
        self, wire: wires.Wire, who: int, key: str, *, is_new: bool
    ) -> None:
        user = self.users[who]
        path = wires.base(user) if is_new else wires.key(user)
        body = wire.write(username=user, apiKey=key)
        answer = self.send(wire, 'POST', path, body)
        assert answer.status_int == (201 if is_new else 200)
        assert wire.key(answer) == (user, key)
        self.keys[user] = key

    @stateful.rule(wire=WIRES, who=WHO, key=SECRETS)
    def put_for_somebody_else(
        self, wire: wires.Wire, who: int, key: str
    ) -> None:
        body = wire.write(username=self.users[1 - who], apiKey=key)
        path = wires.key(self.users[who])
        assert self.send(wire, 'POST', path, body).status_int == 400

    @stateful.rule(wire=WIRES, who=WHO)
    def reset(self, wire: wires.Wire, who: int) -> None:
        user = self.users[who]
        answer = self.send(wire, 'POST', wires.reset(user))
        name, key = wire.key(answer)
        assert name == user
        assert key not in self.keys.values()
        self.keys[user] = key

    @stateful.rule(wire=WIRES, who=WHO)
    def delete(self, wire: wires.Wire, who: int) -> None:
        user = self.users[who]
        there = self.keys.pop(user, None) is not None
        answer = self.send(wire, 'DELETE', wires.key(user))
        assert answer.status_int == (204 if there else 404)

    @stateful.rule(way=WAYS, who=WHO, is_right=st.booleans())
    def sign_in(self, way: str, who: int, *, is_right: bool) -> None:
        user = self.users[who]
        key = self.keys.get(user, 'nothing-at-all') if is_right else 'wrong'
        answer = self.desk.by(way, user, key)
        good = is_right and user in self.keys
        assert (answer.status_int < 300) == good
        assert good or answer.status_int == 401

    @stateful.invariant()
    def what_is_stored_is_the_model(self) -> None:
        both: tuple[wires.Wire, ...] = wires.WIRES
        for wire, user in zip(both, self.users, strict=True):
            kept = self.keys.get(user)
            listed = wire.keys(self.send(wire, 'GET', wires.base(user)))
            assert listed == ([] if kept is None else [(user, kept)])
            shown = self.send(wire, 'GET', wires.key(user))
            assert shown.status_int == (404 if kept is None else 200)


ROLES = st.lists(
    st.sampled_from([OWNER, READER, 'GLOBAL_USER_ADMIN']),
    min_size=1,
    max_size=3,
    unique=True,
)
TEXTS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9
)


class GlobalKeys(stateful.RuleBasedStateMachine):
    """Global keys as an owner changes them; one owner is not touched."""

    made: stateful.Bundle[str] = stateful.Bundle('made')

    def __init__(self) -> None:
        super().__init__()
        self.client = OFFICE[0].owner
        self.keys: dict[str, tuple[str, list[str]]] = {}
        self.others = self.ask('GET', f'{KEYS}?itemsPerPage=1')['totalCount']

    def ask(
        self, method: str, url: str, body: Any = None, status: int = 200
    ) -> Any:
        answer = self.client.ask(method, url, body)
        assert answer.status_int == status, answer.text
        return json.loads(answer.text or '{}')

    @stateful.rule(target=made, desc=TEXTS, roles=ROLES)
    def add(self, desc: str, roles: list[str]) -> str:
        found = self.ask('POST', KEYS, {'desc': desc, 'roles': roles})
        assert '*' not in found['privateKey']
        self.keys[found['id']] = (desc, roles)
        return str(found['id'])

    @stateful.rule(id_=made, desc=TEXTS)
    def describe(self, id_: str, desc: str) -> None:
        there = id_ in self.keys
        status = 200 if there else 400
        self.ask('PATCH', f'{KEYS}/{id_}', {'desc': desc}, status)
        if there:
            self.keys[id_] = (desc, self.keys[id_][1])

    @stateful.rule(id_=made, roles=ROLES)
    def change_roles(self, id_: str, roles: list[str]) -> None:
        there = id_ in self.keys
        status = 200 if there else 400
        self.ask('PATCH', f'{KEYS}/{id_}', {'roles': roles}, status)
        if there:
            self.keys[id_] = (self.keys[id_][0], roles)

    @stateful.rule(id_=made)
    def delete(self, id_: str) -> None:
        there = self.keys.pop(id_, None) is not None
        self.ask('DELETE', f'{KEYS}/{id_}', None, 204 if there else 400)

    @stateful.rule(id_=made)
    def show(self, id_: str) -> None:
        kept = self.keys.get(id_)
        status = 400 if kept is None else 200
        found = self.ask('GET', f'{KEYS}/{id_}', None, status)
        if kept is not None:
            roles = set(found['globalRoles'])
            assert (found['desc'], roles) == (kept[0], set(kept[1]))

    @stateful.invariant()
    def count_is_that_of_the_model(self) -> None:
        found = self.ask('GET', f'{KEYS}?itemsPerPage=1')
        assert found['totalCount'] == self.others + len(self.keys)


@pytest.mark.parametrize('machine', [Credentials, GlobalKeys])
def test_life_of_keys_is_that_of_the_model(
    machine: type[stateful.RuleBasedStateMachine],
) -> None:
    stateful.run_state_machine_as_test(machine, settings=SETTINGS)
