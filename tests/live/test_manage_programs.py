"""keymw-manage as it is installed: a process of its own."""

import os
import pathlib
import pty
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.support import manage
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.doctor import NOBODY
from tests.support.doctor import SETUP
from tests.support.doctor import Report
from tests.support.doctor import of_a_user

ROOT = pathlib.Path(__file__).parents[2]


def test_the_installed_program_works_and_is_silent_on_stderr(
    made: Deployment,
) -> None:
    found = manage.finish(manage.spawn(made.conf_file, 'db', 'version'))
    assert (found.code, found.err) == (0, '')


def test_a_reader_that_goes_away_is_no_failure_to_tell(
    made: Deployment,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = manage.spawn(made.conf_file, 'db', 'version', stdout=writer)
    os.close(writer)
    found = manage.finish(process)
    assert (found.code, found.err) == (141, '')


@pytest.mark.skipif(
    not os.path.exists('/dev/full'), reason='needs /dev/full, as Linux has'
)
def test_output_that_cannot_be_written_is_one_line(made: Deployment) -> None:
    with open('/dev/full', 'w') as full:
        process = manage.spawn(made.conf_file, 'db', 'version', stdout=full)
    assert 'No space left' in manage.finish(process).failure


def test_ctrl_c_leaves_no_traceback(made: Deployment) -> None:
    ini = made.home / 'endless.ini'
    ini.write_text(
        '[app:endless]\n'
        'paste.app_factory = tests.support.manage:endless_factory\n'
    )
    process = manage.spawn(
        made.conf_file,
        *('credential', 'purge', '--pipeline', f'{ini}#endless'),
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert process.stdout.readline() == 'loading\n'
    process.send_signal(signal.SIGINT)
    assert manage.finish(process) == manage.Result(130, '', '')


def test_names_that_the_terminal_cannot_show_are_escaped(
    made: Deployment,
) -> None:
    process = manage.spawn(
        made.conf_file,
        *('credential', 'show', 'ürsula'),
        env={**os.environ, 'PYTHONIOENCODING': 'ascii'},
        stdin=subprocess.DEVNULL,
    )
    assert 'rsula' in manage.finish(process).failure


def test_create_shows_the_key_on_a_terminal(made: Deployment) -> None:
    terminal, other = pty.openpty()
    words = ('create', '--description', 'x', '--role', 'GLOBAL_OWNER')
    process = manage.spawn(made.conf_file, 'global-key', *words, stdout=other)
    os.close(other)
    assert manage.finish(process) == manage.Result(0, '', '')
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    found = manage.run(made.conf_file, 'global-key', 'list', '-f', 'json')
    (row,) = found.data
    assert row['Public Key'] in shown
    suffix = row['Private Key'].rpartition('-')[2]
    assert re.search(f'[0-9a-f]{{8}}-[0-9a-f-]{{14}}-{suffix}', shown)


def test_import_cut_short_goes_on(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    lines = [f'u{n:05},n{n},a key of 16 or more' for n in range(12_000)]
    file = tmp_path / 'keys.csv'
    file.write_text('\n'.join(['user_id,username,apiKey', *lines]))
    mark = tmp_path / 'keys.csv.imported'
    words = ('credential', 'import', str(file))
    running = manage.spawn(made.conf_file, *words)
    while not mark.exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.communicate()
    done = manage.run(made.conf_file, *words)
    assert done.code == 0
    imported = int(done.out.split()[1].rstrip(','))
    assert 0 < imported < len(lines)
    assert not mark.exists()
    listed = manage.run(made.conf_file, 'credential', 'list', '-f', 'value')
    assert len(listed.out.splitlines()) == len(lines)


def lines_of(made: Deployment, log: pathlib.Path) -> list[str]:
    """The lines of a command in a log, and none on the terminal."""
    manage.give_key(made.conf_file, 'u1')
    process = manage.spawn(made.conf_file, 'credential', 'delete', 'u1')
    found = manage.finish(process)
    assert (found.code, found.err, found.audit) == (0, '', ())
    lines = log.read_text().splitlines()
    return [line for line in lines if 'credential:delete' in line]


def test_lines_go_where_keymw_conf_says(made: Deployment) -> None:
    log = made.home / 'keymw.log'
    made.write_conf(
        {'DEFAULT': {'log_file': log.name, 'log_dir': str(made.home)}}
    )
    (line,) = lines_of(made, log)
    me = pwd.getpwuid(os.getuid()).pw_name
    assert f'caller keymw-manage/{me}' in line


def test_lines_go_to_the_log_of_keystone(made: Deployment) -> None:
    log, keystone = made.home / 'ks.log', made.home / 'keystone.conf'
    keystone.write_text(f'[DEFAULT]\nlog_file = {log}\n')
    (made.home / 'keymw-paste.ini').write_text(
        f'[app:keystone]\nuse = egg:keymw#keystone\nconfig_file = {keystone}\n'
    )
    assert len(lines_of(made, log)) == 1


def test_the_program_is_silent_but_for_what_it_does(
    made: Deployment, cloud: Cloud
) -> None:
    """Keystone, loaded anew, warns and logs where it is let to."""
    manage.give_key(made.conf_file, 'nobody')
    ini = made.home / 'keystone.ini'
    ini.write_text(
        '[app:keystone]\n'
        'use = egg:keymw#keystone\n'
        f'config_file = {cloud.conf_file}\n'
    )
    words = ('credential', 'purge', '--pipeline', f'{ini}#keystone')
    found = manage.finish(manage.spawn(made.conf_file, *words))
    assert (found.code, found.err) == (0, '')
    assert found.out.startswith('removed nobody ')


def _can_run_python() -> bool:
    """Whether that user may read the interpreter of the tests."""
    if os.geteuid() != 0:
        return False
    try:
        done = subprocess.run(
            [sys.executable, '-c', 'import sqlite3'], user=NOBODY
        )
    except OSError:
        return False
    return done.returncode == 0


def root(theirs: pathlib.Path, *words: str) -> manage.Result:
    """The result of a command that root starts."""
    return manage.finish(manage.spawn(theirs / 'keymw.conf', *words))


def as_user(theirs: pathlib.Path, *words: str) -> manage.Result:
    """The result of a command that root starts for another user."""
    return root(theirs, '--user', NOBODY, *words)


@pytest.mark.skipif(
    not _can_run_python(),
    reason=f'{NOBODY} cannot run this Python, or no root',
)
def test_root_becomes_the_user_of_the_service() -> None:
    with of_a_user() as theirs:
        for words in SETUP:
            assert as_user(theirs, *words).code == 0
        assert '--user' in root(theirs, 'vault', 'rotate').failure
        files = [theirs / 'keymw.db', *(theirs / 'vault').iterdir()]
        assert {file.owner() for file in files} == {NOBODY}
        for run in (root, as_user):
            report = Report(run(theirs, 'doctor'))
            assert report.failed == []
            assert NOBODY in report.lines['user']
        shutil.chown(theirs / 'keymw.db', 'daemon')
        report = Report(as_user(theirs, 'doctor'))
        assert 'daemon' in report.lines['user']
        assert 'user' in report.failed
