"""What the demo keeps in its directory: two databases, keys, settings."""

from importlib import metadata
import os
from pathlib import Path
import shutil
import sqlite3
import string
import subprocess
import sys

TEMPLATES = Path(__file__).parent / 'templates'
PROGRAMS = Path(sys.executable).parent
# Root must name an owner of the keys; an empty name stands for itself.
OWNER = ('--keystone-user=', '--keystone-group=')


def prepare(place: Path, port: int) -> None:
    """Leave in place all that the server needs, for this port.

    :raises SystemExit: a step failed, or place holds something else.
    """
    if not stamp(place).exists():
        make(place, port)
    configure(place)
    if stamp(place).read_text() != wanted(port):
        set_up(place, port)
    run(place, 'keymw-manage', 'db', 'sync')


def make(place: Path, port: int) -> None:
    if place.exists() and any(place.iterdir()):
        sys.exit(f'{place} was not made by the demo: name another DEMO_DIR.')
    # Renamed when whole: an interrupted start leaves nothing to trip over.
    new = place.with_name(f'{place.name}.unfinished')
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    configure(new)
    set_up(new, port)
    os.replace(new, place)


def configure(place: Path) -> None:
    for name in ('keystone.conf', 'keymw.conf', 'keymw-paste.ini'):
        text = string.Template((TEMPLATES / name).read_text())
        (place / name).write_text(text.substitute(place=place))


def set_up(place: Path, port: int) -> None:
    """Take the steps of an installation; each may be taken again."""
    print('Keystone: database', flush=True)
    run(place, 'keystone-manage', 'db_sync')
    # Readers and the one writer of SQLite do not wait for each other then.
    sqlite3.connect(place / 'keystone.db').execute('PRAGMA journal_mode=WAL')
    print('Keystone: keys', flush=True)
    run(place, 'keystone-manage', 'fernet_setup', *OWNER)
    run(place, 'keystone-manage', 'credential_setup', *OWNER)
    print('Keystone: user admin and catalogue', flush=True)
    bootstrap(place, f'http://127.0.0.1:{port}/v3')
    print('keymw: database and keys', flush=True)
    run(place, 'keymw-manage', 'db', 'sync')
    run(place, 'keymw-manage', 'vault', 'setup')
    stamp(place).write_text(wanted(port))


def bootstrap(place: Path, url: str) -> None:
    run(
        place,
        'keystone-manage',
        'bootstrap',
        *('--bootstrap-username', 'admin', '--bootstrap-password', 'demo'),
        *('--bootstrap-region-id', 'RegionOne'),
        *('--bootstrap-public-url', url, '--bootstrap-internal-url', url),
        *('--bootstrap-admin-url', url),
    )


def run(place: Path, program: str, *words: str) -> None:
    """Run a program of the virtual environment, silent unless it fails."""
    settings = place / f'{program.removesuffix("-manage")}.conf'
    done = subprocess.run(
        [PROGRAMS / program, '--config-file', settings, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f'{done.stdout}\n{program} {words[0]} failed.')


def stamp(place: Path) -> Path:
    return place / 'made-for'


def wanted(port: int) -> str:
    """Say what the catalogue and the tables of Keystone are made for."""
    return f'port {port}, Keystone {metadata.version("keystone")}\n'
