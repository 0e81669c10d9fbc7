"""keymw-manage vault: the sealing keys."""

import base64
from collections.abc import Callable
import os
import pathlib
import stat

import pytest

from tests import manage
from tests.deployment import Deployment

NULL_KEY = base64.urlsafe_b64encode(bytes(32))


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """A configuration and a database, without keys."""
    found = Deployment(tmp_path / 'keymw')
    manage.run(found.conf_file, 'db', 'sync')
    return found


def keys_of(made: Deployment) -> pathlib.Path:
    return made.home / 'vault'


def new_key(made: Deployment, name: str) -> None:
    file = keys_of(made) / name
    file.write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
    file.chmod(0o600)


def test_setup_makes_one_key_for_us_alone(made: Deployment) -> None:
    found = manage.run(made.conf_file, 'vault', 'setup')
    assert (found.code, found.err) == (0, '')
    assert str(keys_of(made)) in found.out
    assert stat.S_IMODE(keys_of(made).stat().st_mode) == 0o700
    (file,) = keys_of(made).iterdir()
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
        (lambda keys: (keys / '1').unlink(), 'vault setup'),
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
    return found.code, found.out.splitlines()


def test_status_counts_by_key_and_tells_cron(made: Deployment) -> None:
    made.set_up()
    assert status(made) == (0, ['1 seals 0'])
    manage.give_key(made.conf_file, 'ann')
    manage.give_key(made.conf_file, 'bob')
    assert status(made) == (0, ['1 seals 2'])
    new_key(made, '2')
    assert status(made) == (1, ['1 opens 2', '2 seals 0'])
    manage.give_key(made.conf_file, 'ann')
    assert status(made) == (1, ['1 opens 1', '2 seals 1'])
    manage.give_key(made.conf_file, 'bob')
    assert status(made) == (0, ['1 opens 0', '2 seals 2'])


def test_status_tells_of_a_key_that_is_missing(made: Deployment) -> None:
    made.set_up()
    manage.give_key(made.conf_file, 'ann')
    new_key(made, '2')
    (keys_of(made) / '1').unlink()
    assert status(made) == (1, ['1 missing 1', '2 seals 0'])
