"""keymw-manage vault: the sealing keys."""

import base64
from collections.abc import Callable
import os
import pathlib
import shutil
import stat

import pytest

from keymw import conf
from keymw import vault
from keymw.global_keys import keys as global_key
from keymw.global_keys.digest import Algorithm
from keymw.manage import credential
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.global_keys import SqlGlobalKeys
from tests.support import manage
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment

NULL_KEY = base64.urlsafe_b64encode(bytes(32))


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """A configuration and a database, without keys."""
    found = Deployment(tmp_path / 'keymw')
    found.make_database()
    return found


def keys_of(made: Deployment) -> pathlib.Path:
    return made.home / 'vault'


def test_setup_makes_two_keys_for_us_alone(made: Deployment) -> None:
    found = manage.run(made.conf_file, 'vault', 'setup')
    assert (found.code, found.err) == (0, '')
    assert str(keys_of(made)) in found.out
    assert stat.S_IMODE(keys_of(made).stat().st_mode) == 0o700
    files = sorted(keys_of(made).iterdir())
    assert [file.name for file in files] == ['0', '1']
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text() not in found.out


def test_setup_leaves_keys_that_are_there(made: Deployment) -> None:
    manage.run(made.conf_file, 'vault', 'setup')
    before = {f.name: f.read_bytes() for f in keys_of(made).iterdir()}
    found = manage.run(made.conf_file, 'vault', 'setup')
    assert found.code == 0
    assert 'nothing was done' in found.out
    assert before == {f.name: f.read_bytes() for f in keys_of(made).iterdir()}


def test_setup_does_not_hide_that_others_may_read(made: Deployment) -> None:
    keys_of(made).mkdir()
    keys_of(made).chmod(0o755)
    failure = manage.run(made.conf_file, 'vault', 'setup').failure
    assert 'chmod 0700' in failure


def test_setup_where_nothing_can_be_made_is_one_line(
    made: Deployment,
) -> None:
    keys_of(made).write_text('a file')
    failure = manage.run(made.conf_file, 'vault', 'setup').failure
    assert '[vault] key_repository' in failure


@pytest.mark.parametrize(
    ('spoil', 'told'),
    [
        (lambda keys: [f.unlink() for f in keys.iterdir()], 'vault setup'),
        (lambda keys: (keys / '1').write_bytes(b''), 'no key'),
        (lambda keys: (keys / '1').write_bytes(NULL_KEY), 'null key'),
        (lambda keys: (keys / '1').write_bytes(b'\xff\xfe'), 'no key'),
        (lambda keys: (keys / '1').chmod(0o644), 'chmod 0600'),
        (lambda keys: keys.chmod(0o755), 'chmod 0700'),
        (lambda keys: (keys / '2').mkdir(0o700), '2'),
    ],
)
def test_keys_that_are_no_good_are_one_line(
    made: Deployment, spoil: Callable[[pathlib.Path], None], told: str
) -> None:
    manage.run(made.conf_file, 'vault', 'setup')
    spoil(keys_of(made))
    failure = manage.run(made.conf_file, 'vault', 'status').failure
    assert '[vault] key_repository' in failure
    assert str(keys_of(made)) in failure
    assert told in failure


def status(made: Deployment) -> tuple[int, list[str]]:
    words = ('vault', 'status', '-f', 'value')
    found = manage.run(made.conf_file, *words)
    assert found.err == ''
    lines = [line.split() for line in found.out.splitlines()]
    # The last two are the rows of global keys and of the access list.
    return found.code, [' '.join(line[:4]) for line in lines]


def test_status_counts_by_key_and_tells_cron(made: Deployment) -> None:
    made.set_up()
    assert status(made) == (0, ['0 staged 0 0', '1 seals 0 0'])
    manage.give_key(made.conf_file, 'ann')
    manage.give_key(made.conf_file, 'bob')
    assert status(made) == (0, ['0 staged 0 0', '1 seals 2 0'])
    manage.run(made.conf_file, 'vault', 'rotate')
    assert status(made) == (1, ['0 staged 0 0', '1 opens 2 0', '2 seals 0 0'])
    manage.give_key(made.conf_file, 'ann')
    assert status(made) == (1, ['0 staged 0 0', '1 opens 1 0', '2 seals 1 0'])
    manage.give_key(made.conf_file, 'bob')
    assert status(made) == (0, ['0 staged 0 0', '1 opens 0 0', '2 seals 2 0'])


