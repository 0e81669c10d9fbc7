"""keymw-manage global-key: create, list, delete."""

import re
import sqlite3
from typing import Any

import pytest

from keymw import conf
from keymw import vault
from keymw.global_keys import keys as global_key
from keymw.global_keys.digest import REALM
from keymw.global_keys.digest import Algorithm
from keymw.global_keys.digest import ha1
from keymw.storage.global_keys import GlobalKey
from keymw.storage.sql.global_keys import SqlGlobalKeys
from tests.support import manage
from tests.support.deployment import Deployment

CREATE = ('global-key', 'create', '--description', 'for a test')
OWNER = ('--role', 'GLOBAL_OWNER')
READER = ('--role', 'GLOBAL_READ_ONLY')
MOMENT = r'20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9](:[0-5][0-9]){2}Z'


def create(made: Deployment, *words: str) -> dict[str, Any]:
    """The new key, as JSON."""
    found = manage.run(made.conf_file, *CREATE, *words, '-f', 'json')
    data: dict[str, Any] = found.data
    return data


def listed(made: Deployment) -> list[dict[str, Any]]:
    """The stored keys, as JSON."""
    words = ('global-key', 'list', '-f', 'json')
    data: list[dict[str, Any]] = manage.run(made.conf_file, *words).data
    return data


def stored(made: Deployment, key_id: str) -> GlobalKey:
    """A key as the store has it."""
    found = SqlGlobalKeys(conf.load(str(made.conf_file))).get(key_id)
    assert found is not None
    return found


def test_create_shows_the_private_key_once(made: Deployment) -> None:
    data = create(made, *OWNER, *READER, *OWNER)
    assert re.fullmatch('[0-9a-f]{24}', data['ID'])
    assert re.fullmatch('[a-z]{8}', data['Public Key'])
    assert re.fullmatch(
        '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
        data['Private Key'],
    )
    assert data['Description'] == 'for a test'
    assert data['Roles'] == ['GLOBAL_OWNER', 'GLOBAL_READ_ONLY']
    (row,) = listed(made)
    shown = row.pop('Private Key')
    assert shown == f'********-****-****-{data["Private Key"][-12:]}'
    assert re.fullmatch(MOMENT, row.pop('Created At'))
    assert re.fullmatch(MOMENT, row.pop('Updated At'))
    del data['Private Key']
    assert row == data


@pytest.mark.parametrize('algorithm', Algorithm)
def test_what_is_stored_opens_to_what_digest_needs(
    made: Deployment, algorithm: Algorithm
) -> None:
    data = create(made, *OWNER)
    keys = vault.load(str(made.home / 'vault'))
    found = global_key.ha1(keys, stored(made, data['ID']), algorithm)
    expected = data['Public Key'], REALM, data['Private Key']
    assert found == ha1(*expected, algorithm)
    database = [file.read_bytes() for file in made.home.glob('keymw.db*')]
    assert data['Public Key'].encode() in b''.join(database)
    assert data['Private Key'].encode() not in b''.join(database)


@pytest.mark.parametrize('how', [(), ('-f', 'table'), ('-f', 'value')])
def test_create_makes_nothing_that_might_be_lost(
    made: Deployment, how: tuple[str, ...]
) -> None:
    found = manage.run(made.conf_file, *CREATE, *OWNER, *how)
    assert '-f json' in found.failure
    assert listed(made) == []


@pytest.mark.parametrize(
    'words',
    [
        ('--description', 'x'),
        OWNER,
        ('--description', 'x', '--role', 'GLOBAL_NONSENSE'),
        ('--description', 'x', '--role', 'ORG_OWNER'),
        ('--description', '', *OWNER),
        ('--description', 'ü' * 251, *OWNER),
        ('--description', 'b\x1b[2J', *OWNER),
        ('--description', 'b\udcff', *OWNER),
    ],
)
def test_create_of_what_cannot_be_is_not_understood(
    made: Deployment, words: tuple[str, ...]
) -> None:
    found = manage.run(made.conf_file, 'global-key', 'create', *words)
    assert (found.code, found.out) == (2, '')
    assert 'error: ' in found.err
    assert listed(made) == []


