"""A token that was bought with a key which was changed since."""

from collections.abc import Callable
import contextlib
import datetime
import json
import logging
import pathlib
import sqlite3
import time
from typing import Any

import pytest

from keymw import conf
from keymw.storage.base import Outage
from keymw.storage.sql.credentials import SqlCredentials
from tests.support import front
from tests.support import manage
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Options
from tests.support.login import JSON
from tests.support.login import Desk
from tests.support.pipeline_v2 import Account
from tests.support.pipeline_v2 import PipelineV2

AGAIN = (
    'The API key of this user was changed after this token was issued: '
    'sign in again.'
)
ON: Options = {
    'kskey': {'serve_v1_1': 'true'},
    'identity': {'token_cache_ttl': '3600'},
    'global_keys': {'enabled': 'true', 'access_list_required': 'false'},
}
OLD_KEY = {'username': 'some name', 'apiKey': 'x' * 32}


class Counter(Desk):
    """A desk where people ask with tokens of their own."""

    def token(self, person: Person, key: str, **auth: Any) -> str:
        """A token that a key buys."""
        answer = self.v3({'id': person.id}, key, **auth)
        assert answer.status_int == 201
        return str(answer.headers['X-Subject-Token'])

    def new(self, person: Person) -> str:
        """A token bought with a new key."""
        return self.token(person, self.new_key(person))

    def ask(
        self, method: str, path: str, token: str, wire: wires.Wire = JSON
    ) -> Any:
        """The response to a request, with a body where there must be one."""
        body = b''
        if method == 'POST' and not path.endswith('reset'):
            body = wire.write(**OLD_KEY)
        return front.ask(self.web, wire, method, path, token, body)

    @property
    def file(self) -> pathlib.Path:
        """keymw.conf."""
        return self.home / 'keymw.conf'

    @property
    def store(self) -> SqlCredentials:
        """Where the keys are."""
        return SqlCredentials(conf.load(str(self.file)))

    def date(self, person: Person, at: float) -> None:
        """Put the last change of a user's key elsewhere in time."""
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
        text = f'{moment:%Y-%m-%d %H:%M:%S.%f}'
        order = 'UPDATE keymw_key_change SET changed_at = ? WHERE user_id = ?'
        with (
            contextlib.closing(sqlite3.connect(self.home / 'keymw.db')) as db,
            db,
        ):
            assert db.execute(order, (text, person.id)).rowcount == 1


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Counter:
    return Counter(tmp_path_factory.mktemp('stale') / 'keymw', cloud, ON)


def remade(cloud: Cloud, token: str) -> str:
    """A token made of another one."""
    return cloud.sign_in(
        {'methods': ['token'], 'token': {'id': token}}, scope='unscoped'
    )


def routes(user_id: str) -> list[tuple[str, str]]:
    """Every key route of a user."""
    key = wires.key(user_id)
    return [
        ('GET', wires.base(user_id)),
        ('POST', wires.base(user_id)),
        ('GET', key),
        ('POST', key),
        ('DELETE', key),
        ('POST', wires.reset(user_id)),
    ]


def by_request(method: str, path: Callable[[str], str]) -> Any:
    def change(desk: Counter, person: Person) -> None:
        answer = desk.ask(method, path(person.id), desk.cloud.admin)
        assert answer.status_int < 300

    return change


def update(desk: Counter, person: Person) -> None:
    body = JSON.write(
        username=person.name, apiKey='a key of 32 characters, or so'
    )
    path, admin = wires.key(person.id), desk.cloud.admin
    answer = front.ask(desk.web, JSON, 'POST', path, admin, body)
    assert answer.status_int == 200


def by_command(*words: str) -> Any:
    def change(desk: Counter, person: Person) -> None:
        line = [word.format(id=person.id) for word in words]
        assert manage.run(desk.file, *line).code == 0

    return change


def by_import(desk: Counter, person: Person) -> None:
    line = {'user_id': person.id, 'username': person.name, 'apiKey': 'y' * 32}
    file = desk.home / f'{person.id}.json'
    file.write_text(json.dumps(line))
    assert manage.run(desk.file, 'credential', 'import', str(file)).code == 0


