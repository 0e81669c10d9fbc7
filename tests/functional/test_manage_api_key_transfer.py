"""keymw-manage api-key export and import."""

import json
import pathlib
import shutil
import stat
from typing import Any

import pytest

from keymw import conf
from keymw.storage.api_keys import ALL
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.storage.api_keys import Use
from keymw.storage.sql.api_keys import SqlApiKeys
from tests.support import manage
from tests.support.api_keys import KeyDesk
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.key_rows import DAY
from tests.support.key_rows import NOW
from tests.support.key_rows import give


def run(made: Deployment, *words: str) -> manage.Result:
    return manage.run(made.conf_file, *words)


def deployed(home: pathlib.Path, vault: pathlib.Path | None) -> Deployment:
    """Files of keymw, with the sealing keys of another deployment."""
    made = Deployment(home)
    made.set_up()
    if vault is not None:
        shutil.copytree(vault, home / 'vault', dirs_exist_ok=True)
    return made


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """A deployment with keys of every kind."""
    found = deployed(tmp_path / 'keymw', None)
    give(found, 'a', previous=Previous(b'visible', NOW + DAY, NOW))
    give(found, 'b', expires_at=NOW + DAY, allowed_cidrs=None)
    give(found, 'c', name='\N{ROCKET} "', unrestricted=True, roles=frozenset())
    give(found, 'd', state=State.PENDING, trust_id=None)
    give(found, 'e', state=State.DELETED, name='name of a')
    give(found, 'f').used([Use('f', NOW, '192.0.2.1')])
    return found


def rows(made: Deployment) -> Any:
    store = SqlApiKeys(conf.load(str(made.conf_file)))
    return store.page('', 1000, ALL)


def exported(made: Deployment, file: pathlib.Path) -> str:
    assert run(made, 'api-key', 'export', str(file)).out == 'exported 6\n'
    return str(file)


def test_all_rows_move_and_an_import_can_be_repeated(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = exported(made, tmp_path / 'keys.json')
    assert stat.S_IMODE((tmp_path / 'keys.json').stat().st_mode) == 0o600
    assert 'keys.json' in run(made, 'api-key', 'export', file).failure
    other = deployed(tmp_path / 'other', made.home / 'vault')
    for counts in (
        'imported 6, already there 0',
        'imported 0, already there 6',
    ):
        found = run(other, 'api-key', 'import', file)
        assert (found.code, found.out) == (0, f'{counts}, wrong 0\n')
        assert rows(other) == rows(made)
    (line,) = found.audit
    assert 'api_key:import' in line


def test_a_key_that_is_there_stays_as_it_is(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = exported(made, tmp_path / 'keys.json')
    store = SqlApiKeys(conf.load(str(made.conf_file)))
    store.used([Use('f', NOW + DAY, '192.0.2.2')])
    before = rows(made)
    assert run(made, 'api-key', 'import', file).code == 0
    assert rows(made) == before


WRONG = [
    {'user_id': 'bob'},
    {'roles': ['admin']},
    {'expires_at': None},
    {'enabled': False},
    {'id': 'g'},
    {'seal': None},
    {'secret': 'AAAA'},
    {'state': 'new'},
    {'created_at': '2026-01-01T00:00:00'},
    {'last_used_at': '2026-01-01T00:00:00'},
    {'last_used_at': 'soon'},
    {'last_used_from': 'x' * 256},
]


def test_a_line_that_was_changed_is_named_and_the_rest_goes_on(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = exported(made, tmp_path / 'keys.json')
    lines = pathlib.Path(file).read_text().splitlines()
    wrong = [json.dumps(json.loads(lines[1]) | one) for one in WRONG]
    wrong += ['[]', '{}', 'nonsense', '\ud800']
    text = '\n'.join([*wrong, *lines, ''])
    pathlib.Path(file).write_bytes(text.encode('utf-8', 'surrogatepass'))
    other = deployed(tmp_path / 'other', made.home / 'vault')
    found = run(other, 'api-key', 'import', file)
    assert (found.code, found.out) == (
        1,
        f'imported 6, already there 0, wrong {len(wrong)}\n',
    )
    numbers = [line.partition(':')[0] for line in found.err.splitlines()]
    assert numbers == [f'line {n + 1}' for n in range(len(wrong))]
    assert rows(other) == rows(made)


def test_other_sealing_keys_and_a_name_that_is_taken(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    file = exported(made, tmp_path / 'keys.json')
    foreign = deployed(tmp_path / 'foreign', None)
    found = run(foreign, 'api-key', 'import', file)
    assert (found.code, found.err.count('cannot open')) == (1, 6)
    other = deployed(tmp_path / 'other', made.home / 'vault')
    give(other, 'z', name='name of b')
    found = run(other, 'api-key', 'import', file)
    assert found.out == 'imported 5, already there 0, wrong 1\n'
    assert 'line 2: its owner has another key with this name' in found.err


def test_a_key_that_was_moved_logs_in(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    desk = KeyDesk(tmp_path / 'one', cloud)
    secret = desk.made(cloud.with_role('member'))['secret']
    sealing = tmp_path / 'one' / 'vault'
    options: Options = {}
    old = Deployment(tmp_path / 'one', options)
    file = str(tmp_path / 'keys.json')
    assert run(old, 'api-key', 'export', file).code == 0
    assert secret.split('_')[2][:32] not in pathlib.Path(file).read_text()
    other = deployed(tmp_path / 'two', sealing)
    assert run(other, 'api-key', 'import', file).code == 0
    assert KeyDesk(tmp_path / 'two', cloud).sign_in(secret).status_int == 201
