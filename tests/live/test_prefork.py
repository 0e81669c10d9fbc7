"""A server that loads keymw once and forks workers, with SQLite."""

from collections.abc import Iterator
from concurrent import futures
import contextlib
import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
from typing import Any
import urllib.request

import pytest

from keymw import conf
from keymw.storage.sql import database
from tests.live import preloaded
from tests.support import wire as wires
from tests.support.deployment import Deployment

WORKERS = 4
THREADS = 8
ROUNDS = 4


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    found = Deployment(
        tmp_path_factory.mktemp('prefork') / 'keymw',
        {'identity': {'api_version': 'v2.0', 'service_user': ''}},
    )
    found.set_up()
    return found


@pytest.fixture(scope='module')
def server(made: Deployment) -> Iterator[str]:
    """Where gunicorn listens that loaded keymw and forked its workers."""
    pytest.importorskip('gunicorn')
    environ = os.environ | {
        'KEYMW_CONF': str(made.conf_file),
        'PYTHONPATH': os.pathsep.join(sys.path),
    }
    command = [sys.executable, '-m', 'gunicorn', '--preload']
    command += ['--workers', str(WORKERS), '--bind', '127.0.0.1:0']
    command += ['tests.live.preloaded:make()']
    with subprocess.Popen(
        command, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        yield _url(process)
        process.send_signal(signal.SIGINT)


def _url(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if 'Listening at: ' in line:
            return line.partition('Listening at: ')[2].split()[0]
    raise AssertionError(''.join(said))


@dataclasses.dataclass(frozen=True)
class Told:
    """The key in a response, and the headers about its worker."""

    key: str
    worker: str
    makers: set[str]


def ask(method: str, server: str, path: str, user_id: str) -> Told:
    request = urllib.request.Request(
        server + path, method=method, headers={'X-Auth-Token': user_id}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return Told(
            json.load(answer)[wires.ROOT]['apiKey'],
            answer.headers['X-Worker'],
            set(answer.headers['X-Makers'].split()),
        )


def test_workers_write_at_once_and_nothing_is_lost(server: str) -> None:
    users = [preloaded.user_id(number) for number in range(preloaded.USERS)]

    def write(user_id: str) -> list[Told]:
        path = wires.reset(user_id)
        return [ask('POST', server, path, user_id) for _ in range(ROUNDS)]

    with futures.ThreadPoolExecutor(THREADS) as threads:
        written = list(threads.map(write, users))
    for user_id, told in zip(users, written, strict=True):
        shown = ask('GET', server, wires.key(user_id), user_id)
        assert shown.key == told[-1].key
    assert len({told.worker for some in written for told in some}) > 1


def test_no_connection_is_shared_with_a_worker(server: str) -> None:
    """The check at the start closes its own before the fork."""
    user_id = preloaded.user_id(0)
    ask('POST', server, wires.reset(user_id), user_id)
    for _ in range(WORKERS):
        told = ask('GET', server, wires.key(user_id), user_id)
        assert told.makers == {told.worker}


def test_one_row_written_at_once_is_whole(
    server: str, made: Deployment
) -> None:
    user_id = preloaded.user_id(1)

    def write(_: int) -> str:
        return ask('POST', server, wires.reset(user_id), user_id).key

    with futures.ThreadPoolExecutor(THREADS) as threads:
        written = list(threads.map(write, range(THREADS * ROUNDS)))
    shown = ask('GET', server, wires.key(user_id), user_id)
    assert shown.key in written
    with contextlib.closing(
        sqlite3.connect(made.home / 'keymw.db')
    ) as connection:
        (count,) = connection.execute(
            'SELECT count(*) FROM keymw_credential WHERE user_id = ?',
            (user_id,),
        ).fetchone()
        (whole,) = connection.execute('PRAGMA integrity_check').fetchone()
    assert (count, whole) == (1, 'ok')


@pytest.mark.parametrize(
    ('pragma', 'value'),
    [('journal_mode', 'wal'), ('synchronous', 2), ('busy_timeout', 10_000)],
)
def test_sqlite_is_set_up_on_every_connection(
    made: Deployment, pragma: str, value: object
) -> None:
    db = database.Database(conf.load(str(made.conf_file)))

    def ask_pragma(connection: Any) -> object:
        row = connection.exec_driver_sql(f'PRAGMA {pragma}').one()
        return row[0]

    assert db.read(ask_pragma) == value
    assert db.write(ask_pragma) == value
