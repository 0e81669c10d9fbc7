"""The sql driver keeps the contract on SQLite, and some more."""

from collections.abc import Iterator
import contextlib
import datetime
from functools import partial
import pathlib
import sqlite3
import time
import traceback

import pytest
import sqlalchemy as sa

from keymw import conf
from keymw.storage import base
from keymw.storage.base import CredentialStore
from keymw.storage.sql import database
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.prepared import Prepared
from keymw.storage.sql.tables import CREDENTIAL
from tests.contract.credentials import ROUNDS
from tests.contract.credentials import THREADS
from tests.contract.credentials import CredentialOutageContract
from tests.contract.credentials import CredentialStoreContract
from tests.contract.credentials import at_once
from tests.contract.credentials import changed
from tests.contract.credentials import credential
from tests.support.deployment import Deployment


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    return Deployment(tmp_path / 'keymw')


@pytest.fixture
def file(made: Deployment) -> pathlib.Path:
    """The file of the database."""
    return made.home / 'keymw.db'


@pytest.fixture
def store(made: Deployment) -> SqlCredentials:
    made.make_database()
    return SqlCredentials(conf.load(str(made.conf_file)))


class TestSqlite(CredentialStoreContract, CredentialOutageContract):
    @pytest.fixture
    def unreachable(
        self, made: Deployment, file: pathlib.Path
    ) -> CredentialStore:
        file.mkdir()
        return SqlCredentials(conf.load(str(made.conf_file)))


def run(file: pathlib.Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_name_is_taken_away_from_all_who_claim_it(
    store: CredentialStore, file: pathlib.Path
) -> None:
    for user_id in ('ann', 'bob', 'cyd'):
        store.put(credential(user_id))
    run(file, "UPDATE keymw_credential SET username = 'a'")
    dan = credential('dan', username='a')
    store.put(dan)
    assert store.find('default', 'a') == dan
    assert [row.username for row in store.page('', 10)] == [None] * 3 + ['a']


def test_database_that_was_never_set_up_says_what_to_do(
    made: Deployment,
) -> None:
    never = SqlCredentials(conf.load(str(made.conf_file)))
    with pytest.raises(base.Outage, match='keymw-manage db sync'):
        never.check()


def test_error_of_the_database_holds_nothing_that_was_written(
    store: CredentialStore, file: pathlib.Path
) -> None:
    row = credential('ann', username='par' + 'rot', secret=b'wr' + b'en')
    store.check()
    run(file, 'ALTER TABLE keymw_credential DROP COLUMN secret')
    with pytest.raises(base.Outage) as outage:
        store.put(row)
    said = ''.join(traceback.format_exception(outage.value))
    assert 'no column named secret' in said
    assert 'parrot' not in said
    assert 'wren' not in said


def test_transaction_that_reads_and_then_writes_waits_its_turn(
    store: CredentialStore, made: Deployment
) -> None:
    db = database.Database(conf.load(str(made.conf_file)))
    store.put(credential('ann', secret=b''))

    def lengthen(connection: sa.Connection) -> None:
        read = sa.select(CREDENTIAL.c.secret)
        longer = connection.execute(read).scalar_one() + b'x'
        connection.execute(sa.update(CREDENTIAL).values(secret=longer))

    for _ in range(ROUNDS):
        at_once(*[partial(db.write, lengthen)] * THREADS)
    found = store.get('ann')
    assert found is not None
    assert len(found.secret) == ROUNDS * THREADS


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a lock only shortly."""
    monkeypatch.setattr('keymw.storage.sql.engine.BUSY_TIMEOUT', 10)


@contextlib.contextmanager
def locked(file: pathlib.Path) -> Iterator[None]:
    """Another process writes."""
    with contextlib.closing(
        sqlite3.connect(file, isolation_level=None)
    ) as other:
        other.execute('BEGIN IMMEDIATE')
        yield
        other.execute('ROLLBACK')


def test_statement_that_fails_on_the_driver_is_run_by_sqlalchemy(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise sqlite3.OperationalError('broken')

    store.put(credential('ann', username='a name'))
    monkeypatch.setattr(Prepared, 'execute', fail)
    store.put(credential('bob', username='a name'), 'a chain')
    assert [row.username for row in store.page('', 10)] == [None, 'a name']
    assert changed(store, 'bob').chain == 'a chain'
    assert store.delete('ann')


@pytest.mark.usefixtures('impatient')
def test_write_that_cannot_wait_longer_is_an_outage(
    store: CredentialStore, file: pathlib.Path
) -> None:
    store.put(credential('ann'))
    with locked(file), pytest.raises(base.Outage):
        store.put(credential('ann', secret=b'new'))
    assert store.get('ann') == credential('ann')
    store.put(credential('ann', secret=b'new'))
    assert store.get('ann') == credential('ann', secret=b'new')


@pytest.mark.usefixtures('impatient')
def test_reads_do_not_wait_for_a_writer(
    store: CredentialStore, file: pathlib.Path
) -> None:
    store.put(credential('ann'))
    with locked(file):
        assert store.get('ann') == credential('ann')
        with pytest.raises(base.Outage):
            store.put(credential('bob'))
        assert store.get('ann') == credential('ann')


def test_slow_commit_is_dated_when_it_is_over(
    store: SqlCredentials,
) -> None:
    """Until then logins had tokens for the former key; chains stay."""
    ends: list[datetime.datetime] = []

    def commit_late(_connection: sa.Connection) -> None:
        time.sleep(1.2 * base.COMMIT.total_seconds())
        ends.append(datetime.datetime.now(datetime.UTC))

    store.put(credential('ann'))
    found = store._db._of_this_process()
    sa.event.listen(found, 'commit', commit_late)
    for change in (
        partial(store.put, credential('ann'), 'a chain'),
        partial(store.delete, 'ann', 'a chain'),
        partial(store.put_all, [credential('ann'), credential('bob')]),
    ):
        ends.clear()
        change()
        # The database knows milliseconds.
        over = ends[0].replace(microsecond=ends[0].microsecond // 1000 * 1000)
        assert changed(store, 'ann').at >= over
        chain = None if change.func == store.put_all else 'a chain'
        assert changed(store, 'ann').chain == chain
