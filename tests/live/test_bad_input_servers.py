"""Bad input over real sockets, through servers that operators use."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import json
import pathlib
import socket
import subprocess
import sys
import threading
from typing import Any
from wsgiref import simple_server

import pytest

from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

# Seconds after which a server that has not answered hangs.
PATIENCE = 60

# As it is by default.
CACHED = {'identity': {'token_cache_ttl': '', 'user_cache_ttl': ''}}

PASTE = """\
[pipeline:main]
pipeline = keymw keystone

[filter:keymw]
use = egg:keymw#keymw
config_file = {keymw}

[app:keystone]
use = egg:keymw#keystone
config_file = {keystone}
"""


@dataclasses.dataclass(frozen=True)
class Reply:
    """The bytes of a server until it closed the connection."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Server:
    """Where one listens."""

    port: int

    def send(self, raw: bytes, *, hang_up: bool = True) -> Reply:
        """Send bytes, say that no more come, and read the response."""
        with socket.create_connection(
            ('127.0.0.1', self.port), timeout=PATIENCE
        ) as line:
            # A server may answer, and be gone, before it has read all.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(raw)
                if hang_up:
                    line.shutdown(socket.SHUT_WR)
            return _parsed(line)

    def ask(
        self,
        method: bytes,
        path: bytes | str,
        headers: dict[str, str],
        body: bytes = b'',
        **more: Any,
    ) -> Reply:
        """Send a request whose path and headers stand as they are."""
        path = path if isinstance(path, bytes) else path.encode()
        lines = [method + b' ' + path + b' HTTP/1.1', b'Host: localhost']
        lines.append(b'Connection: close')
        lines += [f'{k}: {v}'.encode() for k, v in headers.items()]
        return self.send(b'\r\n'.join([*lines, b'', body]), **more)


def _parsed(line: socket.socket) -> Reply:
    with line.makefile('rb') as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while field := stream.readline().strip():
            name, _, value = field.decode('latin-1').partition(':')
            headers[name.lower()] = value.strip()
        length = headers.get('content-length')
        body = stream.read() if length is None else stream.read(int(length))
    return Reply(status, headers, body)