@pytest.mark.parametrize('told', ['x', 'ü' * 250])
def test_a_description_is_counted_in_characters(
    made: Deployment, told: str
) -> None:
    words = ('global-key', 'create', '--description', told, *OWNER)
    assert manage.run(made.conf_file, *words, '-f', 'json').code == 0
    assert [row['Description'] for row in listed(made)] == [told]


def test_create_without_a_vault_makes_nothing(made: Deployment) -> None:
    for file in (made.home / 'vault').iterdir():
        file.unlink()
    found = manage.run(made.conf_file, *CREATE, *OWNER, '-f', 'json')
    assert '[vault] key_repository' in found.failure
    assert listed(made) == []


def test_create_without_a_database_is_one_line(made: Deployment) -> None:
    (made.home / 'keymw.db').unlink()
    found = manage.run(made.conf_file, *CREATE, *OWNER, '-f', 'json')
    assert 'keymw-manage db sync' in found.failure
    assert not (made.home / 'keymw.db').exists()


def test_a_database_of_former_days_is_one_line(made: Deployment) -> None:
    with sqlite3.connect(made.home / 'keymw.db') as database:
        database.execute("UPDATE keymw_version SET version_num = '0001'")
    words = ('global-key', 'list')
    assert 'db sync' in manage.run(made.conf_file, *words).failure


def test_list_is_in_the_order_of_creation(made: Deployment) -> None:
    ids = [create(made, *READER)['ID'] for _ in range(3)]
    found = manage.run(made.conf_file, 'global-key', 'list', '-f', 'csv')
    header, *lines = found.out.splitlines()
    assert header == (
        '"ID","Public Key","Private Key","Description","Roles",'
        '"Created At","Updated At"'
    )
    assert [line[1:25] for line in lines] == ids
    roles = [row['Roles'] for row in listed(made)]
    assert roles == [['GLOBAL_READ_ONLY']] * 3


def test_descriptions_do_not_act_on_the_terminal(made: Deployment) -> None:
    told = 'b\x9b2J\nob ürsula'
    words = ('global-key', 'create', '--description', told, *OWNER)
    manage.run(made.conf_file, *words, '-f', 'json')
    found = manage.run(made.conf_file, 'global-key', 'list')
    assert r'b\x9b2J\nob ürsula' in found.out


def delete(made: Deployment, *words: str) -> manage.Result:
    return manage.run(made.conf_file, 'global-key', 'delete', *words)


def test_delete_removes_the_key(made: Deployment) -> None:
    one, other = create(made, *OWNER)['ID'], create(made, *OWNER)['ID']
    assert delete(made, one) == manage.Result(0, f'deleted {one}\n', '')
    assert [row['ID'] for row in listed(made)] == [other]
    assert one in delete(made, one).failure


def test_the_last_owner_goes_only_when_told_so(made: Deployment) -> None:
    owner, reader = create(made, *OWNER)['ID'], create(made, *READER)['ID']
    assert '--leave-no-owner' in delete(made, owner).failure
    assert [row['ID'] for row in listed(made)] == [owner, reader]
    assert delete(made, owner, '--leave-no-owner').code == 0
    assert [row['ID'] for row in listed(made)] == [reader]
    assert delete(made, reader).code == 0


def test_each_change_is_logged_without_the_secret(made: Deployment) -> None:
    words = ('-v', *CREATE, *OWNER, '-f', 'json')
    made_one = manage.run(made.conf_file, *words)
    (row,) = listed(made)
    more = ('-v', 'global-key', 'delete', row['ID'], '--leave-no-owner')
    gone = manage.run(made.conf_file, *more)
    for found in (made_one, gone):
        (line,) = found.audit
        assert 'caller keymw-manage' in line
        assert f'target {row["ID"]}, outcome done' in line
    assert row['Private Key'][-12:] not in f'{made_one.err}{made_one.audit}'


def test_memory_of_another_process_is_empty(made: Deployment) -> None:
    create(made, *OWNER)
    made.write_conf({'storage': {'global_keys': 'memory'}})
    assert listed(made) == []
