"""keymw is a good guest in the process of Keystone."""

import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
from typing import Any

from oslo_config import cfg
from oslo_context import context
import pytest

from keymw import conf
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

JSON = wires.Json()


def tables(file: pathlib.Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        }


def users_with_a_key(file: pathlib.Path) -> list[tuple[str]]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(
            'SELECT user_id FROM keymw_credential'
        ).fetchall()


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    return found


def test_two_databases(cloud: Cloud, made: Deployment, bob: Person) -> None:
    web = made.web(cloud.app)
    headers = {'X-Auth-Token': cloud.admin}
    web.post(wires.reset(bob.id), headers=headers, status=200)
    theirs = tables(pathlib.Path(cloud.conf_file).with_name('keystone.db'))
    ours = tables(made.home / 'keymw.db')
    assert {'user', 'project'} <= theirs
    assert not any(name.startswith('keymw') for name in theirs)
    assert all(name.startswith('keymw') for name in ours)
    assert users_with_a_key(made.home / 'keymw.db') == [(bob.id,)]


@pytest.mark.parametrize('group', ['kskey', 'limits', 'storage', 'vault'])
def test_our_groups_are_not_in_the_configuration_of_keystone(
    cloud: Cloud, made: Deployment, group: str
) -> None:
    assert made.web(cloud.app)
    assert group in dict(conf.list_opts())
    assert group not in cfg.CONF


def test_configuration_of_keystone_is_left_alone(
    cloud: Cloud, made: Deployment
) -> None:
    before = cfg.CONF.database.connection
    assert made.web(cloud.app)
    assert cfg.CONF.database.connection == before
    assert 'keystone.db' in before
    assert 'service_user' not in cfg.CONF.identity


def test_ours_is_not_read_by_keystone(cloud: Cloud, made: Deployment) -> None:
    assert made.web(cloud.app)
    assert str(made.conf_file) not in str(cfg.CONF.config_file)
    loaded = conf.load(str(made.conf_file))
    assert loaded is not cfg.CONF
    assert 'keymw.db' in loaded.database.connection


@pytest.mark.parametrize('outer', [None, 'req-of-the-outer-request'])
def test_context_is_as_it_was(
    cloud: Cloud, made: Deployment, bob: Person, outer: str | None
) -> None:
    web, headers = made.web(cloud.app), {'X-Auth-Token': cloud.admin}
    forget_context()
    if outer:
        context.RequestContext(request_id=outer)
    before = context.get_current()
    for path in (wires.base(bob.id), wires.base('missing')):
        web.get(path, headers=headers, expect_errors=True)
        assert context.get_current() is before
    forget_context()


def forget_context() -> None:
    if context.get_current() is not None:
        del context._request_store.context


def run(code: str, *arguments: str) -> Any:
    """The output of a process with these arguments, as JSON."""
    done = subprocess.run(
        [sys.executable, '-c', code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    return json.loads(done.stdout.splitlines()[-1])


FROM_A_SERVER = """
import json, logging, sys
file, arguments = sys.argv[1], list(sys.argv)
handlers = list(logging.getLogger().handlers)
from keymw import factory
app = factory.keystone_factory({}, config_file=file)
from oslo_config import cfg
said = {}
def start(status, headers):
    said['status'] = status
environ = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/v3', 'SCRIPT_NAME': '',
    'SERVER_NAME': 'x', 'SERVER_PORT': '80', 'wsgi.url_scheme': 'http'}
b''.join(app(environ, start))
print(json.dumps({
    'kept': sys.argv == arguments,
    'taken': cfg.CONF.config_file,
    'status': said['status'],
}))
"""


def test_arguments_of_the_server_are_not_keystones(cloud: Cloud) -> None:
    """Keystone would read --config-file and refuse --workers."""
    told = run(
        FROM_A_SERVER,
        cloud.conf_file,
        '--workers',
        '4',
        '--config-file',
        '/nowhere.conf',
    )
    assert told == {
        'kept': True,
        'taken': [cloud.conf_file],
        'status': '200 OK',
    }


LOGGING = """
import json, logging, sys
before = (list(logging.getLogger().handlers), logging.getLogger().level)
import keymw
from tests.support.pipeline_v2 import PipelineV2
keymw.wrap(PipelineV2(), sys.argv[1])
root = logging.getLogger()
print(json.dumps((list(root.handlers), root.level) == before))
"""


def test_logging_is_left_to_the_process(made: Deployment) -> None:
    assert run(LOGGING, str(made.conf_file)) is True
