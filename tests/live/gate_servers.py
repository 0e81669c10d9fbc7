"""The servers that operators use, each with keymw, which get raw bytes."""

from collections.abc import Iterator
import contextlib
import dataclasses
import os
import pathlib
import shutil
import site
import socket
import subprocess
import sys
import tempfile

import pytest

from tests.support import servers
from tests.support.deployment import Deployment
from tests.support.servers import ports

PATIENCE = 20
# Seconds after which a server is told that no more follows.
SILENCE = 1.5
APP = 'tests.live.gate_application'
ROOT = pathlib.Path(__file__).parent.parent.parent
PYTHON = (sys.executable, '-m')
PLUGIN = 'python{}{}'.format(*sys.version_info)
MOD_WSGI = pathlib.Path('/usr/lib/apache2/modules')
NEEDED = {
    'uWSGI': ('uwsgi', f'{PLUGIN}_plugin.so'),
    'mod_wsgi': ('apache2', 'setpriv'),
}
# What a server with its own standard library needs of this environment.
PLACES = (str(ROOT), *site.getsitepackages())
COMMANDS = {
    'gunicorn': (*PYTHON, 'gunicorn', '--bind', '{at}', f'{APP}:application'),
    'waitress': (
        *(*PYTHON, 'waitress', '--listen', '{at}'),
        *('--channel-timeout', '20', f'{APP}:application'),
    ),
    'uWSGI': (
        *('uwsgi', '--plugin', PLUGIN, '--http-socket', '{at}'),
        *('--need-app', '--die-on-term', '--module', f'{APP}:application'),
        *(f'--pythonpath={place}' for place in PLACES),
    ),
    'uvicorn, a2wsgi': (
        *(*PYTHON, 'uvicorn', '--port', '{port}', f'{APP}:asgi'),
    ),
    'mod_wsgi': ('apache2', '-DFOREGROUND', '-f', '{home}/apache2.conf'),
}
# The settings that let the most spellings through.
APACHE = """
ServerName x
ServerRoot {home}
PidFile {home}/pid
Mutex file:{home} default
ErrorLog {home}/error.log
Listen {at}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
AllowEncodedSlashes On
MergeSlashes Off
WSGIPythonPath {places}
WSGIPassAuthorization On
WSGIChunkedRequest On
WSGIScriptAlias / {home}/gate.wsgi
<Directory {home}>
    Require all granted
</Directory>
"""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response in bytes, and who gave it."""

    status: int
    raw: bytes

    @property
    def giver(self) -> str:
        """Who answered: "application", "keymw" or "server"."""
        head = self.raw.partition(b'\r\n\r\n')[0].lower()
        if b'\r\nx-behind:' in head:
            return 'application'
        if b'\r\nx-openstack-request-id:' in head:
            return 'keymw'
        return 'server'

    @property
    def routers(self) -> str:
        """The routers behind that took the request."""
        _, _, rest = self.raw.partition(b'X-Behind: ')
        if not rest:
            _, _, rest = self.raw.partition(b'x-behind: ')
        found = rest.partition(b'\r')[0].decode()
        return '' if found == 'nobody' else found


class Line:
    """A server that gets raw bytes."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port

    def send(self, *lines: bytes, body: bytes = b'') -> Answer:
        """The response to a request; status 0 where there is none."""
        head = [*lines, b'Host: x', b'Connection: close', b'', body]
        with socket.create_connection(
            ('127.0.0.1', self._port), timeout=PATIENCE
        ) as line:
            with contextlib.suppress(OSError):
                line.sendall(b'\r\n'.join(head))
            raw = b''.join(_pieces(line))
        return Answer(int(raw.split(None, 2)[1]) if raw else 0, raw)

    def listens(self) -> bool:
        """Whether the server responds."""
        try:
            return self.send(b'GET /v3 HTTP/1.1').status == 200
        except OSError:
            return False


def _pieces(line: socket.socket) -> Iterator[bytes]:
    """What a server sends; if that is nothing, it waits for more of us."""
    line.settimeout(SILENCE)
    with contextlib.suppress(ConnectionError, TimeoutError):
        try:
            yield line.recv(65536)
        except TimeoutError:
            line.shutdown(socket.SHUT_WR)
        line.settimeout(PATIENCE)
        while piece := line.recv(65536):
            yield piece


@contextlib.contextmanager
def running(name: str) -> Iterator[Line]:
    """keymw with all families on a server."""
    servers.require(name, NEEDED.get(name, ()))
    home = pathlib.Path(tempfile.mkdtemp(prefix='keymw-gate-'))
    port = ports.free()
    values = {'at': f'127.0.0.1:{port}', 'port': port, 'home': home}
    conf = _set_up(home)
    command = [part.format(**values) for part in COMMANDS[name]]
    if name == 'mod_wsgi':
        command = [*_apache(home, str(values['at'])), *command]
    log = home / 'server.log'
    with log.open('wb') as stream:
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {'KEYMW_CONF': str(conf)},
            stdout=stream,
            stderr=stream,
        )
    try:
        line = Line(name, port)
        servers.until(line.listens, lambda: _said(home), 40)
        yield line
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE)
        finally:
            started.kill()
            shutil.rmtree(home, ignore_errors=True)


def _set_up(home: pathlib.Path) -> pathlib.Path:
    made = Deployment(
        home,
        {
            'kskey': {'serve_v1_1': 'true'},
            'global_keys': {'enabled': 'true'},
            'api_keys': {'enabled': 'true'},
        },
    )
    made.set_up()
    return made.conf_file


def _said(home: pathlib.Path) -> str:
    logs = (home / 'server.log', home / 'error.log')
    return '\n'.join(log.read_text()[-2000:] for log in logs if log.exists())


def _apache(home: pathlib.Path, at: str) -> list[str]:
    """Set up Apache in a folder; what changes to its user, if we are root."""
    if not (MOD_WSGI / 'mod_wsgi.so').exists():
        pytest.skip('mod_wsgi: libapache2-mod-wsgi-py3 is not installed')
    (home / 'apache2.conf').write_text(
        APACHE.format(
            home=home, at=at, modules=MOD_WSGI, places=':'.join(PLACES)
        )
    )
    (home / 'gate.wsgi').write_text(f'from {APP} import application\n')
    if os.getuid() != 0:
        return []
    # Apache does not run applications as root.
    user = 'www-data'
    become = ['setpriv', f'--reuid={user}', f'--regid={user}']
    become += ['--clear-groups']
    readable = subprocess.run([*become, 'test', '-r', __file__], check=False)
    if readable.returncode:
        pytest.skip(f'mod_wsgi: {user} cannot read {ROOT}')
    for path in (home, *home.rglob('*')):
        shutil.chown(path, user, user)
    return become
