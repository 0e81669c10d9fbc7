"""Files of a command: no links, and no files of other users."""

from collections.abc import Iterator
import contextlib
import errno
import os
import pathlib
import stat
from typing import IO

from keymw.conf import ConfigError


def open_regular(path: pathlib.Path) -> IO[bytes]:
    """Open a regular file for reading.

    :raises ConfigError: it cannot be read, is a link or is not a file.
    """
    # Opening a pipe without a writer would block.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        stream = os.fdopen(os.open(path, flags), 'rb')
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refusal(path, 'is a link, and none is followed') from None
        raise _refusal(path, error.strerror) from None
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise _refusal(path, 'is no regular file')
    return stream


def read(path: pathlib.Path) -> bytes | None:
    """Return the content of a file made by write; None without one.

    :raises ConfigError: it belongs to another user, or the temporary name
        of write is taken by something else.
    """
    is_left(_aside(path))
    if not is_left(path):
        return None
    with open_regular(path) as stream:
        _check_owner(path, os.fstat(stream.fileno()))
        return stream.read()


def is_left(path: pathlib.Path) -> bool:
    """Whether an earlier run left a file.

    :raises ConfigError: something of this name exists that is not a file of
        this user.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refusal(path, error.strerror) from None
    _check_owner(path, found)
    return True


def write(path: pathlib.Path, content: bytes) -> None:
    """Write a file of this user, replacing one of this name.

    :raises ConfigError: it cannot be written, or a link or another user's
        file has this name.
    """
    aside = _aside(path)
    try:
        if is_left(aside):
            aside.unlink()
        with os.fdopen(create(aside), 'wb') as stream:
            stream.write(content)
        aside.replace(path)
    except OSError as error:
        raise _refusal(aside, error.strerror) from None


def _aside(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f'{path.name}.new')


def create(path: pathlib.Path) -> int:
    """Make a file that only its owner can read; return its handle.

    :raises OSError: it cannot be made, or the name is taken.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _check_owner(path: pathlib.Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _refusal(path, 'is a link, and none is followed: remove it')
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise _refusal(path, 'is no file of this user: remove it')


def _refusal(path: pathlib.Path, why: str | None) -> ConfigError:
    return ConfigError(f'{path}: {why}')


@contextlib.contextmanager
def new(name: str) -> Iterator[IO[bytes]]:
    """Yield a new file for its owner alone; if interrupted, none is left.

    :raises ConfigError: it exists, or cannot be written.
    """
    path = pathlib.Path(name)
    aside = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with os.fdopen(create(aside), 'wb') as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.link(aside, path)
    except OSError as error:
        raise ConfigError(f'{name}: {error.strerror}') from None
    finally:
        aside.unlink(missing_ok=True)
