"""keymw-manage credential purge: gone means gone, an outage never does."""

import contextlib
from datetime import datetime
from datetime import timedelta
import itertools
import re
import sqlite3
import uuid
from wsgiref.types import WSGIApplication

import pytest

from tests.support import manage
from tests.support.between import Between
from tests.support.between import broken
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pipeline_v2 import PipelineV2

USERS = 'GET /v3/users/.*'
GONE = {'error': {'code': 404, 'title': 'Not Found', 'message': 'no such'}}


def purge(made: Deployment, app: object, *words: str) -> manage.Result:
    made.load(app)
    place = f'{made.home}/keymw-paste.ini#wrapped'
    words = ('credential', 'purge', '--pipeline', place, *words)
    return manage.run(made.conf_file, *words)


def ids(made: Deployment) -> set[str]:
    words = ('credential', 'list', '-f', 'value', '-c', 'User ID')
    return set(manage.run(made.conf_file, *words).out.split())


def unknown(made: Deployment, number: int) -> list[str]:
    """The ids of owners of keys whom Keystone does not know, lowest first."""
    found = sorted(uuid.uuid4().hex for _ in range(number))
    for user_id in found:
        manage.give_key(made.conf_file, user_id)
    return found


def test_only_keys_of_deleted_users_are_removed(
    made: Deployment, cloud: Cloud, bob: Person
) -> None:
    manage.give_key(made.conf_file, bob.id, bob.name)
    people = sorted((cloud.person() for _ in range(2)), key=lambda x: x.id)
    for person in people:
        manage.give_key(made.conf_file, person.id, person.name)
        cloud.ask('DELETE', f'/v3/users/{person.id}')
    found = purge(made, cloud.app)
    assert found == manage.Result(
        0,
        ''.join(
            f'removed {person.id} (domain default, name {person.name})\n'
            for person in people
        ),
        '',
    )
    assert ids(made) == {bob.id}
    assert purge(made, cloud.app) == manage.Result(0, '', '')


def test_changes_older_than_any_token_are_forgotten(
    made: Deployment, cloud: Cloud, bob: Person
) -> None:
    (gone,) = unknown(made, 1)
    manage.give_key(made.conf_file, bob.id, bob.name)
    assert purge(made, cloud.app).code == 0
    assert changed(made, timedelta(0)) == {bob.id, gone}
    assert changed(made, timedelta(hours=47)) == {bob.id, gone}
    assert purge(made, cloud.app).code == 0
    assert changed(made, timedelta(hours=2)) == {bob.id, gone}
    assert purge(made, cloud.app, '--dry-run').code == 0
    assert changed(made, timedelta(0)) == {bob.id, gone}
    assert purge(made, cloud.app).code == 0
    assert changed(made, timedelta(0)) == set()
    assert ids(made) == {bob.id}


def changed(made: Deployment, later: timedelta) -> set[str]:
    """The users with recorded changes, after some time."""
    file = made.home / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        found = dict(
            db.execute('SELECT user_id, changed_at FROM keymw_key_change')
        )
        for id_, at in found.items():
            older = datetime.fromisoformat(at) - later
            db.execute(
                'UPDATE keymw_key_change SET changed_at = ? WHERE user_id = ?',
                (f'{older:%Y-%m-%d %H:%M:%S.%f}', id_),
            )
    return set(found)


def test_a_disabled_user_keeps_the_key(
    made: Deployment, cloud: Cloud, zoe: Person
) -> None:
    manage.give_key(made.conf_file, zoe.id, zoe.name)
    cloud.change('user', zoe.id, enabled=False)
    assert purge(made, cloud.app).out == ''
    assert ids(made) == {zoe.id}


def test_a_dry_run_removes_nothing(made: Deployment, cloud: Cloud) -> None:
    (gone,) = unknown(made, 1)
    found = purge(made, cloud.app, '--dry-run')
    assert found.code == 0
    assert found.out.startswith(f'would remove {gone} ')
    assert ids(made) == {gone}


