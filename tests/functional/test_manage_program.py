"""keymw-manage as a program: options, exit codes, one line of failure."""

import io
import pathlib
import sys

import pytest

from keymw.manage import main
from tests.support import manage
from tests.support.deployment import Deployment


@pytest.mark.parametrize(
    'words',
    [
        (),
        ('db',),
        ('nonsense',),
        ('--nonsense', 'db', 'sync'),
        ('db', 'sync', '--nonsense'),
        ('credential', 'show'),
        ('credential', 'list', '-f', 'nonsense'),
        ('credential', 'purge', '--pipeline', 'keymw-paste.ini'),
        ('credential', 'purge', '--pipeline', '#keystone'),
    ],
)
def test_what_is_not_understood_is_exit_code_2(
    made: Deployment, words: tuple[str, ...]
) -> None:
    found = manage.run(made.conf_file, *words)
    assert (found.code, found.out) == (2, '')
    assert 'error: ' in found.err
    assert 'Traceback' not in found.err


def test_help_needs_no_configuration(tmp_path: pathlib.Path) -> None:
    missing = tmp_path / 'missing.conf'
    found = manage.run(missing, '-h')
    assert (found.code, found.err) == (0, '')
    for name in ('credential purge', 'db sync', 'doctor', 'vault status'):
        assert name in found.out


def test_a_command_has_a_help_of_its_own(made: Deployment) -> None:
    found = manage.run(made.conf_file, 'credential', 'purge', '-h')
    assert found.code == 0
    assert '--dry-run' in found.out
    assert '--pipeline FILE#NAME' in found.out


@pytest.mark.parametrize(
    ('text', 'word'),
    [
        ('[limits]\nmax_body_size = 1\n', 'max_body_size'),
        ('[limits]\nmax_body_size = many\n', 'max_body_size'),
        ('[identity]\napi_version = v9\n', 'api_version'),
        ('[limits\n', 'Invalid section'),
        ('nonsense\n', 'keymw.conf'),
        ('[storage]\ncredentials = nonsense\n', '[storage] credentials'),
        ('[database]\nconnection = nonsense\n', '[database] connection'),
        ('[database]\nconnection = no:such@//db\n', '[database] connection'),
        ('[database]\nconnection = nosuch://db\n', '[database] connection'),
        ('[database]\nconnection =\n', '[database] connection'),
    ],
)
def test_a_bad_configuration_is_one_line(
    tmp_path: pathlib.Path, text: str, word: str
) -> None:
    file = tmp_path / 'keymw.conf'
    file.write_text(text)
    assert word in manage.run(file, 'credential', 'list').failure


def test_a_missing_configuration_is_one_line(tmp_path: pathlib.Path) -> None:
    missing = tmp_path / 'missing.conf'
    assert str(missing) in manage.run(missing, 'db', 'sync').failure


def test_an_unreadable_configuration_is_one_line(
    tmp_path: pathlib.Path,
) -> None:
    file = tmp_path / 'keymw.conf'
    file.write_bytes(b'\xff\xfe[vault]')
    assert str(file) in manage.run(file, 'db', 'sync').failure
    assert str(tmp_path) in manage.run(tmp_path, 'db', 'sync').failure


def test_a_command_that_cannot_be_imported_is_one_line(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'keymw.manage.transfer', None)
    done = manage.run(made.conf_file, 'credential', 'import', 'x')
    assert 'keymw.manage.transfer' in done.failure
    listed = manage.run(made.conf_file, 'credential', 'list')
    assert listed.code == 0


def test_verbose_logs_each_operation_and_no_secret(made: Deployment) -> None:
    words = ('-v', 'credential', 'delete', 'no\nbody')
    found = manage.run(made.conf_file, *words)
    assert found.code == 1
    (line,) = found.audit
    assert 'credential:delete: caller keymw-manage' in line
    assert 'target no%0Abody' in line


def test_a_traceback_is_there_for_who_asks(made: Deployment) -> None:
    words = ('--debug', 'credential', 'show', 'nobody')
    found = manage.run(made.conf_file, *words)
    assert found.code == 1
    assert 'Traceback' in found.err


def test_name_that_the_terminal_cannot_show_is_written_in_ascii(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    manage.give_key(made.conf_file, 'u1', 'ürsula')
    out = io.BytesIO()
    terminal = io.TextIOWrapper(out, 'ascii')
    monkeypatch.setattr(sys, 'stdout', terminal)
    words = ('credential', 'list', '-f', 'value')
    assert main.main(['--config-file', str(made.conf_file), *words]) == 0
    assert b' \\xfcrsula ' in out.getvalue()
