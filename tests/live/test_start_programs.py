"""What a process that starts keymw loads, prints and leaves."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from keymw.observe.metrics_prometheus import DIRECTORY
from tests.support.deployment import Deployment

# Each is imported by another one of them: alembic takes mako, mako pygments.
HEAVY = (
    *('alembic', 'mako', 'pygments'),
    # The database here is SQLite. oslo.db loads the dialect of MySQL itself.
    'sqlalchemy.dialects.postgresql',
    *('ldap', 'prometheus_client', 'unittest'),
)
START = """
import sys
from keymw import factory
factory.wrap(lambda environ, start_response: [], sys.argv[1])
print(*sys.modules)
"""


@pytest.mark.parametrize('global_keys', ['true', 'false'])
def test_wrap_imports_nothing_in_vain(
    tmp_path: pathlib.Path, global_keys: str
) -> None:
    made = Deployment(
        tmp_path / 'keymw', {'global_keys': {'enabled': global_keys}}
    )
    made.set_up()
    done = run(START, made.conf_file)
    done.check_returncode()
    assert set(HEAVY) & set(done.stdout.split()) == set()
    assert 'alembic' not in done.stderr


def run(
    code: str, *words: object, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code to its end, in a process of its own."""
    return program(sys.executable, '-c', code, *words, **env)


def program(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        [*map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | env,
    )


LOGS_TO_A_FILE = 'import logging; logging.basicConfig(filename=sys.argv[2]); '


@pytest.mark.parametrize('logs', ['', LOGS_TO_A_FILE], ids=['none', 'file'])
def test_server_that_starts_without_keymw_ends_in_one_line(
    made: Deployment, tmp_path: pathlib.Path, logs: str
) -> None:
    """gunicorn starts no worker again after this status."""
    shutil.rmtree(made.home / 'vault')
    code = (
        f'import sys; {logs}import keymw; '
        'keymw.wrap(lambda environ, start_response: [], sys.argv[1])'
    )
    log = tmp_path / 'service.log'
    done = run(code, made.conf_file, log)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith('keymw cannot start: [vault] key_repository')
    assert not logs or line in log.read_text()


def test_package_alone_loads_nothing_of_the_server() -> None:
    loaded = run(
        'import keymw, sys; print(*sorted(n for n in sys.modules if'
        ' n.partition(".")[0] in ("keymw", "webob", "sqlalchemy", "lxml",'
        ' "oslo_config", "oslo_policy", "stevedore")))'
    )
    assert loaded.stdout == 'keymw\n'


ON = {'metrics': {'enabled': 'true'}}


def test_metrics_load_their_library(tmp_path: pathlib.Path) -> None:
    made = Deployment(tmp_path / 'keymw', ON)
    made.set_up()
    done = run(START, made.conf_file)
    assert 'prometheus_client' in done.stdout.split()


def test_directory_of_metrics_that_is_missing_is_told(
    tmp_path: pathlib.Path,
) -> None:
    made = Deployment(tmp_path / 'keymw', ON)
    made.set_up()
    done = run(START, made.conf_file, **{DIRECTORY: '/nowhere'})
    assert f'{DIRECTORY}: there is no directory' in done.stderr


_FORKS = """
import os, time
import prometheus_client as client
from prometheus_client import multiprocess
from keymw.observe import batch

batch.SECONDS = 1000
shared, own = client.CollectorRegistry(), client.CollectorRegistry()
multiprocess.MultiProcessCollector(shared)
waiting = batch.Batch()
seconds = client.Histogram('x', 'x', buckets=(1, 2), registry=own)
observe = waiting.histogram(seconds)
observe(1.0)
batch.SECONDS = 0.01
if not (child := os.fork()):
    observe(1.5)
    observe(9.0)
    while shared.get_sample_value('x_sum') != 10.5:
        time.sleep(0.01)
    os._exit(0)
os.waitpid(child, 0)
waiting.write()
found = [shared.get_sample_value('x_bucket', {'le': le})
         for le in ('1.0', '2.0', '+Inf')]
print(found, shared.get_sample_value('x_sum'))
"""


def test_each_process_writes_its_own_counts_once(
    tmp_path: pathlib.Path,
) -> None:
    """A worker that is idle writes too; a fork has none of its parent's."""
    done = run(_FORKS, **{DIRECTORY: str(tmp_path)})
    assert done.stdout == '[1.0, 2.0, 3.0] 11.5\n', done.stderr
