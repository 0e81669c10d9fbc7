"""A secret that goes in anywhere comes out nowhere, whatever fails.

Keys go through every route while each call to the store, the vault and the
identity service fails in turn. Neither a key nor a plain digest of it may be
in a log line of any level, in the audit log or in the metrics.
"""

import base64
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import hashlib
import itertools
from json import dumps
import logging
import pathlib
from typing import Any

import prometheus_client as client
import pytest
import webtest

from bench import identity
from keymw.api_keys import keys
from keymw.identity.transport import Pipeline
from keymw.identity.v3 import V3
from keymw.observe import prometheus
from keymw.storage.base import Outage
from keymw.storage.sql.access_list import SqlAccessList
from keymw.storage.sql.api_keys import SqlApiKeys
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.global_keys import SqlGlobalKeys
from keymw.storage.sql.used_nonces import SqlUsedNonces
from keymw.vault import CannotOpen
from keymw.vault import Vault
from keymw.web import faults
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.admin import OWNER
from tests.support.admin import Key
from tests.support.admin import Office
from tests.support.between import reply
from tests.support.login import WAYS
from tests.support.login import Desk

CANARY = 'canary0123456789abcdefCANARY4711'
BOB = identity.user_id(7)
API_KEY = keys.make('kmw', 'a' * 16, CANARY)
OPTIONS = {
    'kskey': {'serve_v1_1': 'true'},
    'metrics': {'enabled': 'true'},
    'identity': {'api_version': 'v3'},
    'api_keys': {'enabled': 'true'},
}


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, encoded, and its plain digests."""
    raw = secret.encode()
    yield secret
    yield secret[:12]
    yield raw.hex()
    # Base64 depends on where in a text the secret begins.
    for before in range(3):
        text = base64.b64encode(b' ' * before + raw).decode()
        yield text[4:-4]
    for name in ('md5', 'sha1', 'sha256', 'sha512'):
        digest = hashlib.new(name, raw)
        yield digest.hexdigest()[:12]
        yield base64.b64encode(digest.digest()).decode()[:12]


class Lines(logging.Handler):
    """All that is logged, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter())
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(self.format(record))
        # What other formatters could show.
        self.text.append(repr(record.args))


