"""Seal and open secrets; the repository of the keys that do it.

A sealed secret is the id of its key (4 bytes), a nonce (12 bytes) and
AES-256-GCM ciphertext. Kind and owner are its associated data, so a value
moved to another row does not open.

The files of a repository are numbered, as Keystone's are. The highest seals.
0 is staged: it is copied to every node before the next rotation makes it the
highest, and until then only opens. The others open what they have sealed. The
id of a key is taken from the key itself and stays when its file gets another
number.
"""

import base64
import binascii
from collections.abc import Mapping
import dataclasses
import hashlib
import logging
import os
import pathlib
import stat
import time
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keymw.conf import ConfigError

LOG = logging.getLogger(__name__)

KEY_BYTES = 32
STAGED = 0
_ID_BYTES = 4
_NONCE_BYTES = 12
_SETUP = 'run "keymw-manage vault setup", or restore it from a backup'


class CannotOpen(Exception):  # noqa: N818, it says what failed
    """A sealed value is not what this vault sealed for this owner."""


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of the repository: what seals, its id and its file's number."""

    number: int
    secret: bytes = dataclasses.field(repr=False)

    @property
    def id(self) -> bytes:
        """The first bytes of its digest: what stands before a sealed value."""
        return hashlib.sha256(self.secret).digest()[:_ID_BYTES]


class _Ring:
    """The keys as they were when the repository was read."""

    def __init__(self, keys: Mapping[int, Key]) -> None:
        self.ciphers = {key.id: AESGCM(key.secret) for key in keys.values()}
        self.sealing = keys[max(keys)].id
        self._keys = [keys[number] for number in sorted(keys, reverse=True)]
        self._derived: dict[str, list[bytes]] = {}
        self.decoy = _seal(self, _bound_to('', ''), uuid.uuid4().hex)

    def derived(self, purpose: str) -> list[bytes]:
        if purpose not in self._derived:
            self._derived[purpose] = [
                _derive(key.secret, purpose) for key in self._keys
            ]
        return self._derived[purpose]


