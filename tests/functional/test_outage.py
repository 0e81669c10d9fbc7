"""An outage is 503 with Retry-After, and never a bad token or a wrong key."""

from collections.abc import Callable
import contextlib
import datetime
import itertools
import logging
import pathlib
import sqlite3
from typing import Any

import pytest
import webtest

from keymw import vault
from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import broken
from tests.support.between import broken_halfway
from tests.support.between import cut_short
from tests.support.between import reply
from tests.support.clock import Clock
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

VERSION = 'GET /v3'
VALIDATE = 'GET /v3/auth/tokens'
ISSUE = 'POST /v3/auth/tokens'
USER = 'GET /v3/users/.*'
ROLES = 'GET /v3/role_assignments'
LATER = 'Wed, 02 Dec 2015 05:00:28 GMT'
# For tests that do not depend on the format.
json_only = pytest.mark.parametrize('wire', [wires.Json()], ids=['json'])
LIFE = datetime.timedelta(hours=1).total_seconds()


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """Files of keymw, its database in a folder of its own."""
    (tmp_path / 'db').mkdir()
    connection = f'sqlite:///{tmp_path}/db/keymw.db'
    found = Deployment(
        tmp_path / 'keymw', {'database': {'connection': connection}}
    )
    found.set_up()
    return found


@pytest.fixture(scope='module')
def staff(cloud: Cloud) -> str:
    """The token of a caller about whom nothing is cached."""
    return cloud.token_of(cloud.with_role('identity:admin'), 'demo')


def assert_outage(
    answer: Any, wire: wires.Wire, retry_after: str = '5'
) -> None:
    assert wire.fault(answer)[:2] == ('serviceUnavailable', 503)
    assert answer.status_int == 503
    assert answer.headers['Retry-After'] == retry_after
    assert answer.headers['Content-Type'] == wire.media_type


@pytest.mark.parametrize(
    ('failing', 'retry_after'),
    [
        (broken, '5'),
        (broken_halfway, '5'),
        (cut_short, '5'),
        (reply(500, {'error': {'code': 500}}), '5'),
        (reply(503, b'<html>Soon back</html>', '17'), '17'),
        (reply(429, {'error': {'code': 429}}, LATER), LATER),
        (reply(200, b'\xff\x00nonsense'), '5'),
        (reply(404, b'<html>No such page</html>'), '5'),
        (reply(200, {'token': {'user': None}}), '5'),
        (reply(200, {'version': {'id': 'v3.14'}, 'user': []}), '5'),
    ],
    ids=[
        'raises',
        'halfway',
        'cut-short',
        '500',
        '503',
        '429',
        'garbage',
        'no-such-page',
        'null',
        'other-json',
    ],
)
def test_outage_of_keystone(
    send: Any,
    deploy: Any,
    between: Between,
    wire: wires.Wire,
    bob: Person,
    staff: str,
    failing: Any,
    retry_after: str,
) -> None:
    web = deploy(between)
    # Before it is known what Keystone speaks, and after.
    for _ in range(2):
        between.instead('.*', itertools.repeat(failing))
        answer = send('GET', wires.base(bob.id), web=web, token=staff)
        assert_outage(answer, wire, retry_after)
        between.step_aside()
        after = send('GET', wires.base(bob.id), web=web, token=staff)
        assert wire.keys(after) == []


@pytest.mark.parametrize('question', [VERSION, VALIDATE, ISSUE, USER, ROLES])
@pytest.mark.parametrize(
    'failing',
    [broken_halfway, reply(429), reply(200, {})],
    ids=['halfway', '429', 'empty'],
)
def test_outage_at_any_question(
    deploy: Any,
    between: Between,
    bob: Person,
    staff: str,
    question: str,
    failing: Any,
) -> None:
    web, wire = deploy(between), wires.Json()
    between.instead(question, itertools.repeat(failing))
    answer = front.ask(web, wire, 'POST', wires.reset(bob.id), staff)
    assert_outage(answer, wire)
    assert between.count(question)
    between.step_aside()
    after = front.ask(web, wire, 'GET', wires.base(bob.id), staff)
    assert wire.keys(after) == []


