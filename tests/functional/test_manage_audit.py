"""Each use of keymw-manage that matters leaves a line, beside the API's."""

import os
import pathlib
import pwd

import pytest

from tests.support import manage
from tests.support.deployment import Deployment

ME = pwd.getpwuid(os.getuid()).pw_name
OWNER = ('--description', 'x', '--role', 'GLOBAL_OWNER', '-f', 'json')
USES = {
    'show': (('credential', 'show', 'u1', '--reveal'), 'credential:get'),
    'reset': (('credential', 'reset', 'u1'), 'credential:reset'),
    'delete': (('credential', 'delete', 'u1'), 'credential:delete'),
    'export': (('credential', 'export', '{home}/x'), 'credential:export'),
    'clear': (
        ('credential', 'export', '{home}/x', '--clear'),
        'credential:export-clear',
    ),
    'import': (('credential', 'import', '{home}/in'), 'credential:import'),
    'sync': (('db', 'sync'), 'db:sync'),
    'setup': (('vault', 'setup'), 'vault:setup'),
    'rotate': (('vault', 'rotate'), 'vault:rotate'),
    'migrate': (('vault', 'migrate'), 'vault:migrate'),
    'create': (('global-key', 'create', *OWNER), 'global_key:add'),
    'let-in': (
        ('access-list', 'add', '10.0.0.1', '--description', 'x'),
        'access_list:add',
    ),
}


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    manage.give_key(found.conf_file, 'u1')
    (found.home / 'in').write_text('')
    return found


@pytest.mark.parametrize(('words', 'rule'), USES.values(), ids=list(USES))
def test_one_line_says_who_did_what(
    made: Deployment, words: tuple[str, ...], rule: str
) -> None:
    found = manage.run(
        made.conf_file, *(word.format(home=made.home) for word in words)
    )
    assert (found.code, found.err) == (0, '')
    (line,) = found.audit
    assert f'{rule}: caller keymw-manage/{ME}' in line
    assert ', outcome done, ' in line
    assert 'a key' not in line


def test_a_failure_leaves_a_line_too(made: Deployment) -> None:
    found = manage.run(made.conf_file, 'vault', 'drop', '1')
    (line,) = found.audit
    assert 'vault:drop: ' in line
    assert 'target 1, outcome failed' in line


def test_what_only_looks_leaves_none(made: Deployment) -> None:
    for words in (('credential', 'list'), ('vault', 'status'), ('doctor',)):
        assert manage.run(made.conf_file, *words).audit == ()


def test_who_called_sudo_is_named(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SUDO_USER', 'carol\n')
    (line,) = manage.run(made.conf_file, 'vault', 'rotate').audit
    assert f'caller keymw-manage/{ME}/carol%0A,' in line


def test_a_log_that_cannot_be_written_is_one_line(made: Deployment) -> None:
    made.write_conf({'DEFAULT': {'log_file': f'{made.home}/no/keymw.log'}})
    done = manage.run(made.conf_file, 'credential', 'delete', 'u1')
    assert '[DEFAULT] log_file' in done.failure
    made.write_conf({})
    assert manage.run(made.conf_file, 'credential', 'show', 'u1').code == 0
