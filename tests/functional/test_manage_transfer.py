"""keymw-manage credential export and import."""

from collections.abc import Callable
import json
import os
import pathlib
import stat
import time
from typing import Any

import pytest

from keymw.storage.sql.credentials import SqlCredentials
from tests.support import manage
from tests.support.deployment import Deployment

HEADER = 'user_id,username,apiKey\n'


def deployed(home: pathlib.Path, min_key_length: int = 1) -> Deployment:
    """A deployment that takes short keys, which are easier to read here."""
    made = Deployment(home, {'kskey': {'min_key_length': str(min_key_length)}})
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


@pytest.mark.parametrize(
    'header',
    [
        *(b'', b'a,b,c\n', b'user_id,apiKey\n'),
        *(b'\xff\xfe\n', b'"user_id,username,apiKey\n'),
        *(b'user_id,username,apiKey,apiKey\n', b'u' * 200_000),
    ],
)
def test_csv_of_other_columns_is_one_line(
    made: Deployment, tmp_path: pathlib.Path, header: bytes
) -> None:
    file = written(tmp_path / 'keys.csv', header + b'u,n,k\n')
    failure = transfer(made, 'import', file).failure
    assert 'user_id,username,apiKey' in failure
    assert transfer(made, 'list', '-f', 'value').out == ''


@pytest.mark.parametrize('form', ['csv', 'json'])
def test_key_that_can_be_guessed_is_left_out(
    tmp_path: pathlib.Path, form: str
) -> None:
    made = deployed(tmp_path / 'keymw', min_key_length=16)
    rows = [('a', '7f'), ('b', 'k' * 15), ('c', 'k' * 16)]
    text = HEADER + ''.join(f'{user},{user},{key}\n' for user, key in rows)
    if form == 'json':
        lines = [{'user_id': user, 'apiKey': key} for user, key in rows]
        text = '\n' + '\n'.join(map(json.dumps, lines))
    file = written(tmp_path / f'keys.{form}', text)
    done = transfer(made, 'import', file)
    assert (done.code, done.out) == (1, 'imported 1, wrong 2\n')
    why = 'credentialType.apiKey: size must be between 16 and 100'
    assert done.err == f'line 2: {why}\nline 3: {why}\n'


def test_short_key_that_is_stored_moves_sealed(tmp_path: pathlib.Path) -> None:
    made = deployed(tmp_path / 'keymw', min_key_length=16)
    manage.give_key(made.conf_file, 'ann', key='7f')
    file = str(tmp_path / 'keys.json')
    transfer(made, 'export', file)
    assert transfer(made, 'import', file).out == 'imported 1, wrong 0\n'
    assert shown(made, 'ann')['API Key'] == '7f'


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


def rows(numbers: range) -> str:
    return ''.join(f'u{n:05},n{n},a key of 16 or more\n' for n in numbers)


def cut_short(
    monkeypatch: pytest.MonkeyPatch, made: Deployment, *words: str
) -> None:
    """An import that ends before it stores its second batch."""
    put_all, left = SqlCredentials.put_all, iter(range(1))

    def until_it_dies(*args: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        put_all(*args)

    with monkeypatch.context() as patched:
        patched.setattr(SqlCredentials, 'put_all', until_it_dies)
        assert transfer(made, 'import', *words).code == 130


def test_what_was_read_before_is_counted(
    made: Deployment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + rows(range(10)) + 'wrong\n' + rows(range(10, 1700))
    file = written(tmp_path / 'keys.csv', text + 'wrong\n')
    cut_short(monkeypatch, made, file)
    done = transfer(made, 'import', file)
    assert done.out == 'imported 701, wrong 2, skipped 1000\n'
    assert done.code == 1
    assert 'keys.csv.imported: going on after line 1001' in done.err
    assert 'line 1703: ' in done.err


def test_mark_at_the_end_of_the_file_tells_what_was_skipped(
    made: Deployment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / 'keys.csv', HEADER + rows(range(1500)))
    cut_short(monkeypatch, made, file)
    mark = tmp_path / 'keys.csv.imported'
    mark.write_text(
        json.dumps(json.loads(mark.read_text()) | {'number': 1501})
    )
    done = transfer(made, 'import', file)
    assert done.out == 'imported 0, wrong 0, skipped 1500\n'
    assert 'going on after line 1501' in done.err


def test_import_into_another_store_starts_anew(
    made: Deployment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / 'keys.csv', HEADER + rows(range(1500)))
    cut_short(monkeypatch, made, file)
    done = transfer(deployed(tmp_path / 'other'), 'import', file)
    assert done.out == 'imported 1500, wrong 0\n'
    assert 'keys.csv.imported: ' in done.err
    assert 'starting anew' in done.err


def another_file(_made: Deployment, file: pathlib.Path) -> list[str]:
    file.write_text(HEADER + rows(range(1500)) + '\n')
    return []


def another_option(_made: Deployment, _file: pathlib.Path) -> list[str]:
    return ['--domain-id', 'other']


def an_empty_store(made: Deployment, _file: pathlib.Path) -> list[str]:
    for name in made.home.glob('keymw.db*'):
        name.unlink()
    manage.run(made.conf_file, 'db', 'sync')
    return []


def a_spoilt_mark(_made: Deployment, file: pathlib.Path) -> list[str]:
    file.with_name('keys.csv.imported').write_text('nonsense')
    return []


@pytest.mark.parametrize(
    'change', [another_file, another_option, an_empty_store, a_spoilt_mark]
)
def test_import_that_is_not_the_same_starts_anew(
    made: Deployment,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Deployment, pathlib.Path], list[str]],
) -> None:
    file = written(tmp_path / 'keys.csv', HEADER + rows(range(1500)))
    cut_short(monkeypatch, made, file)
    done = transfer(made, 'import', file, *change(made, pathlib.Path(file)))
    assert done.out == 'imported 1500, wrong 0\n'
    assert 'starting anew' in done.err