@pytest.mark.parametrize('token', ['nonsense', ''])
def test_bad_token_is_no_outage(
    send: Any, wire: wires.Wire, bob: Person, token: str
) -> None:
    answer = send('GET', wires.base(bob.id), token=token)
    assert wire.fault(answer)[:2] == ('unauthorized', 401)
    assert 'Retry-After' not in answer.headers


@contextlib.contextmanager
def no_database(made: Deployment) -> Any:
    """Take the folder of the database away."""
    here = made.home.parent / 'db'
    away = here.rename(here.with_name('away'))
    yield
    away.rename(here)


def test_outage_of_the_store_changes_nothing(
    send: Any,
    cloud: Cloud,
    wire: wires.Wire,
    bob: Person,
    made: Deployment,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, 'keymw')
    first = made.web(cloud.app)
    kept = wire.key(send('POST', wires.reset(bob.id), web=first))
    body = wire.write(username=bob.name, apiKey='not-to-be-kept' * 2)
    with no_database(made):
        web = made.web(cloud.app)
        for method, path, content in (
            ('GET', wires.base(bob.id), None),
            ('GET', wires.key(bob.id), None),
            ('POST', wires.base(bob.id), body),
            ('POST', wires.key(bob.id), body),
            ('POST', wires.reset(bob.id), None),
            ('DELETE', wires.key(bob.id), None),
        ):
            assert_outage(send(method, path, content, web=web), wire)
    assert wire.key(send('GET', wires.key(bob.id), web=web)) == kept
    assert '[database] connection: ' in caplog.text
    for secret in (kept[1], 'not-to-be-kept' * 2, cloud.admin):
        assert secret not in keymw_said(caplog)


@json_only
def test_outage_of_the_store_is_not_told_to_who_may_not(
    send: Any, cloud: Cloud, wire: wires.Wire, bob: Person, made: Deployment
) -> None:
    token = cloud.token_of(bob)
    with no_database(made):
        web = made.web(cloud.app)
        answer = send('GET', wires.base('other'), web=web, token=token)
        assert wire.fault(answer)[1] == 403


@json_only
def test_database_that_is_not_set_up_is_an_outage(
    send: Any, cloud: Cloud, wire: wires.Wire, bob: Person, made: Deployment
) -> None:
    run_sql(made, 'DROP TABLE keymw_credential')
    answer = send('GET', wires.base(bob.id), web=made.web(cloud.app))
    assert_outage(answer, wire)


def keymw_said(caplog: pytest.LogCaptureFixture) -> str:
    """What keymw logged, tracebacks included."""
    formatter = logging.Formatter()
    return '\n'.join(
        formatter.format(record)
        for record in caplog.records
        if record.name.startswith('keymw')
    )


def run_sql(made: Deployment, statement: str, *values: str) -> None:
    file = made.home.parent / 'db' / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)


def move_to_another(made: Deployment, cloud: Cloud, bob: Person) -> Person:
    """Give the row of a user to another one."""
    eve = cloud.person()
    run_sql(
        made,
        'UPDATE keymw_credential SET user_id = ? WHERE user_id = ?',
        eve.id,
        bob.id,
    )
    return eve


def keys_of(made: Deployment) -> pathlib.Path:
    return made.home / 'vault'


def take_the_key_away(made: Deployment, _cloud: Cloud, bob: Person) -> Person:
    """Leave the sealed value with the id of a key that is not here."""
    (keys_of(made) / '1').unlink()
    return bob


def make_another_key(made: Deployment, _cloud: Cloud, bob: Person) -> Person:
    """Put another key in place of the one that sealed."""
    for file in keys_of(made).iterdir():
        file.unlink()
    vault.setup(str(keys_of(made)))
    return bob


def cut_the_value(made: Deployment, _cloud: Cloud, bob: Person) -> Person:
    """Leave only the beginning of the sealed value."""
    run_sql(made, 'UPDATE keymw_credential SET secret = substr(secret, 1, 9)')
    return bob