def test_status_tells_of_a_key_that_is_missing(made: Deployment) -> None:
    made.set_up()
    manage.give_key(made.conf_file, 'ann')
    manage.run(made.conf_file, 'vault', 'rotate')
    (keys_of(made) / '1').unlink()
    assert status(made) == (
        1,
        ['0 staged 0 0', '2 seals 0 0', '- missing 1 0'],
    )


def test_status_tells_of_a_rotation_that_was_cut_short(
    made: Deployment,
) -> None:
    made.set_up()
    os.link(keys_of(made) / '0', keys_of(made) / '2')
    assert status(made) == (
        0,
        ['0 staged 0 0', '1 opens 0 0', '2 seals 0 0'],
    )


def test_a_key_goes_from_sealing_to_dropped(made: Deployment) -> None:
    made.set_up()
    lines = [
        f'user-{number},name-{number},a key of 16 or more'
        for number in range(1200)
    ]
    file = made.home / 'keys.csv'
    file.write_text('\n'.join(['user_id,username,apiKey', *lines]))
    manage.run(made.conf_file, 'credential', 'import', str(file))
    check = ('vault', 'migrate', '--check')
    assert manage.run(made.conf_file, *check).code == 0
    manage.run(made.conf_file, 'vault', 'rotate')
    assert manage.run(made.conf_file, *check).code == 1
    refusal = manage.run(made.conf_file, 'vault', 'drop', '1').failure
    assert 'vault migrate' in refusal
    done = manage.run(made.conf_file, 'vault', 'migrate')
    assert (done.code, done.out) == (0, 'sealed anew 1200\n')
    assert manage.run(made.conf_file, *check).code == 0
    assert manage.run(made.conf_file, 'vault', 'drop', '1').code == 0
    assert status(made) == (0, ['0 staged 0 0', '2 seals 1200 0'])
    shown = ('credential', 'show', 'user-7', '--reveal', '-f', 'json')
    assert (
        manage.run(made.conf_file, *shown).data['API Key']
        == 'a key of 16 or more'
    )


@pytest.mark.parametrize('number', ['0', '1', '9'])
def test_a_key_that_is_needed_is_not_dropped(
    made: Deployment, number: str
) -> None:
    made.set_up()
    failure = manage.run(made.conf_file, 'vault', 'drop', number).failure
    assert '[vault] key_repository' in failure
    assert status(made) == (0, ['0 staged 0 0', '1 seals 0 0'])


def test_migrate_tells_of_what_it_cannot_open(made: Deployment) -> None:
    made.set_up()
    manage.give_key(made.conf_file, 'ann')
    manage.run(made.conf_file, 'vault', 'rotate')
    (keys_of(made) / '1').unlink()
    manage.give_key(made.conf_file, 'bob')
    done = manage.run(made.conf_file, 'vault', 'migrate')
    assert (done.code, done.out) == (1, 'sealed anew 0\n')
    assert 'opens 1 of the secrets' in done.err


def give_global_key(made: Deployment) -> str:
    """The id of a new one."""
    words = ('--description', 'x', '--role', 'GLOBAL_OWNER', '-f', 'json')
    found = manage.run(made.conf_file, 'global-key', 'create', *words)
    return str(found.data['ID'])


def test_global_keys_are_sealed_anew_too(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, 'PAGE', 2)
    made.set_up()
    manage.give_key(made.conf_file, 'ann')
    ids = [give_global_key(made) for _ in range(3)]
    assert status(made) == (0, ['0 staged 0 0', '1 seals 1 3'])
    manage.run(made.conf_file, 'vault', 'rotate')
    manage.give_key(made.conf_file, 'ann')
    assert status(made) == (1, ['0 staged 0 0', '1 opens 0 3', '2 seals 1 0'])
    assert manage.run(made.conf_file, 'vault', 'migrate', '--check').code == 1
    refusal = manage.run(made.conf_file, 'vault', 'drop', '1').failure
    assert 'vault migrate' in refusal
    done = manage.run(made.conf_file, 'vault', 'migrate')
    assert (done.code, done.out) == (0, 'sealed anew 6\n')
    assert manage.run(made.conf_file, 'vault', 'migrate', '--check').code == 0
    assert manage.run(made.conf_file, 'vault', 'drop', '1').code == 0
    assert status(made) == (0, ['0 staged 0 0', '2 seals 1 3'])
    keys, kept = vault.load(str(keys_of(made))), store(made)
    for key_id in ids:
        row = kept.get(key_id)
        assert row is not None
        assert global_key.ha1(keys, row, Algorithm.MD5)


