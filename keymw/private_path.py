"""Checks whether other users can replace a directory or file of secrets."""

from collections.abc import Iterator
import os
import pathlib
import pwd
import stat


def trusted(directory: pathlib.Path) -> frozenset[int]:
    """The uids that may own a directory: root and the user of this process.

    If the process runs as root, the common owner of the directory and its
    parent counts as the user of the service.
    """
    user = os.geteuid()
    if user == 0 and directory.exists():
        owner = directory.stat().st_uid
        user = owner if directory.parent.stat().st_uid == owner else user
    return frozenset({0, user})


def why_not_owned(path: pathlib.Path, users: frozenset[int]) -> str | None:
    """The problem with the owner of a path; None: it is one of users."""
    owner = path.stat().st_uid
    if owner in users:
        return None
    return (
        f'is owned by {_name(owner)}, neither root nor the user of this '
        'process: run as the user of the service, and chown it to this user'
    )


def why_replaceable(path: pathlib.Path, users: frozenset[int]) -> str | None:
    """The other users who can replace a path, and the remedy; None: nobody.

    For a link, both its own directory and that of its target are checked. A
    sticky directory is safe: only the owner of a file can replace it.
    """
    for directory in _above(path):
        why = why_not_owned(directory, users) or _why_writable(directory)
        if why is not None:
            return f'lies in {directory}, which {why}'
    return None


def _above(path: pathlib.Path) -> Iterator[pathlib.Path]:
    above = [*path.absolute().parents, *path.resolve().parents]
    return (at for at in dict.fromkeys(above) if at.exists())


def _why_writable(directory: pathlib.Path) -> str | None:
    found = directory.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_ISVTX:
        return None
    if mode & stat.S_IWOTH:
        return f'all users can write (mode {mode:04o}): chmod o-w it'
    if mode & stat.S_IWGRP and not _is_private_group(found):
        return f'its group can write (mode {mode:04o}): chmod g-w it'
    return None


def _is_private_group(found: os.stat_result) -> bool:
    """Whether a group is the owner's private group."""
    try:
        return pwd.getpwuid(found.st_uid).pw_gid == found.st_gid
    except KeyError:
        return False


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f'user {user}'
