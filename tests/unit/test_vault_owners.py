"""A key repository that other users could replace is refused, in one line."""

import os
import pathlib

import pytest

from keymw import vault
from keymw.conf import ConfigError

as_root = pytest.mark.skipif(
    os.getuid() != 0, reason='only root gives files to other users'
)
NOBODY = 65534
SERVICE = 65533


@pytest.fixture
def place(tmp_path: pathlib.Path) -> pathlib.Path:
    """The directory above a repository, and one of its own above that."""
    found = tmp_path / 'srv' / 'keymw'
    found.mkdir(parents=True)
    vault.setup(str(found / 'vault'))
    return found


def refused(repository: pathlib.Path) -> str:
    with pytest.raises(ConfigError) as refusal:
        vault.load(str(repository))
    said = str(refusal.value)
    assert said.startswith(f'[vault] key_repository: {repository}')
    assert '\n' not in said
    return said


@as_root
@pytest.mark.parametrize('name', ['vault', 'vault/0', 'vault/1', '.', '..'])
def test_owner_is_root_or_the_user_of_the_service(
    place: pathlib.Path, name: str
) -> None:
    os.chown(place / name, NOBODY, 0)
    said = refused(place / 'vault')
    assert str((place / name).resolve()) in said
    assert 'is owned by nobody' in said


def chown_tree(top: pathlib.Path, owner: int) -> None:
    for path in (top, *top.rglob('*')):
        os.chown(path, owner, owner)


@as_root
def test_root_takes_what_is_wholly_of_the_service(place: pathlib.Path) -> None:
    chown_tree(place, SERVICE)
    vault.load(str(place / 'vault'))
    os.chown(place / 'vault' / '1', NOBODY, 0)
    assert 'is owned by nobody' in refused(place / 'vault')


@as_root
def test_service_takes_its_own_and_no_other(place: pathlib.Path) -> None:
    chown_tree(place, SERVICE)
    assert as_user(SERVICE, place / 'vault') == ''
    assert 'is owned by' in as_user(NOBODY, place / 'vault')


def as_user(user: int, repository: pathlib.Path) -> str:
    """The message about a repository to a process of another user."""
    above = [at for at in repository.parents if at.stat().st_mode & 5 != 5]
    modes = {at: at.stat().st_mode for at in above}
    for at in above:
        at.chmod(0o755)
    os.seteuid(user)
    try:
        vault.load(str(repository))
    except ConfigError as refusal:
        return str(refusal)
    finally:
        os.seteuid(0)
        for at, mode in modes.items():
            at.chmod(mode)
    return ''


@pytest.mark.parametrize(
    ('name', 'bits', 'remedy'),
    [
        ('vault', 0o700, 'chmod 0700 it'),
        ('vault/0', 0o600, 'chmod 0600 it'),
        ('vault/1', 0o600, 'chmod 0600 it'),
    ],
)
def test_keys_are_closed_to_others_and_the_group_may_read(
    place: pathlib.Path, name: str, bits: int, remedy: str
) -> None:
    path = place / name
    for more in (0o001, 0o002, 0o004, 0o020, 0o044):
        path.chmod(bits | more)
        assert f'(mode {bits | more:04o}): {remedy}' in refused(
            place / 'vault'
        )
    path.chmod(bits | 0o050)
    vault.load(str(place / 'vault'))


@pytest.mark.parametrize('name', ['.', '..'])
@pytest.mark.parametrize('mode', [0o777, 0o703])
def test_no_directory_above_is_writable_for_others(
    place: pathlib.Path, name: str, mode: int
) -> None:
    (place / name).chmod(mode)
    said = refused(place / 'vault')
    assert str((place / name).resolve()) in said
    assert 'chmod o-w it' in said


@as_root
def test_group_that_is_not_the_owners_own_may_not_write_above(
    place: pathlib.Path,
) -> None:
    place.chmod(0o770)
    vault.load(str(place / 'vault'))
    os.chown(place, 0, NOBODY)
    assert 'chmod g-w' in refused(place / 'vault')


def test_sticky_directory_above_is_safe(place: pathlib.Path) -> None:
    place.chmod(0o1777)
    vault.load(str(place / 'vault'))


@pytest.fixture
def link(place: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A link to the repository, in a directory of its own."""
    (tmp_path / 'links').mkdir()
    found = tmp_path / 'links' / 'vault'
    found.symlink_to(place / 'vault')
    return found


def test_link_is_judged_by_where_it_leads_and_where_it_lies(
    place: pathlib.Path, link: pathlib.Path
) -> None:
    vault.load(str(link))
    place.chmod(0o777)
    assert str(place) in refused(link)
    place.chmod(0o755)
    link.parent.chmod(0o777)
    assert str(link.parent) in refused(link)


def test_key_that_is_a_link_is_judged_by_where_it_leads(
    place: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / 'open').mkdir()
    (tmp_path / 'open').chmod(0o777)
    key = (place / 'vault' / '1').rename(tmp_path / 'open' / 'key')
    (place / 'vault' / '1').symlink_to(key)
    assert str(tmp_path / 'open') in refused(place / 'vault')


def test_setup_makes_no_keys_where_others_can_write(
    place: pathlib.Path,
) -> None:
    place.chmod(0o777)
    with pytest.raises(ConfigError, match='chmod o-w it'):
        vault.setup(str(place / 'other' / 'vault'))
    assert not (place / 'other').exists()


def test_running_vault_keeps_its_keys(
    place: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = vault.load(str(place / 'vault'))
    sealed = running.seal('credential', 'ann', 'secret')
    place.chmod(0o777)
    assert running.open('credential', 'ann', sealed) == 'secret'
    running.seal('credential', 'ann', 'secret')
    assert 'chmod o-w it' in caplog.text


@pytest.mark.parametrize('damage', [b'', b'short', b'A' * 43 + b'='])
def test_advice_for_a_damaged_key_is_not_setup(
    place: pathlib.Path, damage: bytes
) -> None:
    (place / 'vault' / '1').write_bytes(damage)
    said = refused(place / 'vault')
    assert str(place / 'vault' / '1') in said
    assert 'restore it from a backup' in said
    assert 'vault setup' not in said
