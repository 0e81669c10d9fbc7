"""Seal and open secrets; the repository of the keys that do it.

A sealed secret is the id of its key (4 bytes, big-endian), a nonce (12 bytes)
and AES-256-GCM ciphertext. Kind and owner are its associated data, so a value
moved to another row does not open.
"""

import base64
import binascii
from collections.abc import Mapping
import os
import pathlib
import stat

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keymw.conf import ConfigError

KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12
_SETUP = 'run "keymw-manage vault setup", or restore it from a backup'


class CannotOpen(Exception):  # noqa: N818, it says what failed
    """A sealed value is not what this vault sealed for this owner."""


class Vault:
    """Seals with the newest key, opens with the one a value names."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._ciphers = {id_: AESGCM(key) for id_, key in keys.items()}
        self._newest = max(keys)

    def seal(self, kind: str, owner: str, secret: str) -> bytes:
        """Seal a secret for one owner and one kind of use."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(
            nonce, secret.encode(), _bound_to(kind, owner)
        )
        return self._newest.to_bytes(_ID_BYTES, 'big') + nonce + sealed

    def open(self, kind: str, owner: str, sealed: bytes) -> str:
        """The secret that was sealed for this owner and kind.

        :raises CannotOpen: its key is not here, or it is not theirs.
        """
        cipher = self._ciphers.get(sealed_by(sealed))
        nonce, rest = _split(sealed)
        try:
            if cipher is None:
                raise InvalidTag
            secret = cipher.decrypt(nonce, rest, _bound_to(kind, owner))
        except (InvalidTag, ValueError):
            raise CannotOpen(f'the sealed {kind} of {owner}') from None
        return secret.decode()


def sealed_by(sealed: bytes) -> int:
    """The id of the key that sealed a value."""
    return int.from_bytes(sealed[:_ID_BYTES], 'big')


def _split(sealed: bytes) -> tuple[bytes, bytes]:
    end = _ID_BYTES + _NONCE_BYTES
    return sealed[_ID_BYTES:end], sealed[end:]


def _bound_to(kind: str, owner: str) -> bytes:
    return f'{kind}\0{owner}'.encode()


def load(repository: str) -> Vault:
    """The vault of a key repository.

    :raises ConfigError: it is missing, empty, readable by others, or holds
        a file that is no key; the message names the file.
    """
    return Vault(read_keys(repository))


def read_keys(repository: str) -> dict[int, bytes]:
    """The keys of a repository by id, checked as load() says."""
    directory = pathlib.Path(repository)
    if not directory.is_dir():
        raise _refusal(directory, f'is not there: {_SETUP}')
    _check_mode(directory)
    try:
        files = {int(f.name): f for f in directory.iterdir() if _is_key(f)}
        keys = {id_: _read_key(file) for id_, file in files.items()}
    except OSError as error:
        raise _refusal(directory, f'cannot be read: {error}') from None
    if not keys:
        raise _refusal(directory, f'holds no key: {_SETUP}')
    return keys


def _is_key(file: pathlib.Path) -> bool:
    return file.name.isascii() and file.name.isdigit()


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
    if mode & 0o007:
        want = '0700' if path.is_dir() else '0600'
        raise _refusal(
            path, f'is open to other users (mode {mode:04o}): chmod {want} it'
        )


def _refusal(path: pathlib.Path, why: str) -> ConfigError:
    return ConfigError(f'[vault] key_repository: {path} {why}')


def setup(repository: str) -> bool:
    """Make the repository and its first key; False where keys exist.

    :raises ConfigError: it cannot be made; the message says why.
    """
    directory = pathlib.Path(repository)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(_is_key(file) for file in directory.iterdir()):
            return False
        _write_key(directory / '1')
    except OSError as error:
        raise _refusal(directory, f'cannot be made: {error}') from None
    return True


def _write_key(file: pathlib.Path) -> None:
    # Written aside and linked: a crash leaves no half key, a race no two.
    aside = file.with_name(f'.{file.name}.{os.getpid()}')
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, 'wb') as stream:
            stream.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(aside, file)
    finally:
        aside.unlink()
