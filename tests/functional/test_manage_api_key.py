"""keymw-manage api-key: what an operator sees of the keys of users."""

import contextlib
import dataclasses
import json
import sqlite3

import pytest

from keymw import conf
from keymw import vault
from keymw.api_keys import keys
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.storage.api_keys import Use
from tests.support import manage
from tests.support.deployment import Deployment
from tests.support.key_rows import DAY
from tests.support.key_rows import NOW
from tests.support.key_rows import give


def run(made: Deployment, *words: str) -> manage.Result:
    return manage.run(made.conf_file, *words)


def ids(made: Deployment, *words: str) -> list[str]:
    found = run(made, 'api-key', 'list', '-f', 'value', '-c', 'ID', *words)
    assert (found.code, found.err) == (0, '')
    return found.out.split()


def test_list_shows_the_keys_that_the_options_choose(made: Deployment) -> None:
    give(made, 'a')
    give(made, 'b', user_id='bob', expires_at=NOW + 5 * DAY)
    give(made, 'c', created_at=NOW)
    give(made, 'd', state=State.PENDING)
    give(made, 'e').used([Use('e', NOW - 10 * DAY, '192.0.2.1')])
    assert ids(made) == ['a', 'b', 'c', 'e']
    assert ids(made, '--user', 'bob') == ids(made, '--user=bob') == ['b']
    assert ids(made, '--unused-since', '90d') == ['a', 'b']
    assert ids(made, '--unused-since', '9d') == ['a', 'b', 'e']
    assert ids(made, '--expires-before', '7d') == ['b']
    assert ids(made, '--expires-before', '4d') == []
    assert ids(made, '--expires-before', f'{NOW + 6 * DAY:%Y-%m-%d}') == ['b']
    assert ids(
        made, '--unused-since', f'{NOW - 50 * DAY:%Y-%m-%dT00:00Z}'
    ) == [*('a', 'b')]
    assert ids(made, '--unused-since', '90d', '--user', 'ann') == ['a']


@pytest.mark.parametrize('time', ['90', 'soon', '99999999w', '-1d', '2026'])
def test_time_that_is_none_is_refused(made: Deployment, time: str) -> None:
    found = run(made, 'api-key', 'list', f'--unused-since={time}')
    assert found.code == 2
    assert f'"{time}"' in found.err


def test_list_of_no_keys_is_empty_in_every_format(made: Deployment) -> None:
    assert run(made, 'api-key', 'list', '-f', 'json').data == []
    assert run(made, 'api-key', 'list', '-f', 'csv').out.count('\n') == 1
    assert run(made, 'api-key', 'list').out == '\n'


def test_long_list_is_written_page_by_page(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('keymw.manage.api_key.PAGE', 2)
    for key_id in 'abcde':
        give(made, key_id)
    found = run(made, 'api-key', 'list')
    assert found.out.count('| ID ') == 3
    assert ids(made) == list('abcde')
    assert [
        row['ID'] for row in run(made, 'api-key', 'list', '-f', 'json').data
    ] == list('abcde')
    found = run(made, 'api-key', 'list', '-f', 'json', '-c', 'ID')
    assert found.data == [{'ID': key_id} for key_id in 'abcde']
    found = run(made, 'api-key', 'list', '--sort-column', 'Name', '-c', 'ID')
    assert found.out.count('| ID ') == 1


def test_show_has_all_but_the_secret(made: Deployment) -> None:
    previous = Previous(b'visible', NOW + DAY, NOW)
    give(made, 'a', name='nightly\x1b[2J', previous=previous)
    found = run(made, 'api-key', 'show', 'a', '-f', 'json').data
    assert found['Roles'] == ['member', 'reader']
    assert found['Allowed CIDRs'] == ['10.0.0.0/8', '::/0']
    assert found['Previous Expires At'] == f'{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}'
    assert 'ecret' not in str(found)
    assert '\x1b' not in run(made, 'api-key', 'show', 'a').out


@pytest.mark.parametrize('key_id', ['nobody', 'pending', 'deleted', 'A'])
def test_show_of_no_key_is_one_line(made: Deployment, key_id: str) -> None:
    give(made, 'a')
    give(made, 'pending', state=State.PENDING)
    give(made, 'deleted', state=State.DELETED)
    assert key_id in run(made, 'api-key', 'show', key_id).failure


def test_vault_counts_and_migrates_the_secrets_of_keys(
    made: Deployment,
) -> None:
    store = give(made, 'a')
    give(made, 'b', state=State.DELETED)
    before = store.get('a')
    assert counts(made) == {'seals': 4, 'staged': 0}
    run(made, 'vault', 'rotate')
    assert run(made, 'vault', 'migrate', '--check').code == 1
    assert counts(made) == {'seals': 0, 'staged': 0, 'opens': 4}
    assert run(made, 'vault', 'migrate').out == 'sealed anew 2\n'
    assert run(made, 'vault', 'migrate', '--check').code == 0
    assert counts(made) == {'seals': 4, 'staged': 0, 'opens': 0}
    after = store.get('a')
    assert before is not None
    assert after is not None
    same = {
        name: getattr(before, name) for name in ('secret', 'seal', 'revision')
    }
    assert dataclasses.replace(after, **same) == before
    repository = conf.load(str(made.conf_file)).vault.key_repository
    sealing = vault.load(repository)
    keys.check(sealing, after)
    assert keys.matches(sealing, after, after.secret, 'secret')
    assert run(made, 'vault', 'drop', '1').code == 0


def test_row_that_was_changed_is_counted_and_not_sealed_again(
    made: Deployment,
) -> None:
    give(made, 'a')
    give(made, 'b')
    with contextlib.closing(sqlite3.connect(made.home / 'keymw.db')) as db, db:
        db.execute("UPDATE keymw_api_key SET roles = '[]' WHERE id = 'a'")
    found = run(made, 'vault', 'status')
    assert found.code == 1
    assert counts(made)['changed'] == 1
    run(made, 'vault', 'rotate')
    assert ' 1 of the' in run(made, 'vault', 'migrate').err
    assert run(made, 'vault', 'migrate', '--bind').code == 1
    assert counts(made)['changed'] == 1


def counts(made: Deployment) -> dict[str, int]:
    """The number of values of API keys by state of the sealing key."""
    rows = json.loads(run(made, 'vault', 'status', '-f', 'json').out)
    return {row['State']: row['API Keys'] for row in rows}
