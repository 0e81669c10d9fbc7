"""The vault: sealing and opening of secrets, and the repository of its keys.

A sealed value is the id of its key (4 bytes), a nonce (12 bytes) and
AES-256-GCM ciphertext. Kind and owner are its associated data, so a value
moved to another row does not open.

The files of a repository are numbered, as Keystone's are. The key with the
highest number seals. Key 0 is staged: it is copied to every node before the
next rotation gives it the highest number, and until then it only opens. All
other keys open the values that they sealed. The id of a key is computed from
the key, so it stays the same when the file gets another number.
"""

import base64
import binascii
from collections.abc import Callable
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

from keymw import private_path
from keymw.conf import ConfigError

LOG = logging.getLogger(__name__)

KEY_BYTES = 32
STAGED = 0
ID_BYTES = 4
_NONCE_BYTES = 12
_SETUP = 'run "keymw-manage vault setup", or restore it from a backup'
_RESTORE = (
    'restore it from a backup or another node (remove it only where nothing '
    'was sealed with it)'
)


class CannotOpen(Exception):  # noqa: N818, it says what failed
    """A sealed value was not sealed by this vault for this kind and owner."""


class KeyMissing(CannotOpen):
    """The key that sealed a value is not in this repository."""


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of the repository: the number of its file, and its secret."""

    number: int
    secret: bytes = dataclasses.field(repr=False)

    @property
    def id(self) -> bytes:
        """The first 4 bytes of the key's digest; sealed values start so."""
        return hashlib.sha256(self.secret).digest()[:ID_BYTES]


class _Ring:
    """The keys at the last reading of the repository."""

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
    """Seals with the highest key, opens with the key whose id a value has.

    A changed repository is read again, so a rotation needs no restart. If it
    cannot be read then, the keys read before stay in use.
    """

    def __init__(self, repository: str) -> None:
        """Read the keys.

        :raises ConfigError: as read_keys.
        """
        self._repository = repository
        self._seen: int | None = None
        self._ring = self._read()

    def seal(self, kind: str, owner: str, secret: str) -> bytes:
        """Seal a secret for one owner (an id) and one kind of use."""
        return _seal(self._current(), _bound_to(kind, owner), secret)

    def sealer(self, kind: str) -> Callable[[str, str], bytes]:
        """Return seal(owner, secret) for one kind, and a run of secrets.

        It does not look for a new sealing key, so use it briefly.
        """
        ring = self._current()
        return lambda owner, secret: _seal(
            ring, _bound_to(kind, owner), secret
        )

    def open_decoy(self) -> str:
        """Open a value of no owner: the work, and timing, of open."""
        return self.open('', '', self._current().decoy)

    def open(self, kind: str, owner: str, sealed: bytes) -> str:
        """The secret in a value that was sealed for this owner and kind.

        :raises KeyMissing: the sealing key is not in the repository.
        :raises CannotOpen: the value is damaged, or was sealed for another
            owner or kind.
        """
        end = ID_BYTES + _NONCE_BYTES
        if len(sealed) < end:
            raise CannotOpen(f'the sealed {kind} of {owner}')
        try:
            secret = self._cipher(sealed_by(sealed)).decrypt(
                sealed[ID_BYTES:end], sealed[end:], _bound_to(kind, owner)
            )
        except KeyError:
            raise KeyMissing(f'the sealed {kind} of {owner}') from None
        except (InvalidTag, ValueError):
            raise CannotOpen(f'the sealed {kind} of {owner}') from None
        return secret.decode()

    def derived(self, purpose: str) -> list[bytes]:
        """A derived secret for one purpose from each key, sealing key first.

        The same keys give the same secrets on every node. A derived secret
        reveals nothing about its key.
        """
        return self._current().derived(purpose)

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is sealed with the current sealing key."""
        return sealed_by(sealed) == self._current().sealing

    def _cipher(self, id_: bytes) -> AESGCM:
        known = self._current().ciphers.get(id_)
        if known is not None:
            return known
        # Another worker may have sealed with a key that was added just now.
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
        # A change within the same clock tick would not be noticed.
        young = time.time_ns() - (changed or 0) < 10**9
        self._seen = None if young else changed
        return ring


def _changed(repository: str) -> int | None:
    try:
        return os.stat(repository).st_mtime_ns
    except OSError:
        return None


def sealing_since(repository: str) -> float | None:
    """When the file of the sealing key was made; None: it cannot be read.

    Seconds since the epoch. The key was made as the staged key, and got its
    present number later.
    """
    try:
        files = _files(pathlib.Path(repository))
        return files[max(files)].stat().st_mtime
    except (OSError, ValueError):
        return None


def load(repository: str) -> Vault:
    """The vault of a key repository.

    :raises ConfigError: as read_keys.
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
    return sealed[:ID_BYTES]