class Vault:
    """Seals with the highest key, opens with the one a value names.

    A repository that has changed is read again, so that a rotation needs no
    restart; one that cannot be read then leaves things as they were.
    """

    def __init__(self, repository: str) -> None:
        """Read the keys.

        :raises ConfigError: as read_keys says.
        """
        self._repository = repository
        self._seen: int | None = None
        self._ring = self._read()

    def seal(self, kind: str, owner: str, secret: str) -> bytes:
        """Seal a secret for one owner and one kind of use."""
        return _seal(self._current(), _bound_to(kind, owner), secret)

    def open_decoy(self) -> str:
        """Do the work of open, for a secret that nobody has."""
        return self.open('', '', self._current().decoy)

    def open(self, kind: str, owner: str, sealed: bytes) -> str:
        """The secret that was sealed for this owner and kind.

        :raises CannotOpen: its key is not here, or it is not theirs.
        """
        end = _ID_BYTES + _NONCE_BYTES
        try:
            secret = self._cipher(sealed_by(sealed)).decrypt(
                sealed[_ID_BYTES:end], sealed[end:], _bound_to(kind, owner)
            )
        except (InvalidTag, KeyError, ValueError):
            raise CannotOpen(f'the sealed {kind} of {owner}') from None
        return secret.decode()

    def derived(self, purpose: str) -> list[bytes]:
        """A secret for one purpose out of each key, that which seals first.

        Whoever has the same keys has the same secrets, and nothing that is
        known of these tells anything of the keys.
        """
        return self._current().derived(purpose)

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is sealed with the key that seals now."""
        return sealed_by(sealed) == self._current().sealing

    def _cipher(self, id_: bytes) -> AESGCM:
        known = self._current().ciphers.get(id_)
        if known is not None:
            return known
        # Another worker may have sealed with a key that came just now.
        return self._reread().ciphers[id_]

    def _current(self) -> _Ring:
        if self._seen is not None and self._seen == _changed(self._repository):
            return self._ring
        return self._reread()

    def _reread(self) -> _Ring:
        try:
            self._ring = self._read()
        except ConfigError as error:
            LOG.error('the sealing keys stay as they were: %s', error)
        return self._ring

    def _read(self) -> _Ring:
        changed = _changed(self._repository)
        ring = _Ring(read_keys(self._repository))
        # What changes within the same tick of the clock would go unseen.
        young = time.time_ns() - (changed or 0) < 10**9
        self._seen = None if young else changed
        return ring


def _changed(repository: str) -> int | None:
    try:
        return os.stat(repository).st_mtime_ns
    except OSError:
        return None


def load(repository: str) -> Vault:
    """The vault of a key repository.

    :raises ConfigError: as read_keys says.
    """
    return Vault(repository)


def _seal(ring: _Ring, bound_to: bytes, secret: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    cipher = ring.ciphers[ring.sealing]
    return (
        ring.sealing + nonce + cipher.encrypt(nonce, secret.encode(), bound_to)
    )


def _derive(secret: bytes, purpose: str) -> bytes:
    info = f'keymw\0{purpose}'.encode()
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(
        secret
    )


def sealed_by(sealed: bytes) -> bytes:
    """The id of the key that sealed a value."""
    return sealed[:_ID_BYTES]


def _bound_to(kind: str, owner: str) -> bytes:
    return f'{kind}\0{owner}'.encode()


def read_keys(repository: str) -> dict[int, Key]:
    """The keys of a repository by number.

    :raises ConfigError: it is missing, empty, readable by others, or holds
        a file that is no key; the message names the file.
    """
    directory = pathlib.Path(repository)
    if not directory.is_dir():
        raise _refusal(directory, f'is not there: {_SETUP}')
    _check_mode(directory)
    try:
        keys = {n: Key(n, _read_key(f)) for n, f in _files(directory).items()}
    except OSError as error:
        raise _refusal(directory, f'cannot be read: {error}') from None
    if not keys:
        raise _refusal(directory, f'holds no key: {_SETUP}')
    return keys


def _files(directory: pathlib.Path) -> dict[int, pathlib.Path]:
    return {
        int(file.name): file
        for file in directory.iterdir()
        if file.name.isascii()
        and file.name.isdigit()
        and file.name == str(int(file.name))
    }


def _read_key(file: pathlib.Path) -> bytes:
    _check_mode(file)
    try:
        key = base64.urlsafe_b64decode(file.read_bytes().strip())
    except binascii.Error:
        key = b''
    if len(key) != KEY_BYTES:
        raise _refusal(file, f'holds no key of {KEY_BYTES} bytes: {_SETUP}')
    if not any(key):
        raise _refusal(file, f'holds the null key, no secret: {_SETUP}')
    return key


def _check_mode(path: pathlib.Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o027:
        want = '0700' if path.is_dir() else '0600'
        raise _refusal(
            path, f'is open to other users (mode {mode:04o}): chmod {want} it'
        )


def _refusal(path: pathlib.Path, why: str) -> ConfigError:
    return ConfigError(f'[vault] key_repository: {path} {why}')


def setup(repository: str) -> bool:
    """Make the repository, a key that seals and one staged.

    False where there are keys already.

    :raises ConfigError: it cannot be made; the message says why.
    """
    directory = pathlib.Path(repository)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _files(directory):
            return False
        _write_key(directory / '1')
        _write_key(directory / str(STAGED))
    except OSError as error:
        raise _refusal(directory, f'cannot be made: {error}') from None
    return True


def rotate(repository: str) -> int:
    """Let the staged key seal, and stage a new one; the number that seals.

    Where none is staged, or a rotation was cut short after its first step,
    only the missing one is staged.

    :raises ConfigError: as read_keys says, or it cannot be written.
    """
    keys = read_keys(repository)
    directory = pathlib.Path(repository)
    highest, staged = max(keys), keys.get(STAGED)
    try:
        if highest == STAGED or (
            staged is not None and staged.id != keys[highest].id
        ):
            highest += 1
            os.link(directory / str(STAGED), directory / str(highest))
        _write_key(directory / str(STAGED))
    except OSError as error:
        raise _refusal(directory, f'cannot be written: {error}') from None
    return highest


def drop(repository: str, number: int, in_use: frozenset[bytes]) -> None:
    """Remove a key that nothing is sealed with any more.

    in_use holds the ids of the keys of all sealed values.

    :raises ConfigError: there is no such key, or it is needed.
    """
    keys = read_keys(repository)
    file = pathlib.Path(repository) / str(number)
    if number not in keys:
        raise _refusal(file, 'is not there')
    if number in (STAGED, max(keys)):
        raise _refusal(file, 'is staged or seals: it cannot be dropped')
    if keys[number].id in in_use:
        raise _refusal(
            file,
            'still opens what it sealed: run "keymw-manage vault migrate"',
        )
    file.unlink()


def _write_key(file: pathlib.Path) -> None:
    # Written aside and renamed: a crash leaves no half a key.
    aside = file.with_name(f'.{file.name}.{os.getpid()}')
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, 'wb') as stream:
        stream.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(aside, file)
