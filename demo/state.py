"""The directory of the demo: two databases, keys and settings."""

from importlib import metadata
import os
from pathlib import Path
import secrets
import shutil
import sqlite3
import string
import subprocess
import sys

TEMPLATES = Path(__file__).parent / 'templates'
PROGRAMS = Path(sys.executable).absolute().parent
# Root must name an owner of the keys; an empty name means root.
OWNER = ('--keystone-user=', '--keystone-group=')


def prepare(place: Path, port: int) -> None:
    """Make the directory with all that the server needs, for this port.

    :raises SystemExit: a step failed, or the place is in other use.
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
    # Renamed when complete: an interrupted start leaves no partial state.
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
    """Run the steps of an installation; each can be repeated."""
    print('Keystone: database', flush=True)
    run(place, 'keystone-manage', 'db_sync')
    # With WAL, readers and the writer of SQLite do not block each other.
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
    # The trusts behind API keys are made for this user, who is nobody's.
    run(
        place,
        'keystone-manage',
        'bootstrap',
        *('--bootstrap-username', 'keymw'),
        *('--bootstrap-password', secrets.token_hex()),
        *('--bootstrap-project-name', 'service'),
    )


def run(place: Path, program: str, *words: str) -> None:
    """Run a program of the virtual environment; print only a failure."""
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
    """Return a text that describes the wanted catalogue and tables."""
    version = metadata.version('keystone')
    return f'port {port}, Keystone {version}, user keymw\n'