def _bound_to(kind: str, owner: str) -> bytes:
    return f'{kind}\0{owner}'.encode()


def read_keys(repository: str) -> dict[int, Key]:
    """The keys of a repository by number.

    :raises ConfigError: the repository is missing, empty, readable or
        replaceable by others, or holds a file that is no key; the message
        names the file.
    """
    directory = pathlib.Path(repository)
    try:
        if not directory.is_dir():
            raise _refusal(directory, f'is not there: {_SETUP}')
        _check_private(directory, directory)
        keys = {
            number: Key(number, _read_key(file, directory))
            for number, file in _files(directory).items()
        }
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


def _read_key(file: pathlib.Path, directory: pathlib.Path) -> bytes:
    _check_private(file, directory)
    try:
        key = base64.urlsafe_b64decode(file.read_bytes().strip())
    except binascii.Error:
        key = b''
    if len(key) != KEY_BYTES:
        raise _refusal(file, f'holds no key of {KEY_BYTES} bytes: {_RESTORE}')
    if not any(key):
        raise _refusal(file, f'holds the null key, no secret: {_RESTORE}')
    return key


def _check_private(path: pathlib.Path, directory: pathlib.Path) -> None:
    users = private_path.trusted(directory)
    why = private_path.why_not_owned(
        path, users
    ) or private_path.why_replaceable(path, users)
    if why is not None:
        raise _refusal(path, why)
    _check_mode(path)


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
    """Create the repository, a sealing key and a staged key.

    Returns False if the repository has keys already.

    :raises ConfigError: it cannot be created; the message says why.
    """
    directory = pathlib.Path(repository)
    try:
        users = private_path.trusted(directory)
        why = private_path.why_replaceable(directory, users)
        if why is not None:
            raise _refusal(directory, why)
        _make_directory(directory)
        if _files(directory):
            return False
        _write_key(directory / '1')
        _write_key(directory / str(STAGED))
    except OSError as error:
        raise _refusal(directory, f'cannot be made: {error}') from None
    return True


def _make_directory(directory: pathlib.Path) -> None:
    # Parents made here are not writable by others, whatever the umask is.
    for above in reversed(directory.parents):
        if not above.exists():
            above.mkdir(0o755)
    directory.mkdir(0o700, exist_ok=True)


def rotate(repository: str) -> int:
    """Make the staged key the sealing key, and stage a new one.

    Returns the number of the sealing key. If no key is staged, as after a
    rotation that was interrupted, it only stages a new key.

    :raises ConfigError: as read_keys, or the repository is not writable.
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


def drop(
    repository: str,
    number: int,
    in_use: frozenset[bytes],
    retire: Callable[[bytes], object],
) -> None:
    """Remove a key that has no sealed value any more.

    in_use holds the key ids of all sealed values. retire gets the id of the
    key before its file is removed.

    :raises ConfigError: no key has this number, or the key is in use.
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
    retire(keys[number].id)
    file.unlink()


def _write_key(file: pathlib.Path) -> None:
    # Write to a temporary file and rename: a crash leaves no partial key.
    aside = file.with_name(f'.{file.name}.{os.getpid()}')
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, 'wb') as stream:
        stream.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(aside, file)
