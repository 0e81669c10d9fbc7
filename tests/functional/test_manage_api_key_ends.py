"""keymw-manage api-key disable, delete, purge and repair, with trusts."""

import dataclasses
import datetime
import itertools
import pathlib
from typing import Any

import pytest

from keymw import conf
from keymw import vault
from keymw.api_keys.rows import Rows
from keymw.storage.api_keys import State
from keymw.storage.sql.api_keys import SqlApiKeys
from tests.support import manage
from tests.support.api_keys import OPTIONS
from tests.support.api_keys import KeyDesk
from tests.support.api_keys import path
from tests.support.api_keys import service_user
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.far import remote
from tests.support.key_rows import give
from tests.support.pipeline_v2 import PipelineV2

OLD = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=11)
GONE = {'error': {'code': 404, 'title': 'Not Found', 'message': 'no such'}}


class Operator:
    """Runs commands beside keymw, through the same Keystone."""

    def __init__(self, home: pathlib.Path, cloud: Cloud) -> None:
        self.desk = KeyDesk(home, cloud)
        self.made = Deployment(home, OPTIONS)
        self.made.load(self.desk.between)
        loaded = conf.load(str(self.made.conf_file))
        self.store = SqlApiKeys(loaded)
        self._rows = Rows(self.store, vault.load(loaded.vault.key_repository))

    def run(self, word: str, *words: str) -> manage.Result:
        place = f'{self.made.home}/keymw-paste.ini#wrapped'
        words = ('api-key', word, '--pipeline', place, *words)
        return manage.run(self.made.conf_file, *words)

    def change(self, key: dict[str, Any], **changes: Any) -> None:
        """Write to a row as the service does."""
        row = self._rows.get_any(key['id'])
        assert row is not None
        self._rows.swap(row, **changes)

    def states(self, *keys: dict[str, Any]) -> list[State | None]:
        rows = [self.store.get(key['id']) for key in keys]
        return [None if row is None else row.state for row in rows]


@pytest.fixture
def operator(tmp_path: pathlib.Path, cloud: Cloud) -> Operator:
    return Operator(tmp_path, cloud)


def test_disable_ends_the_tokens_and_only_an_admin_enables(
    operator: Operator, cloud: Cloud, ann: Person
) -> None:
    desk, key = operator.desk, operator.desk.made(ann)
    bought, token = desk.token(key['secret']), cloud.token_of(ann, 'demo')
    for _ in range(2):
        found = operator.run('disable', key['id'])
        assert found == manage.Result(0, f'disabled {key["id"]}\n', '')
        (line,) = found.audit
        assert 'api_key:disable: caller keymw-manage/' in line
        assert f'target {ann.id}/{key["id"]}, outcome done' in line
    assert not desk.is_valid(bought)
    assert desk.trusts(ann) == []
    assert desk.sign_in(key['secret']).status_int == 401
    shown = desk.ask('GET', path(key), token).json['api_key']
    assert shown['disabled_by'] == 'admin'
    enable = {'api_key': {'enabled': True}}
    assert desk.ask('PATCH', path(key), token, enable).status_int == 403
    assert desk.ask('PATCH', path(key), cloud.admin, enable).status_int == 200
    assert desk.sign_in(key['secret']).status_int == 201


def test_delete_ends_key_tokens_and_trust(
    operator: Operator, ann: Person
) -> None:
    desk, key = operator.desk, operator.desk.made(ann)
    other = desk.made(ann, name='other')
    bought = desk.token(key['secret'])
    found = operator.run('delete', key['id'])
    assert found == manage.Result(0, f'deleted {key["id"]}\n', '')
    assert 'api_key:delete' in found.audit[0]
    assert not desk.is_valid(bought)
    assert operator.states(key, other) == [None, State.COMPLETE]
    assert len(desk.trusts(ann)) == 1
    for word in ('delete', 'disable'):
        assert key['id'] in operator.run(word, key['id']).failure
    assert desk.sign_in(other['secret']).status_int == 201


