"""keymw-manage doctor: faults and special cases of single checks."""

from collections.abc import Iterator
import contextlib
import importlib
from importlib import metadata
import itertools
import os
import pathlib
import pwd
import shutil
import sqlite3
import sys
from wsgiref.types import WSGIApplication

import pytest

from keymw.global_keys import replays
from tests.support import manage
from tests.support.api_keys import SERVICE
from tests.support.api_keys import service_user
from tests.support.between import Between
from tests.support.between import broken
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.doctor import NOBODY
from tests.support.doctor import Report
from tests.support.doctor import as_root
from tests.support.doctor import become_nobody
from tests.support.doctor import doctor
from tests.support.doctor import forked
from tests.support.doctor import of_a_user
from tests.support.far import Far
from tests.support.far import remote
from tests.support.key_rows import give
from tests.support.pipeline_v2 import PipelineV2

KEYS_ON: Options = {'api_keys': {'enabled': 'true'}}
CACHES, RELEASE = 'caches of Keystone', 'release of Keystone'


def said(found: Report, name: str) -> str:
    """The line of a check, without its outcome and name."""
    return found.lines[name].partition(f'{name}: ')[2]


@pytest.fixture
def keyed(made: Deployment, cloud: Cloud) -> Deployment:
    """keymw with API keys and a user of its own."""
    service_user(cloud)
    identity = {'service_user': SERVICE, 'service_project': 'admin'}
    made.write_conf({**KEYS_ON, 'identity': identity})
    return made


@pytest.fixture
def away(tmp_path: pathlib.Path, cloud: Cloud, far: Far) -> Deployment:
    """keymw with API keys, whose Keystone is far away."""
    service_user(cloud)
    identity = remote(auth_url=far.url, username=SERVICE)
    made = Deployment(tmp_path / 'away', {**identity, **KEYS_ON})
    made.set_up()
    made.conf_file.chmod(0o600)
    return made


def test_api_keys_before_v2(made: Deployment) -> None:
    made.write_conf(KEYS_ON)
    found = doctor(made, PipelineV2())
    # The caches of a Keystone that another test loaded may be of one worker.
    assert set(found.failed) - {CACHES} == {'trustee'}
    assert said(found, 'trustee') == (
        '[api_keys] enabled: there are no trusts in Identity v2.0'
    )


def test_caches_and_release_of_a_remote_keystone(away: Deployment) -> None:
    found = doctor(away)
    assert found.failed == []
    assert found.lines[CACHES].startswith('skipped ')
    assert said(found, CACHES).startswith('see that [token], [revoke], ')
    assert 'caching = false' in said(found, CACHES)
    assert found.lines[RELEASE].startswith('ok ')
    assert said(found, RELEASE).startswith('before release 30, Keystone lets')
    assert said(found, RELEASE).endswith('keymw pass the fence by')


def test_keystone_that_caches_nothing_is_never_late(
    keyed: Deployment, cloud: Cloud
) -> None:
    keystone = importlib.import_module('keystone.conf').CONF
    keystone.set_override('enabled', False, 'cache')
    try:
        found = doctor(keyed, cloud.app)
    finally:
        keystone.clear_override('enabled', 'cache')
    assert found.lines[CACHES].startswith('ok ')


def test_service_that_is_no_keystone_has_no_caches(
    keyed: Deployment, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, 'keystone.server')
    found = doctor(keyed, cloud.app)
    assert found.lines[CACHES].startswith('ok ')


@pytest.mark.parametrize(
    ('version', 'words'),
    [
        ('29.0.1', 'ok      {}: Keystone 29 lets a token live past the end'),
        ('30.0.0', 'ok      {}: Keystone 30 ends a token with its key'),
        ('main', 'skipped {}: there is no Keystone here to see'),
        (None, 'skipped {}: there is no Keystone here to see'),
    ],
)
def test_release_says_what_a_token_may_do(
    keyed: Deployment,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    words: str,
) -> None:
    installed = metadata.version

    def found(name: str) -> str:
        if name != 'keystone':
            return installed(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, 'version', found)
    line = doctor(keyed, cloud.app).lines[RELEASE]
    assert line.startswith(words.format(RELEASE))


@pytest.fixture
def theirs(made: Deployment) -> Iterator[pathlib.Path]:
    """A keymw.conf of another user, all set up."""
    # What is needed is loaded as root: that user may not read all of Python.
    doctor(made)
    with of_a_user() as home:
        shutil.chown(home, 'root')
        Deployment(home).set_up()
        for file in (home, *home.rglob('*')):
            shutil.chown(file, NOBODY)
        yield home


