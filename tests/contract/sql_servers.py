"""The promises of the sql driver on any database server, as tests.

The test of a server inherits SqlServerContract, SqlServerGlobalKeysContract,
SqlServerAccessListContract, SqlServerApiKeysContract and
SqlServerUsedNoncesContract, and names by fixtures the server, which every test
may stop, the URL of a database without rows on it, and each statement after
which a transaction must be tried again (passing).
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
from functools import partial
import itertools
import multiprocessing
import pathlib
import threading
import time
from typing import Any
from typing import ClassVar

from alembic import autogenerate
from alembic.runtime import migration
from oslo_config import cfg
import pytest
import sqlalchemy as sa

from keymw import conf as configuration
from keymw.storage import base
from keymw.storage.base import CredentialStore
from keymw.storage.sql import migrate
from keymw.storage.sql import tables
from keymw.storage.sql.access_list import SqlAccessList
from keymw.storage.sql.api_keys import SqlApiKeys
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.database import Database
from keymw.storage.sql.global_keys import SqlGlobalKeys
from keymw.storage.sql.used_nonces import SqlUsedNonces
from tests.contract import access_list
from tests.contract import api_keys
from tests.contract import global_keys
from tests.contract import used_nonces
from tests.contract.access_list import AccessListOutageContract
from tests.contract.access_list import AccessListStoreContract
from tests.contract.api_keys import ApiKeyOutageContract
from tests.contract.api_keys import ApiKeyStoreContract
from tests.contract.credentials import BORN
from tests.contract.credentials import LATER
from tests.contract.credentials import THREADS
from tests.contract.credentials import CredentialOutageContract
from tests.contract.credentials import CredentialStoreContract
from tests.contract.credentials import at_once
from tests.contract.credentials import credential
from tests.contract.global_keys import GlobalKeyOutageContract
from tests.contract.global_keys import GlobalKeyStoreContract
from tests.contract.used_nonces import UsedNonceOutageContract
from tests.contract.used_nonces import UsedNonceStoreContract
from tests.support.deployment import Deployment
from tests.support.servers import Server

# Seconds: less than a store waits for what may pass, which is ten.
SOON = 8.0


def load(home: pathlib.Path, url: str, **options: str) -> cfg.ConfigOpts:
    """The configuration of a keymw whose database has a URL."""
    made = Deployment(home, {'database': {'connection': url, **options}})
    return configuration.load(str(made.conf_file))


def emptied(url: str) -> str:
    """Delete the rows of all tables but the version, and return the URL.

    The tables stay: to make them takes a server longer than most tests.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    names = sa.inspect(engine).get_table_names()
    with engine.begin() as connection:
        for name in names:
            if name != migrate.VERSION_TABLE:
                connection.execute(sa.delete(sa.table(name)))
    return url


def load_nowhere(home: pathlib.Path, url: str) -> cfg.ConfigOpts:
    """The same where nothing listens."""
    nowhere = sa.make_url(url).set(port=1, query={'host': '127.0.0.1:1'})
    return load(home, nowhere.render_as_string(hide_password=False))


def calls(store: CredentialStore) -> dict[str, Callable[[], Any]]:
    """A call of every method of a store."""
    return {
        'check': store.check,
        'get': partial(store.get, 'ann'),
        'find': partial(store.find, 'default', 'ann'),
        'put': partial(store.put, credential('ann')),
        'delete': partial(store.delete, 'nobody'),
        'page': partial(store.page, '', 10),
    }


class Writer:
    """Writes one credential after the other, and records the confirmed."""

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._thread = threading.Thread(target=self._write)
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self.outages = 0

    def _write(self) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            try:
                self._store.put(credential(f'user-{number}'))
            except base.Outage:
                self.outages += 1
                time.sleep(0.05)
            else:
                self.acknowledged.append(f'user-{number}')

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write until the end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def wait_for(self, more: int) -> None:
        """Return when so many more writes were acknowledged."""
        enough = len(self.acknowledged) + more
        deadline = time.monotonic() + 30
        while len(self.acknowledged) < enough:
            assert time.monotonic() < deadline, self.outages
            time.sleep(0.01)


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Fail when the block takes long."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SOON


class _OnServer:
    """A store on a server, and one where nothing listens."""

    driver: ClassVar[type[Any]]

    @pytest.fixture
    def conf(self, tmp_path: pathlib.Path, url: str) -> cfg.ConfigOpts:
        return load(tmp_path / 'keymw', url)

    @pytest.fixture
    def store(self, conf: cfg.ConfigOpts) -> Any:
        migrate.sync(Database(conf))
        return self.driver(conf)

    @pytest.fixture
    def unreachable(self, tmp_path: pathlib.Path, url: str) -> Any:
        return self.driver(load_nowhere(tmp_path / 'nowhere', url))