def test_a_key_is_dead_though_keystone_is_out(
    operator: Operator, ann: Person
) -> None:
    desk, key = operator.desk, operator.desk.made(ann)
    other = desk.made(ann, name='other')
    desk.between.instead(
        'DELETE /v3/OS-TRUST/.*', itertools.repeat(reply(503))
    )
    for one, word in ((key, 'delete'), (other, 'disable')):
        failure = operator.run(word, one['id']).failure
        assert f'the key is {word}d, but its trust is not deleted' in failure
        assert desk.sign_in(one['secret']).status_int == 401
    assert len(desk.trusts(ann)) == 2
    assert operator.states(key) == [State.DELETED]
    desk.between.step_aside()
    assert operator.run('delete', key['id']).code == 0
    assert operator.run('disable', other['id']).code == 0
    assert operator.states(key, other) == [None, State.COMPLETE]
    assert desk.trusts(ann) == []


def test_without_a_pipeline_nothing_is_changed(
    operator: Operator, ann: Person
) -> None:
    key = operator.desk.made(ann)
    (operator.made.home / 'keymw-paste.ini').unlink()
    for word in ('delete', 'disable', 'purge'):
        words = [] if word == 'purge' else [key['id']]
        found = manage.run(operator.made.conf_file, 'api-key', word, *words)
        assert '--pipeline' in found.failure
    assert operator.desk.sign_in(key['secret']).status_int == 201


def useless(
    operator: Operator, cloud: Cloud, ann: Person
) -> dict[str, dict[str, Any]]:
    """One key for each reason to purge it."""
    desk, ben = operator.desk, cloud.with_role('member')
    names = ('has ended', 'is pending', 'is deleted')
    found = {name: desk.made(ann, name=name) for name in names}
    found['owner is gone'] = desk.made(ben)
    cloud.ask('DELETE', f'/v3/users/{ben.id}')
    operator.change(found['has ended'], expires_at=OLD)
    operator.change(
        found['is pending'],
        state=State.PENDING,
        trust_id=None,
        updated_at=OLD,
    )
    operator.change(found['is deleted'], state=State.DELETED, updated_at=OLD)
    return found


def test_purge_deletes_what_nobody_can_use_and_no_more(
    operator: Operator, cloud: Cloud, ann: Person
) -> None:
    desk, found = operator.desk, useless(operator, cloud, ann)
    kept = [desk.made(ann, name=name) for name in ('use', 'new', 'marked')]
    off = desk.made(ann, name='off')
    operator.run('disable', off['id'])
    operator.change(kept[1], state=State.PENDING)
    operator.change(kept[2], state=State.DELETED)
    trusts = desk.trusts(ann)
    listed = operator.run('purge')
    assert listed.code == 1
    assert '--yes' in listed.err
    assert listed.audit == ()
    for reason, key in found.items():
        (line,) = [row for row in listed.out.splitlines() if reason in row]
        assert line.startswith(f'would delete {key["id"]} (')
    assert listed.out.count('\n') == len(found)
    assert desk.trusts(ann) == trusts
    purged = operator.run('purge', '--yes')
    assert (purged.code, purged.err) == (0, '')
    assert purged.out == listed.out.replace('would delete', 'deleted')
    assert len(purged.audit) == len(found)
    assert operator.states(*found.values()) == [None] * len(found)
    assert operator.states(*kept, off) == [
        *(State.COMPLETE, State.PENDING, State.DELETED, State.COMPLETE)
    ]
    assert len(desk.trusts(ann)) == len(kept)
    assert operator.run('purge', '--yes') == manage.Result(0, '', '')


def test_purge_leaves_trusts_without_a_row(
    operator: Operator, ann: Person
) -> None:
    desk, key = operator.desk, operator.desk.made(ann)
    row = operator.store.get(key['id'])
    assert row is not None
    operator.store.remove(row)
    assert operator.run('purge', '--yes') == manage.Result(0, '', '')
    assert len(desk.trusts(ann)) == 1


def test_purge_believes_no_outage(operator: Operator, ann: Person) -> None:
    key = operator.desk.made(ann)
    between = operator.desk.between
    for answer in (reply(503), reply(404, GONE), reply(404)):
        between.instead('GET /v3/users/.*', itertools.repeat(answer))
        assert operator.run('purge', '--yes').failure
    assert operator.states(key) == [State.COMPLETE]


