"""Folders that are slow to make: made once on a machine, then copied."""

from collections.abc import Callable
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile

Make = Callable[[pathlib.Path], None]


def copy(name: str, recipe: str, home: pathlib.Path, make: Make) -> None:
    """Fill home with what make(folder) leaves in an empty folder.

    The recipe is any text on which the content depends: with another one
    the folder is made anew.
    """
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    kept = _cache() / f'{name}-{digest}'
    with kept.with_name(f'{kept.name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make_whole(kept, make)
    shutil.copytree(kept, home, dirs_exist_ok=True)


def _make_whole(kept: pathlib.Path, make: Make) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as place:
        new = pathlib.Path(place) / 'new'
        new.mkdir()
        make(new)
        new.rename(kept)


def _cache() -> pathlib.Path:
    """The folder of the caches of this user, which nobody else can write."""
    place = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    found = pathlib.Path(place) / 'keymw-tests'
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found