@pytest.fixture(scope='module')
def gunicorn(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> Iterator[Server]:
    """gunicorn before a paste ini, as an operator would start it."""
    home = tmp_path_factory.mktemp('gunicorn')
    made = Deployment(home, CACHED)
    made.set_up()
    ini = home / 'paste.ini'
    ini.write_text(
        PASTE.format(keymw=made.conf_file, keystone=cloud.conf_file)
    )
    with socket.create_server(('127.0.0.1', 0)) as listening:
        started = _gunicorn(ini, listening)
        try:
            yield Server(listening.getsockname()[1])
        finally:
            started.terminate()
            started.wait(PATIENCE)


def _gunicorn(
    ini: pathlib.Path, listening: socket.socket
) -> subprocess.Popen[bytes]:
    number = listening.fileno()
    with (ini.parent / 'gunicorn.log').open('wb') as log:
        return subprocess.Popen(
            [
                *(sys.executable, '-m', 'gunicorn', '--paste', str(ini)),
                *('--bind', f'fd://{number}', '--workers', '1'),
            ],
            pass_fds=[number],
            stdout=log,
            stderr=log,
        )


class Quiet(simple_server.WSGIRequestHandler):
    """Says nothing on standard error."""

    def log_message(self, *_arguments: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope='module')
def wsgiref(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> Iterator[Server]:
    """The server of the standard library, which checks next to nothing."""
    made = Deployment(tmp_path_factory.mktemp('wsgiref'), CACHED)
    made.set_up()
    with simple_server.make_server(
        '127.0.0.1', 0, made.load(cloud.app), handler_class=Quiet
    ) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Server(server.server_port)
        server.shutdown()
        thread.join(PATIENCE)


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    """A user whom no test leaves with a key."""
    return cloud.person()


@pytest.fixture(params=['gunicorn', 'wsgiref'])
def server(request: pytest.FixtureRequest) -> Server:
    """Either of them."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def headers(wire: wires.Wire, cloud: Cloud) -> dict[str, str]:
    return {
        'X-Auth-Token': cloud.admin,
        'Accept': wire.media_type,
        'Content-Type': wire.media_type,
    }


def chunked(body: bytes, size: int = 7) -> bytes:
    """A body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b''.join(
        b'%x\r\n%s\r\n' % (len(part), part) for part in (*parts, b'')
    )


def stored(server: Server, cloud: Cloud, user: Person) -> list[Any]:
    """The list of credentials."""
    token = {'X-Auth-Token': cloud.admin}
    reply = server.ask(b'GET', wires.base(user.id), token)
    assert reply.status == 200
    found: list[Any] = json.loads(reply.body)['credentials']
    return found


PATHS = [wires.base, wires.key]
CHUNKED = {'Transfer-Encoding': 'chunked'}


@pytest.mark.parametrize('path', PATHS)
def test_chunked_body_is_read(
    gunicorn: Server,
    wire: wires.Wire,
    headers: dict[str, str],
    bob: Person,
    path: Callable[[str], str],
) -> None:
    body = wire.write(username=bob.name, apiKey='in chunks' * 2)
    reply = gunicorn.ask(
        b'POST', path(bob.id), headers | CHUNKED, chunked(body)
    )
    assert reply.status in (200, 201)
    assert wire.key(reply) == (bob.name, 'in chunks' * 2)


@pytest.mark.parametrize('path', PATHS)
def test_chunked_body_that_is_too_long(
    gunicorn: Server,
    cloud: Cloud,
    wire: wires.Wire,
    headers: dict[str, str],
    ann: Person,
    path: Callable[[str], str],
) -> None:
    good = wire.write(username=ann.name, apiKey='k' * 16)
    endless = chunked(good + b' ' * 200_000, 4096)[:100_000]
    reply = gunicorn.ask(
        b'POST', path(ann.id), headers | CHUNKED, endless, hang_up=False
    )
    assert reply.status == 413
    assert wire.fault(reply)[:2] == ('overLimit', 413)
    assert stored(gunicorn, cloud, ann) == []


@pytest.mark.parametrize(
    'body',
    [
        b'5\r\n{"RAX\r\nzz\r\n',
        b'-5\r\n{"RAX\r\n0\r\n\r\n',
        b'5\r\n{"R',
        b'ffffffffffffffff\r\n{"RAX\r\n0\r\n\r\n',
        b'',
        b'0\r\n\r\n',
    ],
)
@pytest.mark.parametrize('path', PATHS)
def test_chunks_that_are_none(
    gunicorn: Server,
    cloud: Cloud,
    wire: wires.Wire,
    headers: dict[str, str],
    ann: Person,
    path: Callable[[str], str],
    body: bytes,
) -> None:
    reply = gunicorn.ask(b'POST', path(ann.id), headers | CHUNKED, body)
    assert reply.status == 400
    assert wire.fault(reply)[:2] == ('badRequest', 400)
    assert stored(gunicorn, cloud, ann) == []


@pytest.mark.parametrize('path', PATHS)
def test_body_that_ends_too_early(
    server: Server,
    cloud: Cloud,
    wire: wires.Wire,
    headers: dict[str, str],
    ann: Person,
    path: Callable[[str], str],
) -> None:
    body = wire.write(username=ann.name, apiKey='k' * 16)
    told = {'Content-Length': str(len(body) + 100)}
    reply = server.ask(b'POST', path(ann.id), headers | told, body)
    assert reply.status == 400
    assert wire.fault(reply) == (
        'badRequest',
        400,
        'The request body ends too early.',
    )
    assert stored(server, cloud, ann) == []


@pytest.mark.parametrize('path', PATHS)
def test_body_longer_than_told_is_cut(
    server: Server,
    cloud: Cloud,
    wire: wires.Wire,
    headers: dict[str, str],
    ann: Person,
    path: Callable[[str], str],
) -> None:
    body = wire.write(username=ann.name, apiKey='k' * 16)
    told = {'Content-Length': str(len(body) - 3)}
    reply = server.ask(b'POST', path(ann.id), headers | told, body)
    assert reply.status == 400
    assert wire.fault(reply)[:2] == ('badRequest', 400)
    assert stored(server, cloud, ann) == []


@pytest.mark.parametrize(
    'length', ['x', '-1', '+5', '5 5', '0x5', '9' * 5000, '1e3', '5,5']
)
def test_length_that_is_no_number(
    server: Server,
    cloud: Cloud,
    wire: wires.Wire,
    headers: dict[str, str],
    ann: Person,
    length: str,
) -> None:
    body = wire.write(username=ann.name, apiKey='k' * 16)
    told = {'Content-Length': length}
    reply = server.ask(b'POST', wires.key(ann.id), headers | told, body)
    # gunicorn refuses by itself; what it hands on, keymw refuses.
    assert reply.status in (400, 413)
    assert stored(server, cloud, ann) == []


def test_too_long_a_body_is_not_waited_for(
    server: Server, wire: wires.Wire, headers: dict[str, str], ann: Person
) -> None:
    told = {'Content-Length': '1000000000'}
    for path in PATHS:
        reply = server.ask(
            b'POST', path(ann.id), headers | told, b'{', hang_up=False
        )
        assert reply.status == 413
        assert wire.fault(reply)[0] == 'overLimit'


# The status without a token: 401 where the path is ours, 400 at the gate.
SPELLED = [
    (b'/v2.0/users/u1/OS-KSADM/credentials', 401),
    (b'http://localhost/v2.0/users/u1/OS-KSADM/credentials', 401),
    (b'/v2.0/users/u1/OS-KSADM/credentials?a=%2e%2e', 401),
    # The server decodes this once, to the plain spelling.
    (b'/v2%2e0%2Fusers/u1/OS-KSADM/%63redentials', 401),
    (
        b'/v2.0/users/u1/OS-KSADM/credentials/RAX-KSKEY%3AapiKeyCredentials',
        401,
    ),
    (b'/v2.0/users/u1/OS-KSADM/%2563redentials', 400),
    (b'/v2.0%252Fusers/u1/OS-KSADM/credentials', 400),
    (b'//v2.0/users/u1/OS-KSADM/credentials', 400),
    (b'///v2.0/users/u1/OS-KSADM/credentials', 400),
    (b'/./v2.0/users/u1/OS-KSADM/credentials', 400),
    (b'/v3/../v2.0/users/u1/OS-KSADM/credentials', 400),
    (b'/v3/%2e%2e/v2.0/users/u1/OS-KSADM/credentials', 400),
    (b'/v2.0/users/u1/OS-KSADM/credentials;x', 400),
    (b'/v2.0/users/u1/OS-KSADM/credentials%00', 400),
    (b'/v2.0/users/u1/OS-KSADM/credentials%20', 400),
    (b'/v2.0/users/u1/OS-KSADM%5ccredentials', 400),
    (b'/v2.0\\users/u1/OS-KSADM/credentials', 400),
    # gunicorn refuses this one by itself.
    (b'v2.0/users/u1/OS-KSADM/credentials', 400),
]


@pytest.mark.parametrize(('path', 'status'), SPELLED)
def test_spellings_on_the_wire(
    gunicorn: Server, path: bytes, status: int
) -> None:
    assert gunicorn.ask(b'GET', path, {}).status == status


@pytest.mark.parametrize('start', [b'', b'./', b'../', b'x/../', b'\\', b';/'])
def test_a_path_without_its_slash(wsgiref: Server, start: bytes) -> None:
    path = start + b'v2.0/users/u1/OS-KSADM/credentials'
    reply = wsgiref.ask(b'GET', path, {})
    assert reply.status == 400
    assert json.loads(reply.body).keys() == {'badRequest'}


def test_the_server_still_serves(
    server: Server, cloud: Cloud, ann: Person
) -> None:
    """After all that."""
    assert stored(server, cloud, ann) == []
    reply = server.ask(b'GET', '/v3', {})
    assert json.loads(reply.body)['version']['id'].startswith('v3')
