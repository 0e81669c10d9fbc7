"""keymw-manage credential: list, show, reset, delete; with a real Keystone."""

from collections.abc import Callable
import pathlib
import re
import uuid

import pytest

from keymw.manage import credential
from tests.support import manage
from tests.support import wire
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

THEN = '2026-01-02T03:04:05Z'


@pytest.fixture
def pipeline(made: Deployment, cloud: Cloud) -> tuple[str, str]:
    """The option that names the real Keystone."""
    made.load(cloud.app)
    return '--pipeline', f'{made.home}/keymw-paste.ini#wrapped'


def as_json(made: Deployment, *words: str) -> object:
    return manage.run(made.conf_file, 'credential', *words, '-f', 'json').data


def reveal(made: Deployment, user_id: str) -> str:
    words = ('show', user_id, '--reveal', '-f', 'value', '-c', 'API Key')
    found = manage.run(made.conf_file, 'credential', *words)
    assert (found.code, found.err) == (0, '')
    return found.out.rstrip('\n')


def test_list_of_nothing_is_empty(made: Deployment) -> None:
    assert as_json(made, 'list') == []


def test_list_shows_every_row_in_order_and_no_key(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, 'PAGE', 2)
    ids = sorted(uuid.uuid4().hex for _ in range(5))
    for id_ in reversed(ids):
        manage.give_key(made.conf_file, id_, f'name of {id_}', 'hunter2')
    found = manage.run(made.conf_file, 'credential', 'list', '-f', 'csv')
    header, *lines = found.out.splitlines()
    assert header == (
        '"User ID","Domain ID","Username","Created At","Updated At"'
    )
    assert lines == [
        f'"{id_}","default","name of {id_}","{THEN}","{THEN}"' for id_ in ids
    ]
    assert 'hunter2' not in found.out + found.err


def test_show_hides_the_key_unless_told(made: Deployment) -> None:
    manage.give_key(made.conf_file, 'u1', 'bob', 'hunter2')
    shown = {
        'User ID': 'u1',
        'Domain ID': 'default',
        'Username': 'bob',
        'Created At': THEN,
        'Updated At': THEN,
    }
    assert as_json(made, 'show', 'u1') == shown
    assert as_json(made, 'show', 'u1', '--reveal') == {
        **shown,
        'API Key': 'hunter2',
    }


def test_names_do_not_act_on_the_terminal(made: Deployment) -> None:
    manage.give_key(made.conf_file, 'u1', 'b\x1b[2J\nob ürsula')
    for words in (('list',), ('show', 'u1')):
        found = manage.run(made.conf_file, 'credential', *words)
        assert r'b\x1b[2J\nob ürsula' in found.out
    assert as_json(made, 'list', '-c', 'Username') == [
        {'Username': 'b\x1b[2J\nob ürsula'}
    ]


def test_who_has_no_key_is_one_line(made: Deployment) -> None:
    for words in (('show', 'u1'), ('show', 'u1', '--reveal')):
        failure = manage.run(made.conf_file, 'credential', *words).failure
        assert 'u1' in failure
    failure = manage.run(made.conf_file, 'credential', 'delete', 'u1').failure
    assert 'u1' in failure


def test_a_key_that_does_not_open_is_one_line(made: Deployment) -> None:
    manage.give_key(made.conf_file, 'u1')
    (made.home / 'vault' / '1').unlink()
    manage.run(made.conf_file, 'vault', 'setup')
    words = ('credential', 'show', 'u1', '--reveal')
    failure = manage.run(made.conf_file, *words).failure
    assert '[vault] key_repository' in failure
    assert as_json(made, 'show', 'u1')


def test_delete_removes_the_key(made: Deployment) -> None:
    manage.give_key(made.conf_file, 'u1')
    manage.give_key(made.conf_file, 'u2', 'another')
    found = manage.run(made.conf_file, 'credential', 'delete', 'u1')
    assert found == manage.Result(0, 'deleted u1\n', '')
    assert as_json(made, 'list', '-c', 'User ID') == [{'User ID': 'u2'}]
    assert manage.run(made.conf_file, 'credential', 'delete', 'u1').code == 1


@pytest.mark.parametrize('name', ['bob', None])
def test_reset_keeps_what_is_stored_of_a_user(
    made: Deployment, name: str | None
) -> None:
    manage.give_key(made.conf_file, 'u1', name, 'hunter2')
    data = as_json(made, 'reset', 'u1')
    assert isinstance(data, dict)
    key = data.pop('API Key')
    assert re.fullmatch('[0-9a-f]{32}', key)
    assert data == {'User ID': 'u1', 'Domain ID': 'default', 'Username': name}
    assert reveal(made, 'u1') == key
    shown = as_json(made, 'show', 'u1')
    assert isinstance(shown, dict)
    assert shown['Created At'] == THEN < shown['Updated At']


def test_reset_of_who_has_no_key_needs_the_pipeline(made: Deployment) -> None:
    words = ('credential', 'reset', 'u1')
    assert '--pipeline' in manage.run(made.conf_file, *words).failure


@pytest.mark.parametrize(
    'spoil',
    [
        lambda keys: [f.unlink() for f in keys.iterdir()],
        lambda keys: (keys / '1').write_bytes(b''),
        lambda keys: (keys / '1').chmod(0o644),
    ],
)
def test_reset_without_a_vault_changes_nothing(
    made: Deployment, spoil: Callable[[pathlib.Path], None]
) -> None:
    manage.give_key(made.conf_file, 'u1')
    spoil(made.home / 'vault')
    words = ('credential', 'reset', 'u1')
    failure = manage.run(made.conf_file, *words).failure
    assert '[vault] key_repository' in failure
    shown = as_json(made, 'show', 'u1')
    assert isinstance(shown, dict)
    assert shown['Updated At'] == THEN


def test_reset_asks_for_the_present_name(
    made: Deployment, pipeline: tuple[str, str], bob: Person
) -> None:
    manage.give_key(made.conf_file, bob.id, 'an older name')
    data = as_json(made, 'reset', bob.id, *pipeline)
    assert isinstance(data, dict)
    assert data['Username'] == bob.name


def test_a_key_of_reset_is_what_the_api_shows(
    made: Deployment, pipeline: tuple[str, str], cloud: Cloud, bob: Person
) -> None:
    data = as_json(made, 'reset', bob.id, *pipeline)
    answer = made.web(cloud.app).get(
        wire.key(bob.id), headers={'X-Auth-Token': cloud.admin}
    )
    assert isinstance(data, dict)
    assert answer.json[wire.ROOT] == {
        'username': bob.name,
        'apiKey': data['API Key'],
    }


def test_reset_of_who_is_not_known_is_one_line(
    made: Deployment, pipeline: tuple[str, str]
) -> None:
    for user_id in ('nobody', 'no/body'):
        words = ('credential', 'reset', user_id, *pipeline)
        failure = manage.run(made.conf_file, *words).failure
        assert f'knows no user {user_id}.' in failure
    assert as_json(made, 'list') == []


def test_memory_of_another_process_is_empty(made: Deployment) -> None:
    made.write_conf({'storage': {'credentials': 'memory'}})
    assert as_json(made, 'list') == []
