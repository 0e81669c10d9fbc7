"""Upgrade and rollback, as doc/operator/backup.md has them."""

from collections.abc import Iterator
import contextlib
import pathlib
import sqlite3

from alembic import command
import pytest

from keymw import conf
from keymw.storage.sql import migrate
from keymw.storage.sql.database import Database
from tests.support import manage
from tests.support.deployment import Deployment

FORMER = sorted(migrate._known())[:-1]
KEYS = 'user_id,username,apiKey\nann,Ann,0123456789abcdef0123456789abcdef\n'


@contextlib.contextmanager
def at(file: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file)) as to, to:
        yield to


def content(file: pathlib.Path) -> list[str]:
    """All rows; the bytes of a file also tell when its log was merged."""
    with at(file) as to:
        return [*to.iterdump()]


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """keymw with one key, at the newest version."""
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    keys = tmp_path / 'keys.csv'
    keys.write_text(KEYS)
    done = manage.run(found.conf_file, 'credential', 'import', str(keys))
    assert done.code == 0
    return found


def bring_back(made: Deployment, version: str) -> None:
    """Put the key into a database of a former version."""
    file = made.home / 'keymw.db'
    with at(file) as to:
        row = to.execute('SELECT * FROM keymw_credential').fetchone()
    file.unlink()
    loaded = conf.load(str(made.conf_file))
    Database(loaded).change_schema(
        lambda connection: command.upgrade(
            migrate._config(connection), version
        )
    )
    with at(file) as to:
        marks = ','.join('?' * len(row))
        to.execute(f'INSERT INTO keymw_credential VALUES ({marks})', row)


def version(made: Deployment) -> str:
    shown = manage.run(made.conf_file, 'db', 'version', '-f', 'value')
    return shown.out.split('\n')[0]


def key_is_there(made: Deployment) -> bool:
    words = ('credential', 'show', 'ann', '-f', 'value')
    return manage.run(made.conf_file, *words).code == 0


@pytest.mark.parametrize('former', FORMER)
def test_every_former_version_is_upgraded_and_rolled_back(
    made: Deployment, tmp_path: pathlib.Path, former: str
) -> None:
    bring_back(made, former)
    file, backup = made.home / 'keymw.db', tmp_path / 'backup.db'
    with at(file) as to, contextlib.closing(sqlite3.connect(backup)) as copy:
        to.backup(copy)
    assert not key_is_there(made)
    for _ in range(2):
        assert manage.run(made.conf_file, 'db', 'sync').code == 0
    assert version(made).startswith(migrate.head())
    assert key_is_there(made)
    # Back: what the backup holds is the database of the version before.
    for rest in made.home.glob('keymw.db*'):
        rest.unlink()
    with at(backup) as to, contextlib.closing(sqlite3.connect(file)) as copy:
        to.backup(copy)
    assert version(made).startswith(former)
    assert manage.run(made.conf_file, 'db', 'sync').code == 0
    assert key_is_there(made)


def test_a_newer_database_is_refused_and_untouched(made: Deployment) -> None:
    file = made.home / 'keymw.db'
    with at(file) as to:
        to.execute("UPDATE keymw_version SET version_num = '9999'")
    before = content(file)
    for words in (('db', 'sync'), ('credential', 'show', 'ann')):
        assert '9999' in manage.run(made.conf_file, *words).failure
    assert content(file) == before