class Strict(identity.Instant):
    """Prepared responses, but none for a key in the place of a token."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get('HTTP_X_SUBJECT_TOKEN') in (CANARY, API_KEY):
            gone = reply(404, {'error': {'code': 404}})
            return gone(environ, start_response)
        return super().__call__(environ, start_response)


@pytest.fixture(scope='module')
def lines() -> Iterator[Lines]:
    made, root = Lines(), logging.getLogger()
    former = root.level
    root.addHandler(made)
    root.setLevel(logging.DEBUG)
    yield made
    root.removeHandler(made)
    root.setLevel(former)


@pytest.fixture(scope='module')
def office(tmp_path_factory: pytest.TempPathFactory, lines: Lines) -> Office:
    """keymw with all families before prepared responses."""
    assert lines is not None
    home = tmp_path_factory.mktemp('canary') / 'keymw'
    return Office(home, Strict(), OPTIONS)


def _failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


DEFECT = RuntimeError('injected')
CALLS: dict[type, tuple[str, ...]] = {
    SqlCredentials: ('get', 'find', 'change', 'now', 'put', 'delete'),
    SqlGlobalKeys: ('get', 'find', 'add', 'page', 'count'),
    SqlAccessList: ('all', 'page', 'used'),
    SqlUsedNonces: ('add',),
    SqlApiKeys: ('get', 'page'),
    Vault: ('open', 'open_decoy', 'seal', 'derived'),
    V3: ('caller', 'user', 'owner', 'issue', 'authenticate', 'roles'),
    Pipeline: ('send',),
}
# How a call fails where it is expected to, beside a defect.
EXPECTED: dict[type, Exception] = {
    SqlCredentials: Outage('injected'),
    SqlGlobalKeys: Outage('injected'),
    SqlApiKeys: Outage('injected'),
    Vault: CannotOpen('injected'),
    V3: faults.Unavailable('injected'),
}
POINTS = [
    (place, name, error)
    for place, names in CALLS.items()
    for name in names
    for error in (DEFECT, EXPECTED.get(place))
    if error is not None and (error is DEFECT or name == names[0])
]


def send_all(
    web: webtest.TestApp,
    owner: Key,
    both: Sequence[wires.Wire] = wires.WIRES,
) -> list[int]:
    """The statuses of requests to every route, each with secrets in it."""
    desk = Desk.__new__(Desk)
    desk.web = web
    admin = {'X-Auth-Token': identity.ADMIN}
    statuses: list[int] = []

    def send(
        method: str,
        path: str,
        more: dict[str, str],
        body: bytes = b'',
    ) -> None:
        answer = web.request(
            path,
            method=method,
            body=body,
            headers=admin | more,
            expect_errors=True,
        )
        statuses.append(answer.status_int)

    for wire in both:
        kind = {'Content-Type': wire.media_type, 'Accept': wire.media_type}
        for body in (
            wire.write(username=BOB, apiKey=CANARY),
            wire.write(username=CANARY, apiKey=CANARY),
            wire.write(username=BOB, apiKey=CANARY)[:-1],
        ):
            send('POST', wires.base(BOB), kind, body)
            send('POST', wires.key(BOB), kind, body)
        send('GET', wires.base(BOB), kind)
        send('GET', wires.key(BOB), kind)
    for way, name in itertools.product(WAYS, (BOB, CANARY)):
        statuses.append(desk.by(way, name, CANARY).status_int)
    send('GET', wires.key(BOB), {'X-Auth-Token': CANARY})
    for method, path in (('GET', KEYS), ('GET', LIST), ('POST', KEYS)):
        made = {'desc': 'new', 'roles': [OWNER]} if method == 'POST' else None
        # The client of the tests wants a challenge first, and may get a 503.
        with contextlib.suppress(webtest.AppError):
            statuses.append(owner.ask(method, path, made).status_int)
        header = f'Digest username="{owner.user}", response="{CANARY}"'
        send(method, path, {'X-Auth-Token': '', 'Authorization': header})
        send(method, path, {'X-Auth-Token': CANARY})
    of_bob = f'/v3/users/{BOB}/api_keys'
    json = {'Content-Type': 'application/json'}
    send('GET', of_bob, {})
    send('GET', f'{of_bob}/{"a" * 16}', {})
    send('PATCH', f'{of_bob}/{API_KEY}', json, b'{"api_key": {}}')
    send('GET', f'/v3/users/{API_KEY}/api_keys', {})
    send('GET', '/v3/api_keys', {'X-Auth-Token': API_KEY})
    send('POST', of_bob, json, f'{{"api_key": {{"{API_KEY}"'.encode())
    key = {'methods': ['api_key'], 'api_key': {'secret': API_KEY}}
    auth = dumps({'auth': {'identity': key}}).encode()
    send('POST', '/v3/auth/tokens', json, auth)
    statuses.append(desk.by('v2.0', BOB, API_KEY).status_int)
    send('DELETE', wires.key(BOB), {})
    return statuses


def secrets_in(text: str, *secrets: str) -> list[str]:
    return [form for s in secrets for form in forms(s) if form in text]


def test_the_test_would_see_a_secret(office: Office) -> None:
    digest = hashlib.sha256(CANARY.encode()).hexdigest()
    inside = base64.b64encode(f'key={CANARY};'.encode()).decode()
    for text in (CANARY, f'x{digest}', inside):
        assert secrets_in(text, CANARY)
    statuses = send_all(office.web, office.owner)
    assert {200, 201, 204, 400, 401} <= set(statuses)
    assert max(statuses) < 500


@pytest.mark.parametrize(
    ('place', 'name', 'error'),
    POINTS,
    ids=lambda value: getattr(value, '__name__', str(value))[:24],
)
def test_no_failure_shows_a_secret(
    office: Office,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    place: type,
    name: str,
    error: Exception,
) -> None:
    if name == 'derived':
        # The start needs it.
        worker = office.deployment.load(office.app)
    monkeypatch.setattr(place, name, _failing(error))
    if name != 'derived':
        worker = office.deployment.load(office.app)
    web = webtest.TestApp(worker, extra_environ={'REMOTE_ADDR': '127.0.0.1'})
    lines.text.clear()
    owner = Key(web, '', office.owner.user, office.owner.password)
    send_all(web, owner, wires.WIRES[: 1 + (error is not DEFECT)])
    metrics = client.generate_latest(prometheus._REGISTRY).decode()
    said = '\n'.join([*lines.text, metrics])
    assert name == 'derived' or 'login: caller' in said
    assert secrets_in(said, CANARY, office.owner.password) == []


def test_secrets_are_in_no_file(office: Office) -> None:
    home: pathlib.Path = office.deployment.home
    for file in home.rglob('*'):
        if file.is_file():
            text = file.read_bytes().decode('latin-1')
            assert secrets_in(text, CANARY, office.owner.password) == [], file
