"""The demo, started as make demo does, and asked over its port."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
from typing import Any
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent.parent
READY = re.compile(r'keymw is ready on (http://127\.0\.0\.1:\d+)\n')
LAST_LINE = 'Ctrl-C stops it.\n'


class Demo:
    """A demo that serves, and the token of its administrator."""

    def __init__(self, home: pathlib.Path) -> None:
        with socket.create_server(('127.0.0.1', 0)) as probe:
            self.port = probe.getsockname()[1]
        self.home = home
        self.process = start(home, self.port)
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
        assert found is not None, self.printed
        return found[1]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        **headers: str,
    ) -> Any:
        """Status, headers and body of an answer."""
        headers.setdefault('Content-Type', 'application/json')
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={'X-Auth-Token': token or self.token, **headers},
            data=body if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
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


def start(home: pathlib.Path, port: int | str) -> subprocess.Popen[str]:
    """Start the demo in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, 'demo/run.py'],
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
