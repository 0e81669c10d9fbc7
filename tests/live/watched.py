"""keymw before an identity service with prepared responses, on gunicorn."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import json
import os
import pathlib
import subprocess
import sys
from typing import Any
import urllib.error
import urllib.request

from bench import identity
from tests.support import servers
from tests.support import wire as wires
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.servers import ports

ROOT = pathlib.Path(__file__).parents[2]
KEY = '0123456789abcdef' * 2
_SERVED = """
[pipeline:main]
pipeline = health keymw service
[filter:health]
use = egg:keymw#health
detailed = true
[filter:keymw]
use = egg:keymw#keymw
config_file = {conf}
[app:service]
paste.app_factory = tests.live.watched:service
[app:metrics]
use = egg:keymw#metrics
config_file = {conf}
"""


def service(_global_conf: Any) -> identity.Instant:
    """The identity service, for a paste ini."""
    return identity.Instant()


class Node:
    """A server of keymw that was set up from files."""

    def __init__(self, home: pathlib.Path, options: Options) -> None:
        self.made = Deployment(home, {**options})
        self.made.set_up()
        self.port = ports.free()
        self.ini = home / 'served.ini'
        self.ini.write_text(_SERVED.format(conf=self.made.conf_file))

    def send(
        self, method: str, path: str, body: object = None, token: str = ''
    ) -> tuple[int, bytes]:
        """The status and body of a response; 0 if there is none."""
        headers = {'X-Auth-Token': token} if token else {}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers['Content-Type'] = 'application/json'
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}{path}', data, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()
        except OSError:
            return 0, b''

    def add(self, number: int) -> int:
        """The status of a response to giving a user a key."""
        id_ = identity.user_id(number)
        body = {wires.ROOT: {'username': id_, 'apiKey': KEY}}
        token = identity.ADMIN
        return self.send('POST', wires.base(id_), body, token)[0]

    def show(self, number: int) -> int:
        """The status of a response to showing a key."""
        token = identity.ADMIN
        return self.send(
            'GET', wires.key(identity.user_id(number)), token=token
        )[0]

    def sign_in(self, number: int, key: str = KEY) -> int:
        """The status of a response to a login."""
        credentials = {'username': identity.user_id(number), 'apiKey': key}
        tenant = identity.PROJECT['id']
        auth = {wires.ROOT: credentials, 'tenantId': tenant}
        return self.send('POST', '/v2.0/tokens', {'auth': auth})[0]

    @contextlib.contextmanager
    def served(
        self, *arguments: str, app: str = 'main', **environ: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Serve an application of the ini until the end of the block."""
        log = self.made.home / f'{app}.log'
        command = [sys.executable, '-m', 'gunicorn', *arguments]
        command += ['--paste', f'{self.ini}#{app}']
        command += ['--bind', f'127.0.0.1:{self.port}']
        with log.open('ab') as stream:
            started = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | environ,
                stdout=stream,
                stderr=stream,
            )
        try:
            servers.until(
                lambda: self.send('GET', '/healthz')[0] == 200,
                lambda: log.read_text()[-3000:],
            )
            yield started
        finally:
            started.terminate()
            started.wait(30)
