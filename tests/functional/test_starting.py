"""Starting: as an operator deploys it, and one clear line when it cannot."""

from collections.abc import Callable
import contextlib
import logging
import os
import pathlib
import sqlite3
import sys

from paste import deploy as paste
import pytest
import webtest

import keymw
from keymw import factory
from keymw import readiness
from keymw.conf import ConfigError
from keymw.factory import StartError
from keymw.observe import health
from tests.support import front
from tests.support import wire as wires
from tests.support.between import broken
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.pipeline_v2 import PipelineV2

Spoil = Callable[[Deployment], None]


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """Files of keymw that are in order."""
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    return found


@pytest.fixture
def pipeline() -> PipelineV2:
    return PipelineV2()


def without_conf_file(made: Deployment) -> None:
    made.conf_file.unlink()


def with_a_directory_for_the_file(made: Deployment) -> None:
    made.conf_file.unlink()
    made.conf_file.mkdir()


def with_a_file_that_is_no_ini(made: Deployment) -> None:
    made.conf_file.write_text('no option\n')


def with_a_file_that_is_no_text(made: Deployment) -> None:
    made.conf_file.write_bytes(b'[vault]\nkey_repository = \xff\n')


def with_options(options: Options) -> Spoil:
    return lambda made: made.write_conf(options)


def key_file(made: Deployment) -> pathlib.Path:
    return made.home / 'vault' / '1'


def without_repository(made: Deployment) -> None:
    for file in key_file(made).parent.iterdir():
        file.unlink()
    key_file(made).parent.rmdir()


def with_a_file_for_the_repository(made: Deployment) -> None:
    without_repository(made)
    key_file(made).parent.write_text('')


def with_an_empty_repository(made: Deployment) -> None:
    for file in key_file(made).parent.iterdir():
        file.unlink()


def with_a_repository_open_to_all(made: Deployment) -> None:
    key_file(made).parent.chmod(0o705)


def with_a_key_open_to_all(made: Deployment) -> None:
    key_file(made).chmod(0o604)


def with_key(content: bytes) -> Spoil:
    def spoil(made: Deployment) -> None:
        key_file(made).write_bytes(content)

    return spoil


def database(made: Deployment) -> pathlib.Path:
    return made.home / 'keymw.db'


def without_database(made: Deployment) -> None:
    database(made).unlink()


def with_an_empty_database(made: Deployment) -> None:
    database(made).write_bytes(b'')


def at_version(version: str) -> Spoil:
    def change(made: Deployment) -> None:
        with contextlib.closing(sqlite3.connect(database(made))) as db, db:
            db.execute('UPDATE keymw_version SET version_num = ?', (version,))

    return change


REFUSALS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    'no-file': (without_conf_file, ('keymw.conf',)),
    'directory': (with_a_directory_for_the_file, ('keymw.conf',)),
    'no-ini': (with_a_file_that_is_no_ini, ('keymw.conf', 'line 1')),
    'no-text': (with_a_file_that_is_no_text, ('keymw.conf',)),
    'no-number': (
        with_options({'identity': {'user_cache_ttl': 'soon'}}),
        ('keymw.conf', 'user_cache_ttl', 'soon'),
    ),
    'below-the-least': (
        with_options({'limits': {'max_body_size': '1'}}),
        ('keymw.conf', 'max_body_size', '1024'),
    ),
    'no-choice': (
        with_options({'identity': {'api_version': 'v4'}}),
        ('keymw.conf', 'api_version', 'v4'),
    ),
    'no-boolean': (
        with_options({'kskey': {'enabled': 'perhaps'}}),
        ('keymw.conf', 'enabled', 'perhaps'),
    ),
    'directory-for-the-rules': (
        with_options({'oslo_policy': {'policy_file': '/'}}),
        ('[oslo_policy] policy_file', 'is a directory', 'policy_dirs'),
    ),
    'unreadable-rules': (
        with_options({'oslo_policy': {'policy_file': '/proc/self/mem'}}),
        ('[oslo_policy] policy_file: /proc/self/mem: Input/output error',),
    ),
    'no-repository': (
        without_repository,
        ('[vault] key_repository', '/vault', 'keymw-manage vault setup'),
    ),
    'file-for-repository': (
        with_a_file_for_the_repository,
        ('[vault] key_repository', '/vault', 'keymw-manage vault setup'),
    ),
    'empty-repository': (
        with_an_empty_repository,
        ('[vault] key_repository', '/vault', 'keymw-manage vault setup'),
    ),
    'open-repository': (
        with_a_repository_open_to_all,
        ('[vault] key_repository', '/vault ', '0705', 'chmod 0700'),
    ),
    'open-key': (
        with_a_key_open_to_all,
        ('[vault] key_repository', '/vault/1 ', '0604', 'chmod 0600'),
    ),
    'null-key': (
        with_key(b'A' * 43 + b'='),
        ('[vault] key_repository', '/vault/1 ', 'null', 'restore'),
    ),
    'short-key': (
        with_key(b'c2hvcnQ='),
        ('[vault] key_repository', '/vault/1 ', '32 bytes', 'restore'),
    ),
    'long-key': (
        with_key(b'b' * 64),
        ('[vault] key_repository', '/vault/1 ', '32 bytes', 'restore'),
    ),
    'empty-key': (
        with_key(b''),
        ('[vault] key_repository', '/vault/1 ', '32 bytes', 'restore'),
    ),
    'no-base64': (
        with_key(b'b' * 41),
        ('[vault] key_repository', '/vault/1 ', '32 bytes', 'restore'),
    ),
    'no-database': (
        without_database,
        ('[database] connection', '/keymw.db', 'keymw-manage db sync'),
    ),
    'empty-database': (
        with_an_empty_database,
        ('[database] connection', 'nothing', 'keymw-manage db sync'),
    ),
    'old-database': (
        at_version('0001'),
        ('[database] connection', '0001', 'keymw-manage db sync'),
    ),
    'no-database-for-global-keys': (
        with_options(
            {
                'storage': {'credentials': 'memory'},
                'global_keys': {'enabled': 'true'},
                'database': {'connection': 'sqlite:////no-keymw.db'},
            }
        ),
        ('[database] connection', '/no-keymw.db', 'db sync'),
    ),
    'no-driver': (
        with_options({'storage': {'credentials': 'stone'}}),
        ('[storage] credentials', '"stone"'),
    ),
    'service-user-without-scope': (
        with_options({'identity': {'service_project': ''}}),
        ('[identity] service_user', 'service_project', 'system'),
    ),
    'service-user-with-two-scopes': (
        with_options({'identity': {'system': 'true'}}),
        ('[identity] service_user', 'service_project', 'system'),
    ),
}


