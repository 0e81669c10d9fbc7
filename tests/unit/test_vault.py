"""Sealing secrets, and the repository of the keys that do it."""

import base64
from collections.abc import Callable
import os
import pathlib
import stat

import pytest

from keymw import vault
from keymw.conf import ConfigError
from keymw.vault import CannotOpen
from keymw.vault import Vault

ONE, TWO = bytes(range(32)), bytes(range(32, 64))
SECRET = 'sécret \U0001f511'


Of = Callable[..., Vault]


@pytest.fixture
def of(tmp_path: pathlib.Path) -> Of:
    """Make a vault of keys by number: of({1: ONE})."""

    def make(keys: dict[int, bytes]) -> Vault:
        home = tmp_path / f'vault-{len(list(tmp_path.iterdir()))}'
        home.mkdir(mode=0o700)
        for number, key in keys.items():
            write_key(home / str(number), key)
        return vault.load(str(home))

    return make


@pytest.fixture
def one(of: Of) -> Vault:
    return of({1: ONE})


@pytest.mark.parametrize('secret', [SECRET, '', ' ', 'x' * 100_000, '\0'])
def test_opens_what_it_sealed(one: Vault, secret: str) -> None:
    sealed = one.seal('credential', 'ann', secret)
    assert one.open('credential', 'ann', sealed) == secret


# As databases have it.
STORED = bytes.fromhex(
    '630dcd293c5c42bb12146b27638e63ee550fe4e1136bdeaf5b66ce6eefbf7e532f55d96b'
    '7f7519249defe598'
)


def test_opens_what_an_earlier_release_sealed(one: Vault) -> None:
    assert one.open('credential', 'ann', STORED) == SECRET
    assert len(one.seal('credential', 'ann', SECRET)) == len(STORED)


def test_sealed_tells_nothing_and_is_new_each_time(one: Vault) -> None:
    sealed = {one.seal('credential', 'ann', 'secret') for _ in range(100)}
    assert len(sealed) == 100
    assert not any(b'secret' in value for value in sealed)
    nonces = {value[4:16] for value in sealed}
    assert len(nonces) == 100


@pytest.mark.parametrize(
    ('kind', 'owner'),
    [
        ('credential', 'bob'),
        ('credential', 'Ann'),
        ('credential', 'ann '),
        ('credential', ''),
        ('global_key', 'ann'),
        ('credentialann', ''),
        ('', 'credentialann'),
    ],
)
def test_opens_for_nobody_and_nothing_else(
    one: Vault, kind: str, owner: str
) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    with pytest.raises(CannotOpen):
        one.open(kind, owner, sealed)


def test_opens_nothing_cut_short(one: Vault) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            one.open('credential', 'ann', sealed[:length])


def test_opens_nothing_longer(one: Vault) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    with pytest.raises(CannotOpen):
        one.open('credential', 'ann', sealed + b'\0')


def test_opens_nothing_with_a_bit_flipped(one: Vault) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(CannotOpen):
            one.open('credential', 'ann', bytes(flipped))


def test_refusal_names_the_owner_and_no_secret(one: Vault) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    with pytest.raises(CannotOpen) as refusal:
        one.open('credential', 'bob', sealed)
    assert str(refusal.value) == 'the sealed credential of bob'


def test_highest_key_seals_and_every_key_opens(of: Of, one: Vault) -> None:
    both, new = of({1: ONE, 2: TWO}), of({2: TWO})
    old = one.seal('credential', 'ann', 'old')
    sealed = both.seal('credential', 'ann', 'new')
    assert both.open('credential', 'ann', old) == 'old'
    assert new.open('credential', 'ann', sealed) == 'new'
    for strange, value in ((one, sealed), (new, old)):
        with pytest.raises(CannotOpen):
            strange.open('credential', 'ann', value)


def test_secret_of_the_newest_key_is_the_first(of: Of, one: Vault) -> None:
    both, two = of({1: ONE, 2: TWO}), of({2: TWO})
    assert both.derived('x') == [*two.derived('x'), *one.derived('x')]
    assert one.derived('x') != one.derived('y')


def test_key_of_the_same_number_and_other_content_does_not_open(
    of: Of, one: Vault
) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    with pytest.raises(CannotOpen):
        of({1: TWO}).open('credential', 'ann', sealed)


