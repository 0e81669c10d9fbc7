"""The gate over raw sockets, on each server that operators use.

Each cell of the table is guarded, or no guarded route there either.
"""

from collections.abc import Iterator
import os
import pathlib
import subprocess

import pytest

from tests.live import gate_attacks
from tests.live import gate_servers
from tests.live import gate_spellings
from tests.live import gate_table
from tests.live.gate_attacks import Attack
from tests.live.gate_servers import Answer
from tests.live.gate_servers import Line
from tests.support import lenient
from tests.support import servers
from tests.support.servers import ports

PATHS = (
    ('GET', lenient.CREDENTIALS),
    ('POST', '/v2.0/tokens'),
    ('GET', '/v1.0'),
    ('GET', '/api/public/v1.0/admin/apiKeys'),
    ('GET', '/v3/users/u1/api_keys'),
)
ATTACKS = {
    'Credentials twice, and of two kinds': gate_attacks.CREDENTIAL_ATTACKS,
    'Bodies': gate_attacks.BODY_ATTACKS,
}
MOUNTED = 'SCRIPT_NAME by a header'

Tables = dict[str, gate_table.Cells]


@pytest.fixture(scope='module')
def tables() -> Iterator[Tables]:
    """The cells by group, written to the page if that is wanted."""
    made: Tables = {}
    yield made
    if os.environ.get(gate_table.SWITCH):
        gate_table.write(made.items())


@pytest.fixture(scope='module', params=gate_servers.COMMANDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """keymw with all families on a server."""
    with gate_servers.running(request.param) as found:
        yield found


def ask(line: Line, method: str, target: str, *headers: bytes) -> Answer:
    """The response to one spelling; a POST has the body of a login."""
    body = lenient.LOGIN if method == 'POST' else b''
    return line.send(
        f'{method} {target} HTTP/1.1'.encode('latin-1'),
        b'Content-Type: application/json',
        b'Content-Length: %d' % len(body),
        *headers,
        body=body,
    )


def judged(answer: Answer, direct: Answer) -> str:
    """The cell of a response; direct is that of the application alone."""
    mark = '*' if direct.routers else ''
    if lenient.REACHED in answer.raw:
        return '**REACHED**'
    if answer.giver == 'application':
        return f'passed{mark}'
    if answer.giver == 'keymw':
        word = 'refused' if answer.status == 400 else 'keymw'
        return f'{word}{mark}'
    return f'server{mark}'


def is_good(answer: Answer, cell: str) -> bool:
    """Whether nothing was reached, and keymw did not fail."""
    if 'REACHED' in cell or cell == 'passed*':
        return False
    return answer.giver != 'keymw' or answer.status < 500


def test_every_spelling_is_guarded_or_no_guarded_route(
    line: Line, tables: Tables
) -> None:
    bad, taken = [], 0
    for title, group in gate_spellings.GROUPS.items():
        rows = tables.setdefault(title, {})
        for name, spell in group.items():
            cells = rows.setdefault(name, {}).setdefault(line.name, set())
            for method, path in PATHS:
                target = spell(path)
                answer = ask(line, method, target)
                direct = ask(line, method, target, b'X-Direct: 1')
                cell = judged(answer, direct)
                cells.add(cell)
                taken += cell.endswith('*')
                if not is_good(answer, cell):
                    bad.append((name, target, cell, answer.status))
    assert bad == []
    # The applications do accept guarded routes, in more than one spelling.
    assert taken > 2 * len(PATHS)


def test_no_header_moves_a_guarded_route(line: Line, tables: Tables) -> None:
    bad, rows = [], tables.setdefault(MOUNTED, {})
    for header in gate_spellings.MOUNT_HEADERS:
        for mount in gate_spellings.MOUNTS:
            name = f'{header}: {mount}'
            cells = rows.setdefault(name, {}).setdefault(line.name, set())
            for method, path in PATHS:
                for target in (path, mount + path, mount + mount + path):
                    moved = f'{header}: {mount}'.encode()
                    answer = ask(line, method, target, moved)
                    direct = ask(line, method, target, moved, b'X-Direct: 1')
                    cell = judged(answer, direct)
                    cells.add(cell)
                    if not is_good(answer, cell):
                        bad.append((name, target, cell, answer.status))
    assert bad == []


@pytest.mark.parametrize('title', ATTACKS)
def test_no_trick_of_headers_and_bodies_reaches_a_guarded_route(
    line: Line, tables: Tables, title: str
) -> None:
    bad, rows = [], tables.setdefault(title, {})
    for name, attack in ATTACKS[title].items():
        answer = _sent(line, attack)
        cell = judged(answer, Answer(0, b''))
        rows.setdefault(name, {}).setdefault(line.name, set()).add(cell)
        if not is_good(answer, cell) or not _is_refused(answer):
            bad.append((name, cell, answer.raw[:300]))
    assert bad == []


def _sent(line: Line, attack: Attack) -> Answer:
    return line.send(
        f'{attack.start} HTTP/1.1'.encode(), *attack.headers, body=attack.body
    )


def _is_refused(answer: Answer) -> bool:
    """Whether it is one refusal, without a token."""
    return (
        answer.status not in range(200, 400)
        and answer.raw.count(b'HTTP/1.1 ') <= 1
        and b'x-auth-token:' not in answer.raw.lower()
    )


def test_the_application_would_answer_them() -> None:
    """What the tests above rest on."""
    for method, path in lenient.GUARDED:
        environ = {'REQUEST_METHOD': method, 'PATH_INFO': path}
        assert lenient.accepts(environ)


def test_there_are_enough_spellings() -> None:
    groups = gate_spellings.GROUPS.values()
    spelled = {spell('/v2.0/tokens') for g in groups for spell in g.values()}
    assert len(spelled) > 100


def _chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 5000] for at in range(0, len(body), 5000)]
    return b''.join(b'%x\r\n%s\r\n' % (len(p), p) for p in (*pieces, b''))


LOGIN = b'{"auth": {"identity": {"methods": ["api_key"]}}}'
OTHER = b'{"auth": {"identity": {"methods": ["password"]}}}'


@pytest.mark.parametrize(
    ('body', 'expected'),
    [
        (LOGIN, b'api_key'),
        (OTHER, b'%d bytes' % len(OTHER)),
        (LOGIN + b' ' * 200_000, b'%d bytes' % (len(LOGIN) + 200_000)),
    ],
    ids=['ours', 'theirs', 'too long'],
)
def test_chunked_login_of_v3(line: Line, body: bytes, expected: bytes) -> None:
    answer = line.send(
        b'POST /v3/auth/tokens HTTP/1.1',
        b'Content-Type: application/json',
        b'Transfer-Encoding: chunked',
        body=_chunked(body),
    )
    assert expected in answer.raw


def test_refused_start_ends_uwsgi(tmp_path: pathlib.Path) -> None:
    """Its master would start a worker again after any other status."""
    servers.require('uWSGI', gate_servers.NEEDED['uWSGI'])
    at = f'127.0.0.1:{ports.free()}'
    command = [p.format(at=at) for p in gate_servers.COMMANDS['uWSGI']]
    ended = subprocess.run(
        [*command, '--master', '--lazy-apps', '--no-orphans'],
        cwd=gate_servers.ROOT,
        env=os.environ | {'KEYMW_CONF': str(tmp_path / 'missing.conf')},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 22
    assert ended.stderr.count('keymw cannot start: ') == 1
