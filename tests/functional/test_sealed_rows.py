"""Changes made in the database are detected, and have no effect."""

import pathlib

import pytest

from keymw import conf
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.support import manage
from tests.support.admin import HOME
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.admin import OWNER
from tests.support.admin import READER
from tests.support.admin import Office
from tests.support.admin import told
from tests.support.admin import write
from tests.support.admin import write_schema

NEW = {'desc': 'new', 'roles': [READER]}


@pytest.fixture
def office(tmp_path: pathlib.Path) -> Office:
    """An office with an owner's key and an entry for where tests are."""
    return Office(tmp_path)


def run(office: Office, *words: str) -> manage.Result:
    return manage.run(office.deployment.conf_file, *words)


@pytest.mark.parametrize(
    'change',
    [
        'roles = \'["GLOBAL_OWNER"]\'',
        "roles = 'no JSON'",
        "roles = '7'",
        "roles = '[7]'",
        "description = 'of somebody else'",
        "suffix = '000000000000'",
        'seal = NULL',
        "seal = x''",
        'seal = ha1',
        'seal = (SELECT o.seal FROM keymw_global_key AS o '
        'WHERE o.id != keymw_global_key.id)',
        'ha1 = seal',
    ],
)
def test_changed_key_is_as_good_as_a_wrong_one(
    office: Office, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = office.key(READER)
    assert reader.ask('GET', KEYS).status_int == 200
    write(
        office,
        f'UPDATE keymw_global_key SET {change} WHERE id = ?',
        reader.id,
    )
    for method, url, body in [('GET', KEYS, None), ('POST', KEYS, NEW)]:
        answer = reader.ask(method, url, body)
        assert answer.status_int == 401
        assert 'errorCode' not in answer.json
        assert 'stale=false' in answer.headers['WWW-Authenticate']
    errors = [r for r in caplog.records if r.levelname == 'ERROR']
    assert len(errors) == 2
    assert all(reader.id in r.getMessage() for r in errors)
    # The others are served, and can see and remove it.
    assert office.owner.ask('GET', KEYS).json['totalCount'] == 2
    url = f'{KEYS}/{reader.id}'
    if change.startswith('ha1'):
        return
    assert office.owner.ask('PATCH', url, {'desc': 'mine'}).status_int == 503
    assert reader.ask('GET', KEYS).status_int == 401
    assert office.owner.ask('DELETE', url).status_int == 204


def test_key_that_was_changed_over_http_serves(office: Office) -> None:
    key = office.key(READER)
    url = f'{KEYS}/{key.id}'
    for body in ({'roles': [OWNER]}, {'desc': 'other'}, {'roles': [READER]}):
        assert office.owner.ask('PATCH', url, body).status_int == 200
        assert key.ask('GET', url).status_int == 200
    assert key.ask('POST', KEYS, NEW).status_int == 401


@pytest.mark.parametrize(
    'change',
    [
        "network = '0.0.0.0/0'",
        "network = '127.0.0.1/32', cidr_block = '127.0.0.1'",
        "network = 'no network'",
        'seal = NULL',
        "seal = x'00'",
        'seal = randomblob(80)',
    ],
)
def test_changed_entry_lets_nobody_in(
    office: Office, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = office.entry('10.0.0.0/8')
    write(
        office,
        f'UPDATE OR REPLACE keymw_access_list SET {change} WHERE id = ?',
        id_,
    )
    caplog.clear()
    for peer in ('8.8.8.8', '10.0.0.1'):
        answer = office.owner.ask('GET', KEYS, environ={'REMOTE_ADDR': peer})
        assert told(answer)[1] == 'IP_ADDRESS_NOT_ON_ACCESS_LIST'
    if 'no network' not in change and '127' not in change:
        assert id_ in caplog.text
    if '127' in change:
        # It took the place of the one that was there.
        assert office.owner.ask('GET', KEYS).status_int == 403
        assert id_ in caplog.text
    else:
        assert office.owner.ask('GET', LIST).json['totalCount'] == 2
        url = f'{LIST}/{id_}'
        answer = office.owner.ask('PATCH', url, {'description': 'mine'})
        assert answer.status_int == 503
        assert office.owner.ask('DELETE', url).status_int == 204


def test_entry_that_was_changed_over_http_serves(office: Office) -> None:
    url = f'{LIST}/{office.entry("10.0.0.0/8")}'
    body = {'cidrBlock': '192.0.2.0/24', 'description': 'moved'}
    assert office.owner.ask('PATCH', url, body).status_int == 200
    environ = {'REMOTE_ADDR': '192.0.2.7'}
    answer = office.owner.ask('GET', KEYS, environ=environ)
    assert answer.status_int == 200


def test_changed_rows_are_counted_and_bound_only_when_told(
    office: Office,
) -> None:
    reader = office.key(READER)
    write(
        office,
        'UPDATE keymw_global_key SET roles = \'["GLOBAL_OWNER"]\' '
        'WHERE id = ?',
        reader.id,
    )
    write(office, 'UPDATE keymw_access_list SET seal = NULL')
    found = run(office, 'vault', 'status', '-f', 'json')
    assert found.code == 1
    assert '"changed"' in found.out
    found = run(office, 'doctor')
    (line,) = [x for x in found.out.splitlines() if 'sealed rows' in x]
    assert line.startswith('FAILED')
    assert '2 were changed' in line
    assert reader.id in line
    # Neither of these trusts what stands there.
    for words in (('db', 'sync'), ('vault', 'rotate'), ('vault', 'migrate')):
        assert run(office, *words).code == 0
    assert reader.ask('GET', KEYS).status_int == 401
    assert run(office, 'vault', 'status').code == 1
    bound = run(office, 'vault', 'migrate', '--bind')
    assert (bound.code, bound.err) == (0, '')
    assert 'bound 2\n' in bound.out
    assert run(office, 'vault', 'status').code == 0
    assert reader.ask('POST', KEYS, NEW).status_int == 200


def test_sealing_keys_may_change_and_go(office: Office) -> None:
    for _ in range(2):
        assert run(office, 'vault', 'rotate').code == 0
        assert run(office, 'vault', 'migrate').code == 0
    assert run(office, 'vault', 'status').code == 0
    assert run(office, 'vault', 'drop', '1').code == 0
    assert office.owner.ask('GET', KEYS).status_int == 200


def test_node_without_the_sealing_key_is_an_outage(office: Office) -> None:
    write(
        office,
        'UPDATE keymw_global_key SET seal = randomblob(80)',
    )
    assert office.owner.ask('GET', KEYS).status_int == 503


def test_rows_of_an_older_keymw_are_bound_by_db_sync(office: Office) -> None:
    for table in ('keymw_global_key', 'keymw_access_list'):
        write_schema(office, f'ALTER TABLE {table} DROP COLUMN seal')
    write_schema(office, 'DROP TABLE keymw_used_nonce')
    write(office, "UPDATE keymw_version SET version_num = '0002'")
    found = run(office, 'db', 'sync')
    assert (found.code, found.err) == (0, '')
    assert 'Rows bound to the vault: 2.' in found.out
    office.web = office.owner.web = office.another_worker()
    assert office.owner.ask('GET', KEYS).status_int == 200


def test_rows_of_an_older_keymw_without_the_vault_at_hand(
    office: Office,
) -> None:
    for table in ('keymw_global_key', 'keymw_access_list'):
        write_schema(office, f'ALTER TABLE {table} DROP COLUMN seal')
    write_schema(office, 'DROP TABLE keymw_used_nonce')
    write(office, "UPDATE keymw_version SET version_num = '0002'")
    home = office.deployment.home
    (home / 'vault').rename(home / 'away')
    found = run(office, 'db', 'sync')
    assert found.code == 0
    assert 'keymw-manage vault migrate --bind' in ' '.join(found.out.split())
    (home / 'away').rename(home / 'vault')
    loaded = conf.load(str(office.deployment.conf_file))
    assert migrate.current(Database(loaded)) == migrate.head()
    office.web = office.owner.web = office.another_worker()
    assert office.owner.ask('GET', KEYS).status_int == 401
    assert run(office, 'vault', 'migrate', '--bind').code == 0
    assert office.owner.ask('GET', KEYS).status_int == 200


def test_commands_make_rows_that_serve(office: Office) -> None:
    words = ('access-list', 'add', '192.0.2.0/24', '--description', 'x')
    assert run(office, *words, '-f', 'json').code == 0
    environ = {'REMOTE_ADDR': '192.0.2.7'}
    answer = office.owner.ask('GET', KEYS, environ=environ)
    assert answer.status_int == 200
    answer = office.owner.ask('GET', KEYS, environ={'REMOTE_ADDR': HOME})
    assert answer.status_int == 200