@pytest.mark.parametrize(
    ('spoil', 'words'), list(REFUSALS.values()), ids=list(REFUSALS)
)
def test_refuses_to_start_in_one_clear_line(
    made: Deployment,
    pipeline: PipelineV2,
    spoil: Spoil,
    words: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoil(made)
    with pytest.raises(ConfigError) as refusal:
        made.load(pipeline)
    said = str(refusal.value)
    assert [word for word in words if word not in said] == []
    assert len(said.splitlines()) == 1
    assert f'keymw cannot start: {said}' in caplog.text


@pytest.mark.parametrize(
    'handlers',
    [
        list,
        lambda: [logging.StreamHandler()],
        lambda: [logging.NullHandler()],
        lambda: [logging.NullHandler(), logging.StreamHandler()],
    ],
    ids=['none', 'standard error', 'elsewhere', 'both'],
)
def test_refusal_is_shown_once_where_the_server_was_started(
    made: Deployment,
    handlers: Callable[[], list[logging.Handler]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging.getLogger(), 'handlers', handlers())
    made.conf_file.unlink()
    with pytest.raises(ConfigError):
        made.load(PipelineV2())
    assert capsys.readouterr().err.count('keymw cannot start: ') == 1


@pytest.mark.parametrize('order', [1, -1])
def test_health_of_two_filters_is_that_of_the_one_that_fails(
    made: Deployment, order: int
) -> None:
    filters = [made.load(app) for app in (broken, PipelineV2())[::order]]
    found = readiness.run(30, str(made.conf_file))
    assert found['store'] == found['vault'] == health.OK
    assert found['identity'] != health.OK
    assert len(filters) == 2


def test_what_is_in_order_starts(
    made: Deployment, pipeline: PipelineV2
) -> None:
    assert made.load(pipeline)
    # A process that forks now must share no connection.
    opened = [os.readlink(file) for file in _open_files()]
    assert str(database(made)) not in opened


def _open_files() -> list[str]:
    folder = '/proc/self/fd'
    files = [f'{folder}/{number}' for number in os.listdir(folder)]
    return [file for file in files if os.path.islink(file)]


DOWN = {'database': {'connection': 'postgresql://keymw@127.0.0.1:1/keymw'}}


@pytest.mark.parametrize(
    ('spoil', 'said'),
    [
        (at_version('9999'), 'newer than this keymw: upgrade keymw'),
        (with_options(DOWN), '127.0.0.1'),
    ],
    ids=['newer', 'down'],
)
def test_starts_with_a_warning_where_a_database_may_serve_later(
    made: Deployment,
    pipeline: PipelineV2,
    spoil: Spoil,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoil(made)
    assert made.load(pipeline)
    warnings = [r for r in caplog.records if r.levelname == 'WARNING']
    (line,) = (r for r in warnings if said in r.getMessage())
    assert '[database] connection' in line.getMessage()


INI = """
[pipeline:main]
pipeline = keymw wrapped
[filter:keymw]
use = egg:keymw#keymw
{options}
[app:wrapped]
paste.app_factory = tests.support.pipeline_v2:factory
"""


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ('', 'config_file'),
        ('config_file =', 'config_file'),
        ('config_file = {file}\nself_service = false', 'self_service'),
    ],
    ids=['none', 'empty', 'more'],
)
def test_ini_holds_config_file_and_nothing_else(
    made: Deployment, tmp_path: pathlib.Path, options: str, words: str
) -> None:
    ini = tmp_path / 'paste.ini'
    ini.write_text(INI.format(options=options.format(file=made.conf_file)))
    with pytest.raises(ConfigError, match=words):
        paste.loadapp(f'config:{ini}')


def test_defaults_of_an_ini_do_not_disturb(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    ini = tmp_path / 'paste.ini'
    options = f'config_file = {made.conf_file}'
    ini.write_text(f'[DEFAULT]\ndebug = x\n{INI.format(options=options)}')
    assert paste.loadapp(f'config:{ini}')


def test_wrap_serves_what_the_filter_serves(
    made: Deployment, pipeline: PipelineV2, wire: wires.Wire
) -> None:
    bob = pipeline.account('bob')
    token = pipeline.token(bob)
    wrapped = webtest.TestApp(keymw.wrap(pipeline, str(made.conf_file)))
    answer = front.ask(wrapped, wire, 'POST', wires.reset(bob.id), token)
    filtered = made.web(pipeline)
    shown = front.ask(filtered, wire, 'GET', wires.key(bob.id), token)
    assert wire.key(shown) == wire.key(answer)


def test_two_filters_in_one_process(
    tmp_path: pathlib.Path, pipeline: PipelineV2
) -> None:
    bob, json = pipeline.account('bob'), wires.Json()
    token, body = (
        pipeline.token(bob),
        json.write(username='bob', apiKey='x' * 16),
    )
    one = front.front(tmp_path / 'one', pipeline)
    two = front.front(
        tmp_path / 'two',
        pipeline,
        {'kskey': {'default_role': 'x'}, 'limits': {'max_body_size': '1024'}},
    )
    reset = front.ask(one, json, 'POST', wires.reset(bob.id), token)
    for web, keys in ((one, [json.key(reset)]), (two, [])):
        listed = front.ask(web, json, 'GET', wires.base(bob.id), token)
        assert json.keys(listed) == keys
    admin = pipeline.token(pipeline.account('root', 'admin'))
    for web, status in ((one, 201), (two, 413)):
        answer = front.ask(
            web, json, 'POST', wires.base(bob.id), admin, body + b' ' * 1024
        )
        assert answer.status_int == status


def test_one_filter_before_another(
    tmp_path: pathlib.Path, pipeline: PipelineV2
) -> None:
    bob, json = pipeline.account('bob'), wires.Json()
    inner = front.front(tmp_path / 'inner', pipeline).app
    switched_off = {'kskey': {'enabled': 'false'}}
    web = front.front(tmp_path / 'outer', inner, switched_off)
    token = pipeline.token(bob)
    listed = front.ask(web, json, 'GET', wires.base(bob.id), token)
    assert json.keys(listed) == []


def test_keystone_is_made_once(cloud: Cloud) -> None:
    assert (
        factory.keystone_factory({}, config_file=cloud.conf_file) is cloud.app
    )


def test_keystone_is_the_same_by_another_spelling(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _, name = cloud.conf_file.rpartition('/')
    monkeypatch.chdir(folder)
    assert factory.keystone_factory({}, config_file=name) is cloud.app


@pytest.mark.usefixtures('cloud')
def test_another_keystone_is_refused(tmp_path: pathlib.Path) -> None:
    other = tmp_path / 'keystone.conf'
    other.touch()
    with pytest.raises(ConfigError) as refusal:
        factory.keystone_factory({}, config_file=str(other))
    assert str(other) in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize('options', [{}, {'config_file': 'x', 'debug': '1'}])
def test_keystone_takes_config_file_and_nothing_else(
    options: dict[str, str],
) -> None:
    with pytest.raises(ConfigError, match='config_file'):
        factory.keystone_factory({}, **options)


@pytest.mark.parametrize(
    ('missing', 'words'),
    [
        (
            'keystone.conf',
            'config_file: there is no file {home}/keystone.conf',
        ),
        ('keystone.server.flask', 'Keystone cannot be loaded: '),
    ],
)
def test_keystone_that_cannot_be_made_is_one_line(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    words: str,
) -> None:
    monkeypatch.setattr(factory, '_KEYSTONES', {})
    file = tmp_path / 'keystone.conf'
    if missing != file.name:
        file.touch()
        monkeypatch.setitem(sys.modules, missing, None)
    arguments = sys.argv
    with pytest.raises(StartError) as refusal:
        factory.keystone_factory({}, config_file=str(file))
    assert str(refusal.value).startswith(words.format(home=tmp_path))
    assert (sys.argv, factory._KEYSTONES) == (arguments, {})