@pytest.mark.parametrize(
    'line',
    ['id,"user-99,key', 'id,us"er,"k', 'id,n,' + 'k' * 200_000, '"' * 99_999],
)
def test_csv_line_that_cannot_be_read_spoils_no_other(
    made: Deployment, tmp_path: pathlib.Path, line: str
) -> None:
    text = HEADER + rows(range(99)) + line + '\n' + rows(range(99, 2000))
    done = transfer(made, 'import', written(tmp_path / 'keys.csv', text))
    assert done.out == 'imported 2000, wrong 1\n'
    assert done.err.startswith('line 101: ')
    assert done.err.count('\n') == 1


@pytest.mark.parametrize('form', ['csv', 'json'])
def test_line_that_is_no_text_spoils_no_other(
    made: Deployment, tmp_path: pathlib.Path, form: str
) -> None:
    line = {'csv': b'%s,n,k\n', 'json': b'{"user_id": "%s", "apiKey": "k"}\n'}
    lines = [line[form] % name for name in (b'a', b'\xff', b'c')]
    first = HEADER.encode() if form == 'csv' else b''
    file = written(tmp_path / f'keys.{form}', first + b''.join(lines))
    done = transfer(made, 'import', file)
    assert (done.code, done.out) == (1, 'imported 2, wrong 1\n')
    why = {'csv': 'line 3: it is not UTF-8', 'json': 'line 2: it is not one'}
    assert done.err.startswith(why[form])
    assert done.err.count('\n') == 1


