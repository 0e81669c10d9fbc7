"""keymw-manage db: the schema."""

import pathlib
import sqlite3
import stat

import pytest

from tests.support import manage
from tests.support.admin import Office
from tests.support.admin import write
from tests.support.admin import write_schema
from tests.support.deployment import Deployment


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """A configuration, with nothing set up."""
    return Deployment(tmp_path / 'keymw')


def file_of(made: Deployment) -> pathlib.Path:
    return made.home / 'keymw.db'


def versions(found: manage.Result) -> list[str]:
    return found.out.splitlines()


def show(made: Deployment) -> manage.Result:
    return manage.run(made.conf_file, 'db', 'version', '-f', 'value')


def test_sync_makes_a_database_that_others_cannot_read(
    made: Deployment,
) -> None:
    found = manage.run(made.conf_file, 'db', 'sync')
    assert (found.code, found.err) == (0, '')
    for file in made.home.glob('keymw.db*'):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sync_may_be_run_again(made: Deployment) -> None:
    first = manage.run(made.conf_file, 'db', 'sync')
    assert manage.run(made.conf_file, 'db', 'sync') == first


def test_version_tells_what_is_needed_and_makes_nothing(
    made: Deployment,
) -> None:
    found = show(made)
    assert found.code == 1
    assert versions(found)[0] == 'None'
    assert not file_of(made).exists()


def test_version_is_content_after_sync(made: Deployment) -> None:
    manage.run(made.conf_file, 'db', 'sync')
    found = show(made)
    assert (found.code, found.err) == (0, '')
    present, needed = versions(found)
    assert present == needed


def test_a_database_of_a_newer_keymw_is_left_alone(made: Deployment) -> None:
    manage.run(made.conf_file, 'db', 'sync')
    with sqlite3.connect(file_of(made)) as database:
        database.execute("UPDATE keymw_version SET version_num = '9999'")
    assert show(made).code == 1
    failure = manage.run(made.conf_file, 'db', 'sync').failure
    assert '9999' in failure
    assert 'upgrade keymw' in failure


def test_a_folder_that_is_not_there_is_one_line(made: Deployment) -> None:
    missing = made.home / 'missing' / 'keymw.db'
    made.write_conf({'database': {'connection': f'sqlite:///{missing}'}})
    failure = manage.run(made.conf_file, 'db', 'sync').failure
    assert '[database] connection' in failure
    assert str(missing) in failure


def test_a_file_that_is_no_database_is_one_line(made: Deployment) -> None:
    file_of(made).write_text('no database ' * 100)
    for words in (('db', 'sync'), ('db', 'version'), ('credential', 'list')):
        failure = manage.run(made.conf_file, *words).failure
        assert '[database] connection' in failure


def test_a_server_that_is_away_is_one_line_without_its_password(
    made: Deployment,
) -> None:
    pytest.importorskip('pymysql', reason='needs PyMySQL')
    url = 'mysql+pymysql://keymw:hunter2@127.0.0.1:1/keymw'
    made.write_conf({'database': {'connection': url}})
    for words in (('db', 'sync'), ('db', 'version'), ('credential', 'list')):
        failure = manage.run(made.conf_file, *words).failure
        assert '[database] connection' in failure
        assert 'hunter2' not in failure


def test_credentials_wait_for_sync(made: Deployment) -> None:
    for words in (
        ('credential', 'list'),
        ('credential', 'show', 'bob'),
        ('credential', 'delete', 'bob'),
        ('credential', 'reset', 'bob'),
    ):
        failure = manage.run(made.conf_file, *words).failure
        assert 'keymw-manage db sync' in failure
        assert not file_of(made).exists()
    file_of(made).touch(0o600)
    failure = manage.run(made.conf_file, 'credential', 'list').failure
    assert 'keymw-manage db sync' in failure


def test_sync_makes_no_file_through_a_link(made: Deployment) -> None:
    (made.home / 'keymw.db').symlink_to(made.home / 'elsewhere')
    failure = manage.run(made.conf_file, 'db', 'sync').failure
    assert 'keymw.db is a link to nothing' in failure
    assert not (made.home / 'elsewhere').exists()


def test_older_database_without_global_keys_needs_no_vault(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path / 'office')
    conf_file = office.deployment.conf_file
    for table in ('keymw_global_key', 'keymw_access_list'):
        write_schema(office, f'ALTER TABLE {table} DROP COLUMN seal')
    write_schema(office, 'DROP TABLE keymw_used_nonce')
    write(office, "UPDATE keymw_version SET version_num = '0002'")
    office.deployment.write_conf({'storage': {'global_keys': 'memory'}})
    (office.deployment.home / 'vault').rename(tmp_path / 'away')
    found = manage.run(conf_file, 'db', 'sync')
    assert (found.code, found.err) == (0, '')
    assert 'vault' not in found.out
    assert manage.run(conf_file, 'db', 'version').code == 0
