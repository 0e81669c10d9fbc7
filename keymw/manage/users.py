"""The user of the program, and the owners of its files."""

import os
import pathlib
import pwd

from keymw.conf import ConfigError


def caller(program: str) -> str:
    """Return who started the program, for audit lines: user or sudo's."""
    sudo = os.environ.get('SUDO_USER', '')
    return '/'.join(filter(None, (program, name(os.getuid()), sudo)))


def name(uid: int) -> str:
    """Return the name of a uid, or the number if it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def become(wanted: str) -> None:
    """Run as this user from here on.

    :raises ConfigError: there is no such user, or the change is refused.
    """
    try:
        user = pwd.getpwnam(wanted)
    except KeyError:
        raise ConfigError(f'--user: there is no user {wanted}') from None
    if user.pw_uid == os.geteuid():
        return
    if os.geteuid() != 0:
        raise ConfigError(f'--user: only root can run as {wanted}')
    os.initgroups(wanted, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def owner(path: str | os.PathLike[str]) -> int:
    """Return the uid of a file's owner, or of its nearest directory."""
    place = pathlib.Path(path).absolute()
    while True:
        try:
            return place.stat().st_uid
        except OSError:
            if place == place.parent:
                return 0
            place = place.parent


def check_may_make(option: str, path: str | os.PathLike[str]) -> None:
    """Refuse to make, as root, files that the service user cannot use.

    :raises ConfigError: the place belongs to another user.
    """
    whose = owner(path)
    if os.geteuid() == 0 and whose != 0:
        raise ConfigError(
            f'{option}: root would make files in {path} that {name(whose)}, '
            'who owns it, cannot use: give keymw-manage the option '
            f'--user {name(whose)}'
        )


def note() -> str:
    """Return a note about files made by root; empty for other users."""
    if os.geteuid() != 0:
        return ''
    return (
        ' It belongs to root: where the service runs as another user, make '
        'it again with --user.'
    )