def test_a_row_that_was_changed_names_no_trust_to_delete(
    operator: Operator, ann: Person
) -> None:
    changed, other = (operator.desk.made(ann, name=name) for name in 'ab')
    row, victim = (operator.store.get(k['id']) for k in (changed, other))
    assert row is not None
    assert victim is not None
    operator.store.swap(
        row,
        dataclasses.replace(row, trust_id=victim.trust_id, expires_at=OLD),
    )
    assert 'cannot open' in operator.run('disable', changed['id']).failure
    purged = operator.run('purge', '--yes')
    assert purged.code == 1
    assert f'changed in the database; delete it) {changed["id"]}' in purged.out
    failure = operator.run('delete', changed['id']).failure
    assert (
        f'the row is deleted, but not its trust {victim.trust_id}' in failure
    )
    assert operator.states(changed, other) == [None, State.COMPLETE]
    assert len(operator.desk.trusts(ann)) == 2
    assert operator.desk.sign_in(other['secret']).status_int == 201


def test_repair_makes_the_trusts_anew_for_a_new_service_user(
    operator: Operator, cloud: Cloud, ann: Person
) -> None:
    desk, ben = operator.desk, cloud.with_role('member')
    lost, off, old = (desk.made(ann, name=name) for name in ('a', 'b', 'c'))
    unlucky = desk.made(ben)
    operator.change(off, enabled=False)
    operator.change(old, expires_at=OLD)
    assert operator.run('repair') == manage.Result(0, '', '')
    cloud.ask('DELETE', f'/v3/users/{desk.service.id}')
    desk.service = service_user(cloud)
    assert desk.trusts(ann) == []
    cloud.change('user', ben.id, enabled=False)
    found = operator.run('repair')
    assert (found.code, found.err.count('\n')) == (1, 1)
    assert sorted(
        line.partition(' (')[0] for line in found.out.splitlines()
    ) == [
        f'left {unlucky["id"]}',
        f'repaired {lost["id"]}',
    ]
    assert 'The owner must enable it.' in found.out
    assert any(
        'api_key:repair' in line and 'done' in line for line in found.audit
    )
    (trust,) = desk.trusts(ann)
    row = operator.store.get(lost['id'])
    assert row is not None
    assert (row.trust_id, row.trustee_id) == (trust['id'], desk.service.id)
    assert Operator(operator.made.home, cloud).desk.token(lost['secret'])


def test_repair_leaves_a_key_whose_trust_was_deleted_on_purpose(
    operator: Operator, cloud: Cloud, ann: Person
) -> None:
    desk = operator.desk
    key, token = desk.made(ann), cloud.token_of(ann, 'demo')
    (trust,) = desk.trusts(ann)
    cloud.ask('DELETE', f'/v3/OS-TRUST/trusts/{trust["id"]}')
    found = operator.run('repair')
    assert (found.code, found.err, found.audit) == (0, '', ())
    assert found.out.startswith(f'revoked {key["id"]} (')
    assert desk.trusts(ann) == []
    assert desk.sign_in(key['secret']).status_int == 401
    enable = {'api_key': {'enabled': True}}
    assert desk.ask('PATCH', path(key), token, enable).status_int == 200
    assert desk.sign_in(key['secret']).status_int == 201


def test_repair_needs_the_pipeline(operator: Operator) -> None:
    operator.made.write_conf(remote())
    failure = operator.run('repair').failure
    assert 'transport = remote' in failure


def test_key_whose_sealing_key_is_missing_stays(
    operator: Operator, ann: Person
) -> None:
    key, home = operator.desk.made(ann), operator.made.home
    assert manage.run(operator.made.conf_file, 'vault', 'rotate').code == 0
    (home / 'vault' / '1').rename(home / 'away')
    for word in ('delete', 'disable'):
        assert '[vault] cannot open' in operator.run(word, key['id']).failure
    assert operator.states(key) == [State.COMPLETE]
    assert len(operator.desk.trusts(ann)) == 1
    (home / 'away').rename(home / 'vault' / '1')
    assert operator.run('delete', key['id']).code == 0