def test_json_line_without_end_spoils_no_other(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    good = '{"user_id": "%s", "apiKey": "a key of 16 or more"}\n'
    text = good % 'a' + good % ('b' * 300_000) + good % 'c'
    done = transfer(made, 'import', written(tmp_path / 'keys.json', text))
    assert done.out == 'imported 2, wrong 1\n'
    assert done.err.startswith('line 2: it is longer')


def keys_of(*created: str) -> str:
    line = (
        '{"user_id": "u%d", "username": "n%d", '
        '"apiKey": "a key of 16 or more", "%s": "%s"}\n'
    )
    times = [(name, at) for at in created for name in _TIMES]
    return ''.join(line % (n, n, *one) for n, one in enumerate(times))


_TIMES = ('created_at', 'updated_at')


@pytest.mark.parametrize(
    'moment',
    [
        '0001-01-01T00:00:00+14:00',
        '9999-12-31T23:59:59-14:00',
        '0001-01-01T00:00:00Z',
        '0999-12-31T23:59:59Z',
    ],
)
def test_time_that_no_store_can_keep_is_a_wrong_line(
    made: Deployment, tmp_path: pathlib.Path, moment: str
) -> None:
    good = '2026-01-01T00:00:00Z'
    file = written(tmp_path / 'keys.json', keys_of(good, moment, good))
    done = transfer(made, 'import', file)
    assert (done.code, done.out) == (1, 'imported 4, wrong 2\n')
    third, fourth = done.err.splitlines()
    assert third.startswith('line 3: created_at ')
    assert fourth.startswith('line 4: updated_at ')


def test_time_without_a_zone_is_of_utc(
    made: Deployment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TZ', 'Asia/Tokyo')
    time.tzset()
    file = written(tmp_path / 'keys.json', keys_of('2026-01-02T03:04:05'))
    try:
        transfer(made, 'import', file)
        found = [shown(made, user_id) for user_id in ('u0', 'u1')]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found[0]['Created At'].startswith('2026-01-02T03:04:05')
    assert found[1]['Updated At'].startswith('2026-01-02T03:04:05')


@pytest.mark.parametrize('domain', ['a\x00b', 'd' * 256, ' '])
def test_domain_that_cannot_be_is_refused(
    made: Deployment, tmp_path: pathlib.Path, domain: str
) -> None:
    line = {'user_id': 'u', 'apiKey': 'a key of 16 or more'}
    file = written(
        tmp_path / 'keys.json', json.dumps(line | {'domain_id': domain})
    )
    assert transfer(made, 'import', file).out == 'imported 0, wrong 1\n'
    words = ('import', file, '--domain-id', domain)
    assert '--domain-id' in transfer(made, *words).failure


def test_domain_may_be_left_to_the_lines(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    line = {'user_id': 'u', 'apiKey': 'a key of 16 or more'}
    file = written(tmp_path / 'keys.json', json.dumps(line))
    done = transfer(made, 'import', file, '--domain-id', '')
    assert (done.code, done.out) == (0, 'imported 1, wrong 0\n')
    assert shown(made, 'u')['Domain ID'] == ''


class TestForeignFiles:
    """What others put beside the file of an import is not touched."""

    @pytest.fixture
    def file(self, tmp_path: pathlib.Path) -> str:
        return written(tmp_path / 'keys.csv', HEADER + rows(range(3)))

    @pytest.fixture
    def precious(self, tmp_path: pathlib.Path) -> pathlib.Path:
        written(tmp_path / 'precious', 'mine')
        return tmp_path / 'precious'

    @pytest.mark.parametrize('name', ['.imported', '.imported.new'])
    def test_link_is_refused(
        self, made: Deployment, file: str, precious: pathlib.Path, name: str
    ) -> None:
        pathlib.Path(file + name).symlink_to(precious)
        failure = transfer(made, 'import', file).failure
        assert file + name in failure
        assert precious.read_text() == 'mine'
        assert transfer(made, 'list', '-f', 'value').out == ''

    @pytest.mark.parametrize('name', ['.imported', '.imported.new'])
    @pytest.mark.skipif(os.getuid() != 0, reason='only root gives files away')
    def test_file_of_another_user_is_refused(
        self, made: Deployment, file: str, name: str
    ) -> None:
        os.chown(written(pathlib.Path(file + name), '{}'), 65534, 0)
        failure = transfer(made, 'import', file).failure
        assert file + name in failure
        assert 'no file of this user' in failure

    def test_what_a_killed_import_left_aside_is_in_nobodys_way(
        self, made: Deployment, file: str
    ) -> None:
        written(pathlib.Path(f'{file}.imported.new'), 'half a m')
        done = transfer(made, 'import', file)
        assert (done.code, done.out) == (0, 'imported 3, wrong 0\n')
        assert list(pathlib.Path(file).parent.glob('keys.csv.*')) == []

    def test_file_itself_is_no_link(
        self, made: Deployment, file: str, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / 'link').symlink_to(file)
        failure = transfer(made, 'import', str(tmp_path / 'link')).failure
        assert 'is a link' in failure

    @pytest.mark.parametrize('make', [os.mkfifo, os.mkdir])
    def test_what_is_no_file_is_refused_at_once(
        self,
        made: Deployment,
        tmp_path: pathlib.Path,
        make: Callable[[pathlib.Path], None],
    ) -> None:
        make(tmp_path / 'other')
        failure = transfer(made, 'import', str(tmp_path / 'other')).failure
        assert 'other: ' in failure

    @pytest.mark.parametrize('length', [243, 250])
    def test_name_that_leaves_no_room_for_a_mark_is_one_line(
        self, made: Deployment, tmp_path: pathlib.Path, length: int
    ) -> None:
        name = 'n' * length
        file = written(tmp_path / name, '{"user_id": "u", "apiKey": "k"}')
        failure = transfer(made, 'import', file).failure
        assert 'File name too long' in failure
        assert transfer(made, 'list', '-f', 'value').out == ''
        assert [f.name for f in tmp_path.glob('n*')] == [name]

    def test_export_follows_no_link(
        self, made: Deployment, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / 'link').symlink_to(tmp_path / 'nowhere')
        assert (
            'link' in transfer(made, 'export', str(tmp_path / 'link')).failure
        )
        assert not (tmp_path / 'nowhere').exists()


def test_mark_is_for_its_owner_alone(
    made: Deployment, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / 'keys.csv', HEADER + rows(range(1500)))
    cut_short(monkeypatch, made, file)
    mark = pathlib.Path(f'{file}.imported')
    assert stat.S_IMODE(mark.stat().st_mode) == 0o600
    assert 'a key of' not in mark.read_text()


def test_key_of_another_kind_is_refused(tmp_path: pathlib.Path) -> None:
    on = {'api_keys': {'enabled': 'true', 'prefix': 'abc'}}
    made = Deployment(tmp_path / 'with-api-keys', on)
    made.set_up()
    ours = f'abc_{"a" * 16}_{"b" * 38}'
    text = f'user_id,username,apiKey\nann,a,{ours}\nbob,b,{ours[:-1]}\n'
    done = transfer(made, 'import', written(tmp_path / 'keys.csv', text))
    assert done.out == 'imported 1, wrong 1\n'
    assert 'line 2: credentialType.apiKey: it has the form of' in done.err