def doctor_of(home: pathlib.Path) -> Report:
    done = forked(home / 'keymw.conf', 'doctor', first=become_nobody)
    return Report(done)


@as_root
def test_user_of_the_files_is_named(theirs: pathlib.Path) -> None:
    found = doctor_of(theirs)
    assert found.failed == []
    assert said(found, 'user') == f'{NOBODY} (started by {NOBODY})'


@as_root
def test_root_alone_is_told_that_the_service_runs_as_root(
    made: Deployment,
) -> None:
    assert 'the service must run as root too' in doctor(made).lines['user']


@as_root
@pytest.mark.parametrize('name', ['vault', 'keymw.db'])
def test_file_of_somebody_else_names_the_option(
    theirs: pathlib.Path, name: str
) -> None:
    shutil.chown(theirs / name, 'root' if name == 'vault' else 'daemon')
    shutil.chown(theirs / 'vault', 'daemon' if name == 'vault' else NOBODY)
    found = doctor_of(theirs)
    assert found.failed[0] == 'user'
    assert said(found, 'user') == (
        f'{theirs}/{name} belongs to daemon, and {NOBODY} looks: run '
        '"keymw-manage --user daemon doctor" as root'
    )


@as_root
def test_file_that_its_user_may_not_write(theirs: pathlib.Path) -> None:
    theirs.chmod(0o500)
    found = doctor_of(theirs)
    assert found.failed[0] == 'SQLite file'
    assert f'may not write {theirs}/keymw.db' in found.lines['SQLite file']


@pytest.mark.parametrize(
    ('group', 'option'), [('audit', 'file'), ('DEFAULT', 'log_file')]
)
def test_place_of_audit_lines_that_is_missing(
    made: Deployment, group: str, option: str
) -> None:
    made.write_conf({group: {option: f'{made.home}/no/file'}})
    found = doctor(made)
    assert found.failed[0] == 'audit lines'
    assert said(found, 'audit lines').startswith(
        f'[{group}] {option}: {pwd.getpwuid(os.geteuid()).pw_name} may not '
        f'write {made.home}/no/file: chown'
    )
    assert not (made.home / 'no').exists()


@as_root
@pytest.mark.parametrize(
    ('group', 'option'), [('audit', 'file'), ('DEFAULT', 'log_file')]
)
@pytest.mark.parametrize('mode', [0o600, 0o644])
def test_log_that_its_user_may_not_write(
    theirs: pathlib.Path, group: str, option: str, mode: int
) -> None:
    log = theirs / 'service.log'
    log.touch(mode)
    with (theirs / 'keymw.conf').open('a') as conf:
        conf.write(f'[{group}]\n{option} = {log}\n')
    found = doctor_of(theirs)
    assert found.failed[0] == 'audit lines'
    assert f'{NOBODY} may not write {log}' in found.lines['audit lines']


def test_place_of_audit_lines_is_named(made: Deployment) -> None:
    log = made.home / 'keymw.log'
    made.write_conf(
        {'DEFAULT': {'log_file': str(log)}, 'audit': {'file': f'{log}.json'}}
    )
    found = doctor(made)
    assert found.failed == []
    assert said(found, 'audit lines').endswith(f'where {made.conf_file} says')
    assert not log.exists()


@pytest.mark.parametrize(
    ('kept', 'stored', 'words'),
    [
        ('storage', 'sql', 'all workers share the record of writes, but not'),
        ('storage', 'memory', 'each worker has its own record: one worker'),
        ('memory://', 'sql', 'each worker has its own record: one worker'),
    ],
)
def test_record_of_replays_that_not_all_share(
    made: Deployment, kept: str, stored: str, words: str
) -> None:
    on = {'enabled': 'true', 'replays': kept}
    made.write_conf({'global_keys': on, 'storage': {'global_keys': stored}})
    line = doctor(made).lines['replays']
    assert line.startswith(f'ok      replays: {words}')


def test_record_of_replays_on_a_server_is_shared(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The record here needs no server to be asked.
    monkeypatch.setattr(replays, 'load', lambda *_: replays.LocalReplays())
    on = {'enabled': 'true', 'replays': 'redis://127.0.0.1:1'}
    made.write_conf({'global_keys': on})
    assert said(doctor(made), 'replays') == 'all workers share one record'


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (
            {'failures_per_minute': '0'},
            'ok      limits: off, as [limits] failures_per_minute is 0',
        ),
        (
            {'storage': 'redis://:hunter2@127.0.0.1:1'},
            'FAILED  limits: [limits] storage does not answer: each worker '
            'counts alone',
        ),
        (
            {'direct_clients': 'true', 'failures_per_minute': '7'},
            'ok      limits: 7 wrong keys a minute for each address, counted '
            'by each worker',
        ),
    ],
)
def test_limit_on_wrong_keys(
    made: Deployment, options: dict[str, str], words: str
) -> None:
    pytest.importorskip('redis', reason='needs redis')
    made.write_conf({'limits': options})
    made.conf_file.chmod(0o600)
    assert doctor(made).lines['limits'] == words