@pytest.mark.parametrize('word', ['delete', 'disable'])
def test_key_that_another_deletes_meanwhile_is_no_failure(
    operator: Operator,
    ann: Person,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
) -> None:
    key, swap = operator.desk.made(ann), Rows.swap

    def and_gone(rows: Rows, *args: Any, **changes: Any) -> Any:
        rows.store.remove(found := swap(rows, *args, **changes))
        return found

    monkeypatch.setattr(Rows, 'swap', and_gone)
    found = operator.run(word, key['id'])
    assert found == manage.Result(0, f'{word}d {key["id"]}\n', '')
    assert operator.states(key) == [None]


def test_purge_names_a_key_once_though_its_owner_is_gone_too(
    operator: Operator, cloud: Cloud
) -> None:
    ben = cloud.with_role('member')
    ended, marked, other = (operator.desk.made(ben, name=n) for n in 'abc')
    operator.change(ended, expires_at=OLD)
    operator.change(marked, state=State.DELETED, updated_at=OLD)
    cloud.ask('DELETE', f'/v3/users/{ben.id}')
    found = operator.run('purge')
    assert (found.code, len(found.out.splitlines())) == (1, 3)
    for key, reason in (
        (ended, 'it has ended'),
        (marked, 'it is deleted, by an interrupted request'),
        (other, 'its owner is gone'),
    ):
        assert f'would delete {key["id"]} ' in found.out
        assert found.out.count(reason) == 1


def test_repair_asks_nothing_about_an_owner_of_ended_keys(
    operator: Operator, ann: Person
) -> None:
    key = operator.desk.made(ann)
    operator.change(key, expires_at=OLD, trust_id=None)
    asked = 'GET /v3/OS-TRUST/trusts'
    before = operator.desk.between.count(asked)
    assert operator.run('repair') == manage.Result(0, '', '')
    assert operator.desk.between.count(asked) == before


def test_repair_gives_a_trust_to_a_key_that_names_none(
    operator: Operator, ann: Person
) -> None:
    key = operator.desk.made(ann)
    operator.change(key, trust_id=None)
    found = operator.run('repair')
    assert (found.code, found.err) == (0, '')
    assert found.out.startswith(f'repaired {key["id"]} (')
    assert len(operator.desk.trusts(ann)) == 1
    assert operator.desk.sign_in(key['secret']).status_int == 201


def test_repair_leaves_a_row_that_was_changed(
    operator: Operator, ann: Person
) -> None:
    key = operator.desk.made(ann)
    row = operator.store.get(key['id'])
    assert row is not None
    operator.store.swap(row, dataclasses.replace(row, trust_id=None))
    changed = operator.store.get(key['id'])
    found = operator.run('repair')
    assert (found.code, found.err.count('\n')) == (1, 1)
    assert 'not all are repaired' in found.err
    assert found.out.startswith(f'left {key["id"]} (')
    assert 'changed in the database' in found.out
    assert operator.store.get(key['id']) == changed


def test_repair_ends_in_one_line_in_an_outage(
    operator: Operator, ann: Person
) -> None:
    key, between = operator.desk.made(ann), operator.desk.between
    operator.change(key, trust_id=None)
    between.instead('POST /v3/OS-TRUST/trusts', itertools.repeat(reply(503)))
    assert '--pipeline: ' in operator.run('repair').failure
    between.step_aside()
    assert operator.run('repair').out.startswith(f'repaired {key["id"]} (')


def test_repair_before_v2_says_that_there_are_no_trusts(
    made: Deployment,
) -> None:
    made.write_conf({'api_keys': {'enabled': 'true'}})
    made.load(PipelineV2())
    before = give(made, 'a').get('a')
    words = ('--pipeline', f'{made.home}/keymw-paste.ini#wrapped')
    failure = manage.run(made.conf_file, 'api-key', 'repair', *words).failure
    assert '--pipeline: The identity service lets this user make' in failure
    assert give(made, 'b').get('a') == before
