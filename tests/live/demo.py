"""The demo, started as by make demo, with requests to its port."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
from importlib import metadata
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
from typing import Any
import urllib.error
import urllib.request

from tests.support import ready
from tests.support.servers import ports
from tests.support.servers.memcached import Memcached

ROOT = pathlib.Path(__file__).parent.parent.parent
PROGRAMS = ROOT / 'demo'
READY = re.compile(r'keymw is ready on (http://127\.0\.0\.1:\d+)\n')
LAST_LINE = 'Ctrl-C stops it.\n'
# The port of the demo that others are copied from.
PORT = 5000
# Seconds. The Keystone of the demo caches little, and many wait at once.
PATIENCE = 120
# One cache for all workers: Keystone's requests take half the time.
_CACHE = """backend = dogpile.cache.pymemcache
memcache_servers = 127.0.0.1:{port}
"""


class Demo:
    """A demo that serves, and the token of its administrator."""

    def __init__(
        self,
        home: pathlib.Path,
        programs: pathlib.Path = PROGRAMS,
        prepare: Callable[[pathlib.Path, int], None] | None = None,
        port: int | None = None,
    ) -> None:
        self.port = port or ports.free()
        self.home = home
        self.programs = programs
        if prepare is not None:
            prepare(home, self.port)
        self.process = start(home, self.port, programs)
        self.url = self._wait()
        self.token = self.sign_in('admin', 'admin')

    def _wait(self) -> str:
        lines = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line)
            if line == LAST_LINE:
                break
        self.printed = ''.join(lines)
        found = READY.search(self.printed)
        if found is None:
            raise AssertionError(self.printed + self.process.communicate()[1])
        return found[1]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        **headers: str,
    ) -> Any:
        """Status, headers and body of a response."""
        headers.setdefault('Content-Type', 'application/json')
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={'X-Auth-Token': token or self.token, **headers},
            data=body if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def sign_in(self, name: str, project: str) -> str:
        """A token of a user of the demo, by password."""
        domain = {'id': 'default'}
        user = {'name': name, 'domain': domain, 'password': 'demo'}
        identity = {'methods': ['password'], 'password': {'user': user}}
        scope = {'project': {'name': project, 'domain': domain}}
        answer = self.ask(
            'POST',
            '/v3/auth/tokens',
            {'auth': {'identity': identity, 'scope': scope}},
            token='none',
        )
        assert answer[0] == 201, answer
        return str(answer[1]['X-Subject-Token'])

    def user_id(self, name: str) -> str:
        """The id of a user of the demo."""
        found = json.loads(self.ask('GET', f'/v3/users?name={name}')[2])
        return str(found['users'][0]['id'])

    def stop(self) -> None:
        """Stop it as a terminal that is closed would."""
        self.process.terminate()
        self.process.communicate(timeout=60)

    def workers(self) -> list[int]:
        """The processes below the one we started."""
        return descendants(self.process.pid)


@contextlib.contextmanager
def cached_demo(
    place: pathlib.Path, keymw_conf: str = '', behind: str = ''
) -> Iterator[Demo]:
    """The demo with a cache that its workers share, for tests of clients.

    keymw_conf is written at the end of its keymw.conf; behind has the options
    of a filter between keymw and Keystone. The installation is a copy of one
    that was made before.
    """
    programs = shutil.copytree(PROGRAMS, place / 'demo')
    templates = programs / 'templates'
    with Memcached(megabytes=64) as memcached:
        _share_cache(templates / 'keystone.conf', memcached.port)
        with (templates / 'keymw.conf').open('a') as conf:
            conf.write(keymw_conf)
        if behind:
            _put_behind(templates / 'keymw-paste.ini', behind)
        made = Demo(place / 'state', programs, prepare=copy_installation)
        yield made
        made.stop()


def _share_cache(conf: pathlib.Path, port: int) -> None:
    text = conf.read_text().replace('caching = false', 'caching = true')
    backend = 'backend = oslo_cache.dict\n'
    assert backend in text
    text = text.replace(backend, _CACHE.format(port=port))
    # A hash by default is a quarter of a second for each new user and login.
    cheap = '[identity]\npassword_hash_rounds = 4\n'
    assert '[identity]\n' in text
    conf.write_text(text.replace('[identity]\n', cheap))


def _put_behind(ini: pathlib.Path, options: str) -> None:
    before, after = 'keymw keystone\n', 'keymw behind keystone\n'
    text = ini.read_text()
    assert before in text
    text = text.replace(before, after)
    ini.write_text(f'{text}\n[filter:behind]\n{options}')


def copy_installation(home: pathlib.Path, port: int) -> None:
    """What the first start of a demo makes, for a port."""
    files = sorted(PROGRAMS.rglob('*.*'))
    recipe = [f.read_text() for f in files if f.suffix in ('.py', '.conf')]
    name = f'demo-{metadata.version("keystone")}'
    ready.copy(name, '\n'.join(recipe), home, _install)
    stamp = home / 'made-for'
    stamp.write_text(stamp.read_text().replace(f' {PORT},', f' {port},'))
    with contextlib.closing(sqlite3.connect(home / 'keystone.db')) as rows:
        change = 'UPDATE endpoint SET url = replace(url, ?, ?)'
        rows.execute(change, (f':{PORT}/', f':{port}/'))
        rows.commit()


def _install(home: pathlib.Path) -> None:
    made = home / 'made'
    code = 'import pathlib, state, sys; state.make(pathlib.Path(sys.argv[1]),'
    subprocess.run(
        [sys.executable, '-c', f'{code} {PORT})', made],
        cwd=PROGRAMS,
        check=True,
        stdout=subprocess.PIPE,
    )
    for item in made.iterdir():
        item.rename(home / item.name)
    made.rmdir()


def start(
    home: pathlib.Path, port: int | str, programs: pathlib.Path = PROGRAMS
) -> subprocess.Popen[str]:
    """Start the demo in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, programs / 'run.py'],
        cwd=ROOT,
        env=os.environ | {'DEMO_DIR': str(home), 'PORT': str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def descendants(pid: int) -> list[int]:
    """The ids of the processes below one."""
    children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
    found = [int(child) for child in children.read_text().split()]
    return found + [low for child in found for low in descendants(child)]