@pytest.mark.parametrize(
    'outage',
    [
        broken,
        reply(500),
        reply(503, {'error': {'message': 'later'}}, '5'),
        reply(429),
        reply(403, {'error': {'message': 'no'}}),
        reply(401, {'error': {'message': 'no'}}),
        reply(404, b'<html>no such page</html>'),
        reply(404),
        reply(200, b'nonsense'),
        reply(200, {'user': {'id': 'another', 'name': 'x'}}),
    ],
)
def test_an_outage_half_way_stops_it_there(
    made: Deployment, between: Between, outage: WSGIApplication
) -> None:
    first, second, third = unknown(made, 3)
    between.instead(
        f'GET /v3/users/({second}|{third})', itertools.repeat(outage)
    )
    found = purge(made, between)
    assert found.code == 1
    assert found.out.startswith(f'removed {first} ')
    assert found.out.count('\n') == 1
    # A refusal names service_user, any other outage the pipeline.
    assert re.match(r'keymw-manage: (--pipeline|\[identity\])', found.err)
    assert found.err.count('\n') == 1
    assert ids(made) == {second, third}


@pytest.mark.parametrize(
    'asked', ['GET /v3', 'POST /v3/auth/tokens', 'GET /v3/auth/tokens', '.*']
)
@pytest.mark.parametrize('outage', [broken, reply(503), reply(404, GONE)])
def test_an_outage_from_the_start_removes_nothing(
    made: Deployment,
    between: Between,
    asked: str,
    outage: WSGIApplication,
) -> None:
    (gone,) = unknown(made, 1)
    between.instead(asked, itertools.repeat(outage))
    assert purge(made, between).failure
    assert ids(made) == {gone}


def test_a_service_that_knows_nobody_is_not_believed(
    made: Deployment, between: Between, bob: Person
) -> None:
    manage.give_key(made.conf_file, bob.id, bob.name)
    between.instead(USERS, itertools.repeat(reply(404, GONE)))
    assert 'service_user' in purge(made, between).failure
    assert ids(made) == {bob.id}


@pytest.mark.parametrize(
    ('options', 'word'),
    [
        ({'service_user': ''}, 'service_user: set it'),
        ({'service_project': ''}, 'service_project or system'),
        ({'service_user': 'nobody'}, 'there is no user "nobody"'),
        ({'service_project': 'nothing'}, '"nothing"'),
        ({'api_version': 'v2.0'}, '404'),
    ],
)
def test_purge_needs_a_service_user_that_works(
    made: Deployment, cloud: Cloud, options: dict[str, str], word: str
) -> None:
    (gone,) = unknown(made, 1)
    made.write_conf({'identity': options})
    # keymw itself would not start with some of these.
    ini = made.home / 'keystone.ini'
    ini.write_text(
        '[app:keystone]\n'
        'use = egg:keymw#keystone\n'
        f'config_file = {cloud.conf_file}\n'
    )
    words = ('credential', 'purge', '--pipeline', f'{ini}#keystone')
    assert word in manage.run(made.conf_file, *words).failure
    assert ids(made) == {gone}


@pytest.mark.parametrize(
    ('place', 'word'),
    [
        ('missing.ini#keystone', 'missing.ini'),
        ('keymw-paste.ini#missing', 'missing'),
        ('keymw.conf#keystone', 'keystone'),
        ('keymw.db#keystone', 'keymw.db'),
    ],
)
def test_a_pipeline_that_does_not_load_is_one_line(
    made: Deployment, cloud: Cloud, place: str, word: str
) -> None:
    made.load(cloud.app)
    words = ('credential', 'purge', '--pipeline', f'{made.home}/{place}')
    failure = manage.run(made.conf_file, *words).failure
    assert '--pipeline' in failure
    assert word in failure


def test_purge_without_a_pipeline_says_what_to_give(made: Deployment) -> None:
    words = ('credential', 'purge')
    assert '--pipeline' in manage.run(made.conf_file, *words).failure


def test_a_v2_service_is_asked_in_its_own_dialect(made: Deployment) -> None:
    app = PipelineV2()
    known = app.account('known')
    manage.give_key(made.conf_file, known.id, 'known')
    manage.give_key(made.conf_file, 'unknown', 'unknown')
    found = purge(made, app)
    assert (found.code, found.err) == (0, '')
    assert found.out.startswith('removed unknown ')
    assert ids(made) == {known.id}