def spoil(made: Deployment, table: str, column: str) -> None:
    """Change the last byte of a secret; the id of its key stays."""
    file = made.home / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as rows, rows:
        (sealed,) = rows.execute(f'SELECT {column} FROM {table}').fetchone()
        spoilt = sealed[:-1] + bytes([sealed[-1] ^ 1])
        rows.execute(f'UPDATE {table} SET {column} = ?', [spoilt])


def test_secret_that_was_spoilt(made: Deployment) -> None:
    manage.give_key(made.conf_file, 'ann')
    assert doctor(made).failed == []
    spoil(made, 'keymw_credential', 'secret')
    found = doctor(made)
    assert found.failed == ['secrets']
    assert 'of 1 credentials that were tried 1 cannot' in said(
        found, 'secrets'
    )


def test_secret_of_an_api_key_that_was_spoilt(made: Deployment) -> None:
    give(made, 'a')
    assert said(doctor(made), 'secrets') == 'the vault opens what is stored'
    spoil(made, 'keymw_api_key', 'secret')
    found = doctor(made)
    assert found.failed == ['secrets']
    assert 'of 1 api keys that were tried 1 cannot be opened' in said(
        found, 'secrets'
    )


def test_stale_tokens_that_are_allowed_need_no_clock(
    made: Deployment, cloud: Cloud
) -> None:
    made.write_conf({'kskey': {'stale_tokens': 'allow', 'tombstone_ttl': '1'}})
    found = doctor(made, cloud.app)
    assert found.failed == []
    assert found.skipped == ['token life', 'clock']
    for name in found.skipped:
        assert said(found, name) == '[kskey] stale_tokens = allow'


def refusals(between: Between, *answers: WSGIApplication) -> None:
    """Refuse tokens of service_user: once, then as told, to the end."""
    first = reply(401, {'error': {'message': 'no'}})
    more = itertools.cycle(answers)
    between.instead('POST /v3/auth/tokens', itertools.chain([first], more))


def test_refusal_on_the_system_names_the_system(
    made: Deployment, between: Between
) -> None:
    made.write_conf({'identity': {'service_project': '', 'system': 'true'}})
    answer = reply(403, {'error': {'message': 'no'}})
    between.instead('POST /v3/auth/tokens', itertools.repeat(answer))
    found = doctor(made, between)
    assert found.failed == ['service_user']
    assert said(found, 'service_user').endswith(
        '"admin" may not do this: give it the role "admin" on the system'
    )


@pytest.mark.parametrize(
    'answer',
    [reply(500), reply(409, {}), reply(201, {'token': {}}), broken],
    ids=['outage', 'conflict', 'no user', 'broken'],
)
def test_refusal_without_a_known_cause_is_told_as_it_is(
    made: Deployment, between: Between, answer: WSGIApplication
) -> None:
    refusals(between, answer)
    found = doctor(made, between)
    assert found.failed == ['service_user']
    line = said(found, 'service_user')
    assert line.startswith('--pipeline: ')
    assert '401' in line
    assert line.endswith('must be enabled, with the role "admin"')


@pytest.mark.parametrize(
    ('external', 'place'),
    [
        ('DefaultDomain', '[identity] external'),
        ('Domain', '[auth] external in keystone.conf'),
    ],
)
def test_user_of_another_domain_names_the_side_that_is_wrong(
    made: Deployment, between: Between, external: str, place: str
) -> None:
    made.write_conf({'identity': {'external': external}})
    user = {'name': 'admin', 'domain': {'name': 'other'}}
    refusals(between, reply(201, {'token': {'user': user}}))
    found = doctor(made, between)
    assert said(found, 'service_user') == (
        f'{place}: set external = Domain: "admin" is taken for the one of '
        'the domain "other", not "Default"'
    )


def test_answer_that_is_no_refusal_names_the_url(
    away: Deployment, far: Far
) -> None:
    far.between.instead('GET /v3/users/.*', itertools.repeat(reply(202, {})))
    found = doctor(away)
    assert found.failed == ['service_user']
    line = said(found, 'service_user')
    assert line.startswith('[identity] auth_url: ')
    assert line.endswith(': auth_url must be where the service itself is')