def test_key_opens_under_another_number(of: Of, one: Vault) -> None:
    sealed = one.seal('credential', 'ann', SECRET)
    assert of({0: ONE, 7: TWO}).open('credential', 'ann', sealed) == SECRET


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where keys are to be, in a folder that is not there yet."""
    return tmp_path / 'keymw' / 'vault'


def write_key(file: pathlib.Path, key: bytes | None = None) -> None:
    file.write_bytes(base64.urlsafe_b64encode(key or os.urandom(32)))
    file.chmod(0o600)


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize('umask', [0o000, 0o022, 0o077])
def test_setup_makes_two_keys_for_their_owner_alone(
    repository: pathlib.Path, umask: int
) -> None:
    former = os.umask(umask)
    try:
        assert vault.setup(str(repository)) is True
    finally:
        os.umask(former)
    vault.load(str(repository))
    assert mode(repository) == 0o700
    staged, sealing = sorted(repository.iterdir())
    assert (staged.name, sealing.name) == ('0', '1')
    assert staged.read_bytes() != sealing.read_bytes()
    for key in (staged, sealing):
        assert mode(key) == 0o600
        assert len(base64.urlsafe_b64decode(key.read_bytes())) == 32


def test_setup_again_changes_nothing(repository: pathlib.Path) -> None:
    vault.setup(str(repository))
    before = {file: file.read_bytes() for file in repository.iterdir()}
    assert vault.setup(str(repository)) is False
    assert {f: f.read_bytes() for f in repository.iterdir()} == before


def test_every_setup_makes_another_key(tmp_path: pathlib.Path) -> None:
    for name in ('one', 'two'):
        vault.setup(str(tmp_path / name))
    one, two = (vault.load(str(tmp_path / name)) for name in ('one', 'two'))
    with pytest.raises(CannotOpen):
        two.open('credential', 'a', one.seal('credential', 'a', SECRET))


def test_setup_where_nothing_can_be_made_says_so(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigError, match=r'key_repository: .*/file/vault'):
        vault.setup(str(tmp_path / 'file' / 'vault'))


def test_loaded_vault_opens_what_another_sealed(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    sealed = vault.load(str(repository)).seal('credential', 'ann', SECRET)
    opened = vault.load(str(repository)).open('credential', 'ann', sealed)
    assert opened == SECRET


def test_newest_key_is_the_one_of_the_highest_number(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    for name in ('2', '10'):
        write_key(repository / name)
    sealed = vault.load(str(repository)).seal('credential', 'ann', SECRET)
    keys = vault.read_keys(str(repository))
    assert vault.sealed_by(sealed) == keys[10].id


def test_other_files_are_no_keys(repository: pathlib.Path) -> None:
    vault.setup(str(repository))
    for name in ('README', '.1.77', '1~', '1.bak', '\u0661', '-1', '+1', ' 1'):
        (repository / name).write_text('no key')
    assert sorted(vault.read_keys(str(repository))) == [0, 1]


def test_another_spelling_of_a_number_is_no_key(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    write_key(repository / '02')
    assert sorted(vault.read_keys(str(repository))) == [0, 1]


def test_rotation_lets_the_staged_key_seal(repository: pathlib.Path) -> None:
    vault.setup(str(repository))
    before = vault.read_keys(str(repository))
    assert vault.rotate(str(repository)) == 2
    after = vault.read_keys(str(repository))
    assert after[2].id == before[vault.STAGED].id
    assert after[1].id == before[1].id
    assert after[vault.STAGED].id not in (after[1].id, after[2].id)
    sealed = vault.load(str(repository)).seal('credential', 'ann', SECRET)
    assert vault.sealed_by(sealed) == after[2].id


def test_rotation_cut_short_is_finished_by_the_next(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    os.link(repository / '0', repository / '2')
    sealing = vault.read_keys(str(repository))[2].id
    assert vault.rotate(str(repository)) == 2
    keys = vault.read_keys(str(repository))
    assert keys[2].id == sealing != keys[vault.STAGED].id


def test_rotation_stages_first_where_nothing_is_staged(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    (repository / '0').unlink()
    assert vault.rotate(str(repository)) == 1
    assert vault.rotate(str(repository)) == 2


def test_rotation_of_a_staged_key_alone_loses_nothing(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    (repository / '1').unlink()
    sealed = vault.load(str(repository)).seal('credential', 'ann', SECRET)
    assert vault.rotate(str(repository)) == 1
    opened = vault.load(str(repository)).open('credential', 'ann', sealed)
    assert opened == SECRET


def test_a_running_vault_follows_a_rotation(repository: pathlib.Path) -> None:
    vault.setup(str(repository))
    running = vault.load(str(repository))
    old = running.seal('credential', 'ann', 'old')
    vault.rotate(str(repository))
    new = running.seal('credential', 'ann', 'new')
    assert vault.sealed_by(new) == vault.read_keys(str(repository))[2].id
    assert not running.is_current(old)
    assert running.is_current(new)
    assert running.open('credential', 'ann', old) == 'old'


def test_a_key_not_seen_before_is_looked_for(
    repository: pathlib.Path, of: Of
) -> None:
    vault.setup(str(repository))
    running = vault.load(str(repository))
    settle(repository, running)
    sealed = of({1: ONE}).seal('credential', 'ann', SECRET)
    stamp = repository.stat()
    write_key(repository / '7', ONE)
    # As if the clock of the file system had not moved on.
    os.utime(repository, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert running.open('credential', 'ann', sealed) == SECRET


def settle(repository: pathlib.Path, running: Vault) -> None:
    """Let the repository be old enough for the vault to trust its time."""
    os.utime(repository, (1, 1))
    running.seal('credential', 'ann', SECRET)


def test_a_repository_that_breaks_leaves_the_keys_in_use(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    running = vault.load(str(repository))
    sealed = running.seal('credential', 'ann', SECRET)
    (repository / '2').write_text('half a key')
    assert running.open('credential', 'ann', sealed) == SECRET
    for file in repository.iterdir():
        file.unlink()
    repository.rmdir()
    assert running.open('credential', 'ann', sealed) == SECRET


def test_only_a_key_out_of_use_can_be_dropped(
    repository: pathlib.Path,
) -> None:
    vault.setup(str(repository))
    vault.rotate(str(repository))
    keys = vault.read_keys(str(repository))
    for number, why in ((0, 'staged'), (2, 'seals'), (5, 'not there')):
        with pytest.raises(ConfigError, match=why):
            vault.drop(str(repository), number, frozenset(), print)
    with pytest.raises(ConfigError, match='still opens'):
        vault.drop(str(repository), 1, frozenset({keys[1].id}), print)
    assert sorted(vault.read_keys(str(repository))) == [0, 1, 2]
    retired: list[bytes] = []
    vault.drop(str(repository), 1, frozenset({keys[2].id}), retired.append)
    assert retired == [keys[1].id]
    assert sorted(vault.read_keys(str(repository))) == [0, 2]