@json_only
@pytest.mark.parametrize(
    'spoil',
    [
        move_to_another,
        take_the_key_away,
        make_another_key,
        cut_the_value,
    ],
)
def test_value_that_does_not_open(
    send: Any,
    cloud: Cloud,
    wire: wires.Wire,
    bob: Person,
    made: Deployment,
    spoil: Callable[[Deployment, Cloud, Person], Person],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, 'keymw')
    former = made.web(cloud.app)
    _, key = wire.key(send('POST', wires.reset(bob.id), web=former))
    owner = spoil(made, cloud, bob)
    web = made.web(cloud.app)
    for path in (wires.key(owner.id), wires.base(owner.id)):
        assert_outage(send('GET', path, web=web), wire)
    said = keymw_said(caplog)
    assert f'cannot open the sealed credential of {owner.id}' in said
    assert key not in said
    _, new = wire.key(send('POST', wires.reset(owner.id), web=web))
    assert wire.key(send('GET', wires.key(owner.id), web=web))[1] == new


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(
    tmp_path: pathlib.Path, between: Between, clock: Clock
) -> webtest.TestApp:
    """keymw before Keystone, with a clock of its own."""
    return front.front(tmp_path / 'timed', between, clock=clock)


def service_tokens(between: Between) -> list[str | None]:
    """The tokens of the requests for users."""
    return [
        token
        for line, token in zip(between.asked, between.tokens, strict=True)
        if line.startswith('GET /v3/users/')
    ]


@json_only
def test_token_of_service_user_is_issued_once(
    timed: Any, between: Between, cloud: Cloud, wire: wires.Wire, bob: Person
) -> None:
    for _ in range(3):
        front.ask(timed, wire, 'GET', wires.base(bob.id), cloud.admin)
    first, *others = service_tokens(between)
    assert others == [first, first]
    assert first != cloud.admin
    assert between.count(ISSUE) == 1


@json_only
def test_token_of_service_user_serves_no_request_of_its_own(
    timed: Any, between: Between, cloud: Cloud, wire: wires.Wire, bob: Person
) -> None:
    front.ask(timed, wire, 'GET', wires.base(bob.id), cloud.admin)
    token, path = service_tokens(between)[0], wires.base(bob.id)
    before = len(between.asked)
    front.ask(timed, wire, 'PUT', path, None)
    front.ask(timed, wire, 'GET', '/v3/users', None)
    front.ask(timed, wire, 'GET', path, None)
    assert token not in between.tokens[before:]


@json_only
def test_revoked_token_of_service_user_is_renewed(
    timed: Any, between: Between, cloud: Cloud, wire: wires.Wire, bob: Person
) -> None:
    path = wires.base(bob.id)
    front.ask(timed, wire, 'GET', path, cloud.admin)
    first = service_tokens(between)[0]
    headers = {'X-Auth-Token': cloud.admin, 'X-Subject-Token': str(first)}
    cloud.web.delete('/v3/auth/tokens', headers=headers, status=204)
    answer = front.ask(timed, wire, 'GET', path, cloud.admin)
    assert wire.keys(answer) == []
    front.ask(timed, wire, 'GET', path, cloud.admin)
    *_, refused, new, reused = service_tokens(between)
    assert refused == first
    assert new == reused != first
    assert between.count(ISSUE) == 2


@json_only
def test_token_of_service_user_is_renewed_before_its_end(
    timed: Any,
    between: Between,
    cloud: Cloud,
    clock: Clock,
    wire: wires.Wire,
    bob: Person,
) -> None:
    path = wires.base(bob.id)
    for passed, issued in ((0, 1), (LIFE - 120, 1), (90, 2)):
        clock.advance(passed)
        token = cloud.token('admin', project='admin')
        answer = front.ask(timed, wire, 'GET', path, token)
        assert answer.status_int == 200
        assert between.count(ISSUE) == issued