CHANGES = {
    'reset': by_request('POST', wires.reset),
    'update': update,
    'delete': by_request('DELETE', wires.key),
    'manage reset': by_command('credential', 'reset', '{id}'),
    'manage delete': by_command('credential', 'delete', '{id}'),
    'manage import': by_import,
}


@pytest.mark.parametrize('how', CHANGES)
def test_token_of_a_former_key_uses_no_key_route(
    desk: Counter, cloud: Cloud, ann: Person, bob: Person, how: str
) -> None:
    """Not even cached, made anew, or about another user."""
    token = desk.new(ann)
    younger = remade(cloud, token)
    assert desk.ask('GET', wires.base(ann.id), token).status_int == 200
    CHANGES[how](desk, ann)
    before = desk.store.get(ann.id), desk.store.change(ann.id)
    for bad in (token, younger, remade(cloud, token)):
        for target in (ann, bob):
            for method, path in routes(target.id):
                answer = desk.ask(method, path, bad)
                assert JSON.fault(answer) == ('forbidden', 403, AGAIN)
    assert (desk.store.get(ann.id), desk.store.change(ann.id)) == before


@pytest.mark.parametrize(
    ('part', 'status'), [(-0.5, 200), (-0.125, 403), (0.5, 403), (1, 403)]
)
def test_token_of_the_second_in_which_a_change_takes_effect_is_stale(
    desk: Counter, cloud: Cloud, ann: Person, part: float, status: int
) -> None:
    """A change is dated before it is committed."""
    token = desk.new(ann)
    headers = {'X-Auth-Token': token, 'X-Subject-Token': token}
    shown = cloud.web.get('/v3/auth/tokens', headers=headers).json['token']
    born = datetime.datetime.fromisoformat(shown['issued_at']).timestamp()
    desk.date(ann, born + part)
    assert desk.ask('GET', wires.base(ann.id), token).status_int == status


def test_it_is_told_in_both_formats_and_logged(
    desk: Counter,
    ann: Person,
    wire: wires.Wire,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger='keymw.observe.audit')
    token = desk.new(ann)
    desk.new_key(ann)
    answer = desk.ask('GET', wires.key(ann.id), token, wire)
    assert wire.fault(answer) == ('forbidden', 403, AGAIN)
    assert (
        f'credential:get: caller {ann.id}, target {ann.id}, '
        'outcome 403 forbidden'
    ) in caplog.messages[-1]


def test_token_of_an_admin_is_stale_before_any_rule(
    desk: Counter, cloud: Cloud, bob: Person
) -> None:
    root = cloud.person()
    cloud.grant(root, 'admin')
    cloud.change('user', root.id, default_project_id=cloud.project('demo'))
    token = desk.new(root)
    desk.new_key(bob)
    assert desk.ask('GET', wires.key(bob.id), token).status_int == 200
    assert desk.ask('GET', KEYS, token).status_int == 200
    desk.new_key(root)
    assert desk.ask('GET', wires.key(bob.id), token).status_int == 403
    for path in (KEYS, LIST, f'{KEYS}/{"f" * 24}', f'{KEYS}/none/none'):
        answer = desk.ask('GET', path, token)
        assert (answer.status_int, answer.json['detail']) == (403, AGAIN)


def test_token_of_the_present_key_lists_gets_and_changes(
    desk: Counter, cloud: Cloud, ann: Person
) -> None:
    """It made the change, so it and its descendants stay valid."""
    desk.new(ann)
    token = desk.new(ann)
    younger = remade(cloud, token)
    assert desk.ask('GET', wires.base(ann.id), token).status_int == 200
    assert desk.ask('GET', wires.base(ann.id), younger).status_int == 403
    assert desk.ask('POST', wires.reset(ann.id), token).status_int == 200
    for good in (token, younger, remade(cloud, younger)):
        for method, path in routes(ann.id)[:1] + routes(ann.id)[-2:]:
            assert desk.ask(method, path, good).status_int < 300
    desk.new_key(ann)
    for bad in (token, younger):
        assert desk.ask('GET', wires.base(ann.id), bad).status_int == 403


