"""keymw-manage credential export and import."""

import json
import pathlib
import stat
from typing import Any

import pytest

from tests import manage
from tests.deployment import Deployment

HEADER = 'user_id,username,apiKey\n'


def deployed(home: pathlib.Path) -> Deployment:
    made = Deployment(home)
    made.set_up()
    return made


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    return deployed(tmp_path / 'keymw')


def transfer(made: Deployment, *words: str) -> manage.Result:
    return manage.run(made.conf_file, 'credential', *words)


def shown(made: Deployment, user_id: str) -> Any:
    words = ('show', user_id, '--reveal', '-f', 'json')
    return transfer(made, *words).data


def written(path: pathlib.Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize('flags', [(), ('--clear',)])
def test_store_moves_whole(
    made: Deployment, tmp_path: pathlib.Path, flags: tuple[str, ...]
) -> None:
    lines = [f'u{number},ü {number},secret' for number in range(600)]
    text = HEADER + '\n'.join(lines)
    transfer(made, 'import', written(tmp_path / 'keys.csv', text))
    manage.give_key(made.conf_file, 'nameless', None, 'secret')
    file = str(tmp_path / 'keys.json')
    assert transfer(made, 'export', file, *flags).out == 'exported 601\n'
    assert stat.S_IMODE((tmp_path / 'keys.json').stat().st_mode) == 0o600
    other = deployed(tmp_path / 'other')
    if not flags:
        for key in (made.home / 'vault').iterdir():
            (other.home / 'vault' / key.name).write_bytes(key.read_bytes())
    assert transfer(other, 'import', file).out == 'imported 601, wrong 0\n'
    for user_id in ('u0', 'u599', 'nameless'):
        assert shown(other, user_id) == shown(made, user_id)
        assert shown(other, user_id)['API Key'] == 'secret'


def test_export_is_sealed_unless_told(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    manage.give_key(made.conf_file, 'ann', key='open sesame')
    transfer(made, 'export', str(tmp_path / 'sealed'))
    assert 'open sesame' not in (tmp_path / 'sealed').read_text()
    transfer(made, 'export', '--clear', str(tmp_path / 'clear'))
    (line,) = (tmp_path / 'clear').read_text().splitlines()
    assert json.loads(line)['apiKey'] == 'open sesame'


def test_export_replaces_no_file(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / 'there'
    file.write_text('mine')
    assert 'there' in transfer(made, 'export', str(file)).failure
    assert file.read_text() == 'mine'
    assert list(tmp_path.glob('.there*')) == []


def test_csv_is_imported(made: Deployment, tmp_path: pathlib.Path) -> None:
    file = written(
        tmp_path / 'keys.csv',
        '\ufeff' + HEADER + 'u1,"two, words",k1\nu2,ürsula,k2\n',
    )
    done = transfer(made, 'import', file, '--domain-id', 'd1')
    assert (done.code, done.out) == (0, 'imported 2, wrong 0\n')
    found = shown(made, 'u1')
    assert (found['Username'], found['Domain ID']) == ('two, words', 'd1')
    assert shown(made, 'u2')['API Key'] == 'k2'


WRONG_JSON = [
    b'{"user_id": "u"}',
    b'{"user_id": "", "apiKey": "k"}',
    b'{"user_id": "u", "apiKey": " "}',
    b'{"user_id": "u", "apiKey": "' + b'k' * 101 + b'"}',
    b'{"user_id": "' + b'u' * 256 + b'", "apiKey": "k"}',
    b'{"user_id": "u", "apiKey": "a\\u0001b"}',
    b'{"user_id": "u", "apiKey": "k", "secret": "AAAA"}',
    b'{"user_id": "u", "secret": "AAAA"}',
    b'{"user_id": "u", "secret": "not base64!"}',
    b'{"user_id": "u", "apiKey": "k", "more": 1}',
    b'{"user_id": 1, "apiKey": "k"}',
    b'[]',
    b'nonsense',
    b'\xff\xfe',
    b'[' * 10_000,
]


@pytest.mark.parametrize('line', WRONG_JSON)
def test_wrong_line_is_told_and_the_rest_goes_on(
    made: Deployment, tmp_path: pathlib.Path, line: bytes
) -> None:
    good = b'{"user_id": "%s", "username": "%s", "apiKey": "k"}'
    file = written(
        tmp_path / 'keys.json',
        b'\n'.join([good % (b'a', b'a'), b'', line, good % (b'z', b'z')]),
    )
    done = transfer(made, 'import', file)
    assert (done.code, done.out) == (1, 'imported 2, wrong 1\n')
    assert done.err.startswith('line 3: ')
    assert done.err.count('\n') == 1
    words = ('list', '-f', 'value', '-c', 'User ID')
    assert transfer(made, *words).out == 'a\nz\n'


@pytest.mark.parametrize(
    'row', ['u1', 'u1,n,k,more', ',n,k', 'u1,,k', 'u1,n,', 'u1,n,a\x00b']
)
def test_wrong_row_is_told(
    made: Deployment, tmp_path: pathlib.Path, row: str
) -> None:
    file = written(tmp_path / 'keys.csv', f'{HEADER}a,a,k\n{row}\nz,z,k\n')
    done = transfer(made, 'import', file)
    assert (done.code, done.out) == (1, 'imported 2, wrong 1\n')
    assert done.err.startswith('line 3: ')


@pytest.mark.parametrize('header', ['', 'a,b,c\n', 'user_id,apiKey\n'])
def test_csv_of_other_columns_is_one_line(
    made: Deployment, tmp_path: pathlib.Path, header: str
) -> None:
    file = written(tmp_path / 'keys.csv', f'{header}u,n,k\n')
    failure = transfer(made, 'import', file).failure
    assert 'user_id,username,apiKey' in failure


def test_dry_run_stores_nothing(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = written(tmp_path / 'keys.csv', HEADER + 'u1,n1,k1\n,n2,k2\n')
    done = transfer(made, 'import', '--dry-run', file)
    assert (done.code, done.out) == (1, 'valid 1, wrong 1\n')
    assert transfer(made, 'list', '-f', 'value').out == ''
    assert list(tmp_path.glob('keys.csv*')) == [tmp_path / 'keys.csv']


def test_no_secret_is_told(made: Deployment, tmp_path: pathlib.Path) -> None:
    secret = 's3cret' * 20
    file = written(tmp_path / 'keys.csv', f'{HEADER}u1,n1,{secret}\n')
    done = transfer(made, 'import', file)
    assert done.code == 1
    assert 's3cret' not in done.out + done.err


def test_import_cut_short_goes_on(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    lines = [f'u{number:05},n{number},k' for number in range(30_000)]
    file = written(tmp_path / 'keys.csv', HEADER + '\n'.join(lines) + '\n')
    mark = tmp_path / 'keys.csv.imported'
    running = manage.spawn(made.conf_file, 'credential', 'import', file)
    while not mark.exists():
        assert running.poll() is None
    running.kill()
    running.communicate()
    done = transfer(made, 'import', file)
    assert done.code == 0
    imported = int(done.out.split()[1].rstrip(','))
    assert 0 < imported < len(lines)
    assert not mark.exists()
    words = ('list', '-f', 'value', '-c', 'User ID')
    assert len(transfer(made, *words).out.splitlines()) == len(lines)