class SqlServerContract(
    _OnServer, CredentialStoreContract, CredentialOutageContract
):
    """Promises of the sql driver on a server that can be stopped."""

    driver = SqlCredentials

    def test_nul_is_a_letter_like_others(self, store: CredentialStore) -> None:
        rows = [credential(id_) for id_ in ('a', 'a\0', 'a\0b', 'ab')]
        for row in rows:
            store.put(row)
        assert store.page('', 10) == rows
        assert [store.get(row.user_id) for row in rows] == rows
        assert store.find('default', 'name of a\0b') == rows[2]
        assert store.find('default\0', 'name of a\0b') is None

    def test_stopped_server_is_an_outage_until_it_is_back(
        self, conf: cfg.ConfigOpts, store: CredentialStore, server: Server
    ) -> None:
        at_once(*[partial(store.get, 'ann')] * THREADS)
        every = [
            *calls(store).values(),
            *global_keys.calls(SqlGlobalKeys(conf)).values(),
            *access_list.calls(SqlAccessList(conf)).values(),
            *api_keys.calls(SqlApiKeys(conf)),
            *used_nonces.calls(SqlUsedNonces(conf)),
        ]
        with stopped(server):
            for call in every:
                with soon(), pytest.raises(base.Outage) as outage:
                    call()
                assert 'secret' not in str(outage.value)
        for call in every:
            call()

    def test_restart_between_two_calls_is_not_noticed(
        self, store: CredentialStore, server: Server
    ) -> None:
        for call in calls(store).values():
            with stopped(server):
                pass
            call()

    def test_what_was_acknowledged_outlives_kill_9(
        self, store: CredentialStore, server: Server
    ) -> None:
        writer = Writer(store)
        with writer.writing():
            for _ in range(3):
                writer.wait_for(20)
                server.kill()
                time.sleep(0.1)
                server.start()
            writer.wait_for(20)
        found = {row.user_id: row for row in store.page('', 100_000)}
        assert found.keys() >= set(writer.acknowledged)
        assert all(found[id_] == credential(id_) for id_ in found)

    def test_connections_outlive_a_fork(self, store: CredentialStore) -> None:
        store.put(credential('ann'))
        fork = multiprocessing.get_context('fork')
        child = fork.Process(target=store.put, args=[credential('bob')])
        child.start()
        child.join()
        assert child.exitcode == 0
        assert store.page('', 10) == [credential('ann'), credential('bob')]

    def test_writers_who_wait_for_each_other_all_succeed(
        self, store: CredentialStore
    ) -> None:
        # Each takes the name of another, in a circle.
        for turn in range(8):
            rows = [
                credential(
                    f'user-{number}',
                    username=f'{(number + turn) % THREADS}',
                    secret=b'%d' % turn,
                )
                for number in range(THREADS)
            ]
            at_once(*(partial(store.put, row) for row in rows))
            found = store.page('', 100)
            assert [row.secret for row in found] == [b'%d' % turn] * THREADS
            for row in found:
                assert row.username in (None, rows[found.index(row)].username)

    def test_one_name_of_new_users_at_once(
        self, store: CredentialStore
    ) -> None:
        for turn in range(20):
            rows = [
                credential(f'{turn}-{number}', username=f'{turn}')
                for number in range(THREADS)
            ]
            at_once(*(partial(store.put, row) for row in rows))
        named = [row.username for row in store.page('', 1000) if row.username]
        assert sorted(named, key=int) == [str(turn) for turn in range(20)]

    def test_of_two_who_hold_a_name_the_newer_is_found(
        self, conf: cfg.ConfigOpts, store: CredentialStore
    ) -> None:
        rows = [
            credential('ann', username='a', updated_at=BORN),
            credential('bob', username='a', updated_at=LATER),
            credential('cyd', username='a', updated_at=BORN),
        ]
        Database(conf).write(lambda on: [on.execute(_insert(r)) for r in rows])
        assert store.find('default', 'a') == rows[1]
        store.put(rows[0])
        assert store.find('default', 'a') == rows[0]
        named = [row.user_id for row in store.page('', 10) if row.username]
        assert named == ['ann']

    def test_wrong_password_is_one_line_without_it(
        self, tmp_path: pathlib.Path, url: str
    ) -> None:
        bad = load(tmp_path / 'bad', url.replace(':secret@', ':sesame@'))
        with pytest.raises(base.Outage) as outage:
            SqlCredentials(bad).check()
        assert 'sesame' not in str(outage.value)
        assert str(outage.value).startswith('[database] connection: ')
        assert '\n' not in str(outage.value)

    def test_work_is_done_again_as_a_whole(
        self, conf: cfg.ConfigOpts, store: CredentialStore, passing: str
    ) -> None:
        runs = itertools.count()

        def work(connection: sa.Connection) -> int:
            number = next(runs)
            connection.execute(_insert(credential(f'user-{number}')))
            if number < 3:
                connection.exec_driver_sql(passing)
            return number

        assert Database(conf).write(work) == 3
        assert [row.user_id for row in store.page('', 10)] == ['user-3']

    def test_work_is_not_done_again_for_ever(
        self,
        conf: cfg.ConfigOpts,
        store: CredentialStore,
        passing: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr('keymw.storage.sql.database.PATIENCE', 0.5)

        def work(connection: sa.Connection) -> None:
            connection.execute(_insert(credential('ann')))
            connection.exec_driver_sql(passing)

        with soon(), pytest.raises(base.Outage):
            Database(conf).write(work)
        assert store.get('ann') is None

    def test_schema_is_the_one_of_the_models(
        self, conf: cfg.ConfigOpts
    ) -> None:
        database = Database(conf)
        migrate.sync(database)
        assert migrate.current(database) == migrate.head()
        assert database.read(differences) == []

    def test_database_of_the_first_version_is_brought_on(
        self, conf: cfg.ConfigOpts, store: CredentialStore
    ) -> None:
        store.put(credential('ann'))
        database = Database(conf)
        database.change_schema(back_to_first)
        with pytest.raises(base.Outage, match='keymw-manage db sync'):
            store.check()
        migrate.sync(database)
        assert database.read(differences) == []
        assert store.page('', 10) == [credential('ann')]

    def test_sync_by_many_at_once(
        self, conf: cfg.ConfigOpts, store: CredentialStore
    ) -> None:
        Database(conf).change_schema(drop_everything)
        assert sync_at_once([conf] * 4) == [0] * 4
        store.check()
        store.put(credential('ann'))


class SqlServerGlobalKeysContract(
    _OnServer, GlobalKeyStoreContract, GlobalKeyOutageContract
):
    """The same for its global keys."""

    driver = SqlGlobalKeys


class SqlServerAccessListContract(
    _OnServer, AccessListStoreContract, AccessListOutageContract
):
    """The same for its access list."""

    driver = SqlAccessList


class SqlServerApiKeysContract(
    _OnServer, ApiKeyStoreContract, ApiKeyOutageContract
):
    """The same for its API keys."""

    driver = SqlApiKeys


class SqlServerUsedNoncesContract(
    _OnServer, UsedNonceStoreContract, UsedNonceOutageContract
):
    """The same for used nonces."""

    driver = SqlUsedNonces


@contextlib.contextmanager
def stopped(server: Server) -> Iterator[None]:
    """A server is stopped, and then runs again."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def _insert(row: base.Credential) -> sa.Insert:
    return sa.insert(tables.CREDENTIAL).values(dataclasses.asdict(row))


def differences(connection: sa.Connection) -> list[Any]:
    """How the schema differs from the models."""
    context = migration.MigrationContext.configure(
        connection,
        opts={
            'version_table': migrate.VERSION_TABLE,
            'compare_type': True,
            'compare_server_default': True,
        },
    )
    return list(autogenerate.compare_metadata(context, tables.METADATA))


def drop_everything(connection: sa.Connection) -> None:
    """Leave no table in the database."""
    found = sa.MetaData()
    found.reflect(connection)
    found.drop_all(connection)


def back_to_first(connection: sa.Connection) -> None:
    """Reduce the database to that of the first version."""
    for table in reversed(tables.METADATA.sorted_tables):
        if table is not tables.CREDENTIAL:
            table.drop(connection)
    connection.exec_driver_sql("UPDATE keymw_version SET version_num = '0001'")


def sync_at_once(confs: list[cfg.ConfigOpts]) -> list[int | None]:
    """How processes end that make the schema at the same time."""
    fork = multiprocessing.get_context('fork')
    start = fork.Barrier(len(confs))
    processes = [
        fork.Process(target=_sync, args=[conf, start]) for conf in confs
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def _sync(conf: cfg.ConfigOpts, start: Any) -> None:
    start.wait()
    migrate.sync(Database(conf))
