"""A secret that goes in anywhere comes out nowhere, whatever fails.

Keys go through every route while each call to the store, the vault and the
identity service fails in turn. So do the API keys that keymw itself makes.
Neither a key nor a plain digest of it may be in a log line of any level, in
the audit log or in the metrics.
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
from keymw.identity.trusts import Trusts
from keymw.identity.v3 import V3
from keymw.observe import metrics_prometheus
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
from tests.support.deployment import settle
from tests.support.login import WAYS
from tests.support.login import Desk
from tests.support.trusting import Trusting

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
    yield from digests(secret)


def digests(secret: str) -> Iterator[str]:
    """The beginnings of plain digests of a secret."""
    raw = secret.encode()
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


class Strict(Trusting):
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
    audit = {'audit': {'file': str(home / 'audit.jsonl')}}
    return Office(home, Strict(), OPTIONS | audit)


def _failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        # One that is raised again would add to its traceback each time.
        raise type(error)(*error.args)

    return fail


DEFECT = RuntimeError('injected')
CALLS: dict[type, tuple[str, ...]] = {
    SqlCredentials: ('get', 'find', 'change', 'now', 'put', 'delete'),
    SqlGlobalKeys: ('get', 'find', 'add', 'page', 'count'),
    SqlAccessList: ('all', 'page', 'used'),
    SqlUsedNonces: ('add',),
    SqlApiKeys: ('get', 'page', 'add', 'swap', 'remove', 'used'),
    Vault: ('open', 'open_decoy', 'seal', 'derived'),
    V3: ('caller', 'user', 'owner', 'issue', 'authenticate', 'roles'),
    Trusts: ('create', 'sign_in', 'delete', 'ids', 'trustee'),
    Pipeline: ('send',),
}
# How a call fails where it is expected to, beside a defect.
EXPECTED: dict[type, Exception] = {
    SqlCredentials: Outage('injected'),
    SqlGlobalKeys: Outage('injected'),
    SqlApiKeys: Outage('injected'),
    Vault: CannotOpen('injected'),
    Trusts: faults.Unavailable('injected'),
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
    home: pathlib.Path,
    both: Sequence[wires.Wire] = wires.WIRES,
) -> tuple[list[int], list[str]]:
    """Send requests to every route, each with secrets in it.

    Returns the statuses, and the API keys that were made.
    """
    desk = Desk.__new__(Desk)
    desk.web, desk.home = web, home
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
    settle(home, BOB)
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
    life = list(life_of_a_key(web, desk))
    statuses += [answer.status_int for answer in life]
    return statuses, [
        answer.json['api_key']['secret']
        for answer in life
        if '"secret"' in answer.text
    ]


def life_of_a_key(web: webtest.TestApp, desk: Desk) -> Iterator[Any]:
    """The responses to all that is done with an API key and its secrets."""
    of_bob = f'/v3/users/{BOB}/api_keys'
    bob = {'X-Auth-Token': BOB}

    def send(method: str, path: str, **body: Any) -> Any:
        call = getattr(web, f'{method}_json', None)
        if call is None:
            return web.get(path, headers=bob, expect_errors=True)
        return call(path, body, headers=bob, expect_errors=True)

    made = send('post', of_bob, api_key={'name': 'nightly'})
    yield made
    if made.status_int != 201:
        return
    key = made.json['api_key']
    path, secret = f'{of_bob}/{key["id"]}', key['secret']
    yield send('get', path)
    yield from logins(web, desk, secret)
    for grace in (60, 0):
        rotated = send('post', f'{path}/rotate', grace=grace)
        yield rotated
        if rotated.status_int == 200:
            yield from logins(web, desk, secret)
            secret = rotated.json['api_key']['secret']
        yield from logins(web, desk, secret)
    yield send('patch', path, api_key={'secret': secret})
    yield send('patch', path, api_key={secret: secret})
    yield send('patch', path, api_key={'enabled': False})
    yield send('patch', path, api_key={'enabled': True})
    yield send('post', '/v3/api_keys/revoke', secret=secret)
    yield from logins(web, desk, secret)
    yield send('delete', path)
    yield send('post', '/v3/api_keys/revoke', secret=secret)


def logins(web: webtest.TestApp, desk: Desk, secret: str) -> Iterator[Any]:
    """The responses to a login of v3 and one of v2.0 with an API key."""
    settle(desk.home, BOB)
    key = {'methods': ['api_key'], 'api_key': {'secret': secret}}
    body = {'auth': {'identity': key}}
    yield web.post_json('/v3/auth/tokens', body, expect_errors=True)
    yield desk.by('v2.0', BOB, secret)


def secrets_in(
    text: str, *secrets: str, api_keys: Sequence[str] = ()
) -> list[str]:
    parts = [key.split('_')[2][:32] for key in api_keys]
    sought = [form for s in (*secrets, *parts) for form in forms(s)]
    sought += [digest for key in api_keys for digest in digests(key)]
    return [form for form in sought if form in text]


def said_by(lines: Lines) -> str:
    """All log lines, and the metrics."""
    metrics = client.generate_latest(metrics_prometheus._REGISTRY).decode()
    return '\n'.join([*lines.text, metrics])


def texts_of(home: pathlib.Path) -> list[str]:
    """All files of a deployment: database, audit log and vault."""
    files = [file for file in home.rglob('*') if file.is_file()]
    return [file.read_bytes().decode('latin-1') for file in files]


def test_the_test_would_see_a_secret() -> None:
    digest = hashlib.sha256(CANARY.encode()).hexdigest()
    inside = base64.b64encode(f'key={CANARY};'.encode()).decode()
    for text in (CANARY, f'x{digest}', inside):
        assert secrets_in(text, CANARY)
    whole = hashlib.sha256(API_KEY.encode()).hexdigest()
    for text in (API_KEY, whole, inside):
        assert secrets_in(text, api_keys=[API_KEY])
    assert not secrets_in('a' * 16, api_keys=[API_KEY])


def test_no_secret_is_shown_while_nothing_fails(
    office: Office, lines: Lines
) -> None:
    lines.text.clear()
    home = office.deployment.home
    statuses, made = send_all(office.web, office.owner, home)
    assert {200, 201, 204, 400, 401} <= set(statuses)
    assert max(statuses) < 500
    assert len(made) == 3
    said = said_by(lines)
    assert 'api_key:rotate' in said
    password = office.owner.password
    assert secrets_in(said, CANARY, password, api_keys=made) == []
    written = '\n'.join(texts_of(home))
    assert 'api_key:rotate' in written
    assert secrets_in(written, CANARY, password, api_keys=made) == []


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
    both = wires.WIRES[: 1 + (error is not DEFECT)]
    _, made = send_all(web, owner, office.deployment.home, both)
    said = said_by(lines)
    assert name == 'derived' or 'login: caller' in said
    password = office.owner.password
    assert secrets_in(said, CANARY, password, api_keys=made) == []


def test_secrets_are_in_no_file(office: Office) -> None:
    for text in texts_of(office.deployment.home):
        assert secrets_in(text, CANARY, office.owner.password) == [], text