def store(made: Deployment) -> SqlGlobalKeys:
    return SqlGlobalKeys(conf.load(str(made.conf_file)))


def test_a_global_key_that_does_not_open_is_told(made: Deployment) -> None:
    made.set_up()
    give_global_key(made)
    manage.run(made.conf_file, 'vault', 'rotate')
    (keys_of(made) / '1').unlink()
    assert status(made)[1][-1] == '- missing 0 1'
    done = manage.run(made.conf_file, 'vault', 'migrate')
    assert (done.code, done.out) == (1, 'sealed anew 0\n')
    assert 'opens 2 of the secrets' in done.err


def test_what_keeps_no_global_keys_is_not_asked_for_any(
    made: Deployment,
) -> None:
    made.set_up()
    (made.home / 'keymw.db').unlink()
    options = {'credentials': 'memory', 'global_keys': 'sql'}
    made.write_conf({'storage': options})
    words = ('vault', 'status', '-f', 'value')
    found = manage.run(made.conf_file, *words)
    assert found.out.splitlines() == ['0 staged 0', '1 seals 0']
    made.write_conf({'storage': options, 'global_keys': {'enabled': 'true'}})
    assert 'db sync' in manage.run(made.conf_file, *words).failure


def test_node_without_the_new_keys_writes_nothing_that_others_cannot_read(
    made: Deployment, tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    made.set_up()
    database = {'connection': f'sqlite:///{made.home}/keymw.db'}
    behind = Deployment(tmp_path / 'behind', {'database': database})
    shutil.copytree(keys_of(made), keys_of(behind))
    for words in (('rotate',), ('migrate',), ('drop', '1')):
        assert manage.run(made.conf_file, 'vault', *words).code == 0
    bob = cloud.person()
    url = f'/v2.0/users/{bob.id}/OS-KSADM/credentials'
    key = {'username': bob.name, 'apiKey': 'a key of 16 or more'}
    body = {'RAX-KSKEY:apiKeyCredentials': key}
    for node, status in ((behind, 503), (made, 201)):
        answer = node.web(cloud.app).post_json(
            url,
            body,
            headers={'X-Auth-Token': cloud.admin},
            expect_errors=True,
        )
        assert answer.status_int == status
        stored = manage.run(made.conf_file, 'credential', 'list').out
        assert (bob.id in stored) is (status == 201)


def test_store_that_lists_less_than_it_counts_keeps_its_keys(
    made: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.set_up()
    manage.give_key(made.conf_file, 'ann')
    manage.run(made.conf_file, 'vault', 'rotate')
    monkeypatch.setattr(SqlCredentials, 'page', lambda *_: [])
    failure = manage.run(made.conf_file, 'vault', 'drop', '1').failure
    assert 'lists 0 of the 1' in failure
    assert (keys_of(made) / '1').exists()


def test_node_without_the_new_keys_makes_no_global_key(
    made: Deployment, tmp_path: pathlib.Path
) -> None:
    made.set_up()
    database = {'connection': f'sqlite:///{made.home}/keymw.db'}
    behind = Deployment(tmp_path / 'behind', {'database': database})
    shutil.copytree(keys_of(made), keys_of(behind))
    for words in (('rotate',), ('migrate',), ('drop', '1')):
        assert manage.run(made.conf_file, 'vault', *words).code == 0
    new = ('--description', 'x', '--role', 'GLOBAL_OWNER', '-f', 'json')
    found = manage.run(behind.conf_file, 'global-key', 'create', *new)
    assert 'copy the repository of the other nodes' in found.failure
    assert give_global_key(made)


@pytest.mark.skipif(os.geteuid() != 0, reason='only root gives files away')
@pytest.mark.parametrize('mode', [0o750, 0o770])
def test_owner_without_a_name_has_no_group_of_its_own(
    made: Deployment, mode: int
) -> None:
    made.set_up()
    for file in (made.home, *made.home.rglob('*')):
        os.chown(file, 54321, 54321)
    made.home.chmod(mode)
    found = manage.run(made.conf_file, 'vault', 'status')
    said = f'its group can write (mode {mode:04o}): chmod g-w it'
    assert (said in found.err) == (mode == 0o770)
    assert found.code == int(mode == 0o770)