def test_token_by_password_is_never_stale_and_costs_no_read(
    desk: Counter,
    cloud: Cloud,
    ann: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = cloud.token_of(ann)
    younger = remade(cloud, token)
    desk.new_key(ann)

    def fail(*_about: object) -> None:
        raise Outage('nobody needs this')

    monkeypatch.setattr(SqlCredentials, 'change', fail)
    for good in (token, younger):
        assert desk.ask('GET', wires.key(ann.id), good).status_int == 200


def test_store_that_cannot_say_is_an_outage(
    desk: Counter, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = desk.new(ann)

    def fail(*_about: object) -> None:
        raise Outage('no answer')

    monkeypatch.setattr(SqlCredentials, 'change', fail)
    for path in (wires.key(ann.id), KEYS):
        assert desk.ask('GET', path, token).status_int == 503


def test_key_of_the_version_before_has_no_change_until_it_is_changed(
    desk: Counter, ann: Person
) -> None:
    """One of a rolling upgrade, where both write to the same table."""
    key = desk.new_key(ann)
    with contextlib.closing(sqlite3.connect(desk.home / 'keymw.db')) as db, db:
        db.execute('DELETE FROM keymw_key_change WHERE user_id = ?', (ann.id,))
    assert desk.store.change(ann.id) is None
    tokens = [desk.token(ann, key), desk.token(ann, key)]
    for method, path in (routes(ann.id)[2], routes(ann.id)[-1]):
        assert desk.ask(method, path, tokens[0]).status_int == 200
    assert desk.ask('GET', wires.base(ann.id), tokens[1]).status_int == 403


def test_new_name_and_new_seal_are_no_change(
    desk: Counter, cloud: Cloud, ann: Person
) -> None:
    token = desk.new(ann)
    for word in ('rotate', 'migrate'):
        assert manage.run(desk.file, 'vault', word).code == 0
    cloud.change('user', ann.id, name=f'renamed-{ann.name}')
    assert desk.ask('GET', wires.key(ann.id), token).status_int == 200
    assert desk.ask('GET', wires.base(ann.id), token).status_int == 200


def test_sites_that_sign_in_by_remote_user_allow_it(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    desk = Counter(
        tmp_path / 'keymw', cloud, {'kskey': {'stale_tokens': 'allow'}}
    )
    token = desk.new(ann)
    desk.new_key(ann)
    for method, path in (routes(ann.id)[0], routes(ann.id)[-1]):
        assert desk.ask(method, path, token).status_int == 200


def test_change_counts_for_its_time_where_birth_is_unknown(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    later: list[float] = [0]
    desk = Counter(
        tmp_path / 'keymw',
        cloud,
        {'kskey': {'tombstone_ttl': '60'}},
        clock=lambda: time.time() + later[0],
    )
    token = desk.new(ann)
    desk.new_key(ann)
    younger = remade(cloud, token)
    later[0] = 50
    assert desk.ask('GET', wires.key(ann.id), younger).status_int == 403
    later[0] = 70
    assert desk.ask('GET', wires.key(ann.id), younger).status_int == 200
    # Of this one it is known.
    assert desk.ask('GET', wires.key(ann.id), token).status_int == 403


class TestLogin:
    """No login ends in a token that is stale from the start."""

    @pytest.fixture
    def naps(self) -> list[float]:
        return []

    @pytest.fixture
    def now(self) -> list[float]:
        return [time.time()]

    @pytest.fixture
    def desk(
        self,
        tmp_path: pathlib.Path,
        cloud: Cloud,
        naps: list[float],
        now: list[float],
    ) -> Counter:
        return Counter(
            tmp_path / 'keymw',
            cloud,
            ON,
            clock=lambda: now[0],
            sleep=naps.append,
        )

    @pytest.mark.parametrize(
        ('part', 'since', 'naps_then'),
        [
            (0, 0.25, [0.75]),
            (0.5, 0.75, [0.25]),
            (0.5, -0.5, [1.5]),
            (0.5, 1, []),
            (0.5, 1000, []),
            (0.5, -60, []),
            # It may take effect in the next second.
            (0.875, 0.875, [1.125]),
            (0.875, 1, [1]),
            (0.875, 2, []),
        ],
    )
    def test_waits_for_the_next_second(
        self,
        desk: Counter,
        ann: Person,
        naps: list[float],
        now: list[float],
        part: float,
        since: float,
        naps_then: list[float],
    ) -> None:
        key = desk.new_key(ann)
        whole = int(time.time())
        desk.date(ann, whole + part)
        now[0] = whole + since
        for way in ('v2.0', 'v1.0', 'v1.1', 'v3'):
            naps.clear()
            assert desk.by(way, ann.name, 'wrong-key').status_int == 401
            assert naps == []
            assert desk.by(way, ann.name, key).status_int < 300
            assert naps == naps_then


class TestV2:
    """The same behind a service of v2.0, by what its tokens show."""

    @pytest.fixture
    def pipeline(self) -> PipelineV2:
        return PipelineV2()

    @pytest.fixture
    def bob(self, pipeline: PipelineV2) -> Account:
        return pipeline.account('bob')

    @pytest.fixture
    def asked(
        self, tmp_path: pathlib.Path, pipeline: PipelineV2
    ) -> Callable[..., int]:
        web = front.front(
            tmp_path / 'keymw', pipeline, {'identity': {'api_version': 'v2.0'}}
        )

        def ask(method: str, path: str, token: str) -> int:
            answer = front.ask(web, JSON, method, path, token)
            return int(answer.status_int)

        return ask

    @pytest.mark.parametrize(
        ('said', 'age', 'status'),
        [
            ({}, None, 403),
            ({'audit_ids': ['a']}, None, 403),
            ({'audit_ids': ['a']}, 5, 403),
            ({'audit_ids': ['a']}, -5, 200),
            ({'audit_ids': ['b', 'a']}, -5, 403),
            ({'RAX-AUTH:authenticatedBy': ['APIKEY']}, None, 403),
            ({'RAX-AUTH:authenticatedBy': ['APIKEY']}, 5, 403),
            ({'RAX-AUTH:authenticatedBy': ['APIKEY']}, -5, 200),
            ({'RAX-AUTH:authenticatedBy': ['PASSWORD']}, None, 200),
            ({'RAX-AUTH:authenticatedBy': ['PASSWORD']}, 5, 200),
        ],
    )
    def test_tokens_of_before_and_after(
        self,
        pipeline: PipelineV2,
        bob: Account,
        asked: Callable[..., int],
        said: dict[str, Any],
        age: int | None,
        status: int,
    ) -> None:
        admin = pipeline.token(pipeline.account('root', 'admin'))
        token = pipeline.token(bob)
        assert asked('GET', wires.base(bob.id), token) == 200
        assert asked('POST', wires.reset(bob.id), admin) == 200
        shown = pipeline.tokens[token][1]['token']
        shown |= said
        if age is not None:
            now = datetime.datetime.now(datetime.UTC)
            born = now - datetime.timedelta(seconds=age)
            shown['issued_at'] = born.isoformat()
        assert asked('GET', wires.base(bob.id), token) == status

    @pytest.mark.parametrize('audit_ids', [['a'], None])
    def test_token_that_made_the_change_stays_good(
        self,
        pipeline: PipelineV2,
        bob: Account,
        asked: Callable[..., int],
        audit_ids: list[str] | None,
    ) -> None:
        token, other = pipeline.token(bob), pipeline.token(bob)
        if audit_ids:
            pipeline.tokens[token][1]['token']['audit_ids'] = audit_ids
        assert asked('POST', wires.reset(bob.id), token) == 200
        assert asked('GET', wires.base(bob.id), token) == 200
        assert asked('GET', wires.base(bob.id), other) == 403
