"""Log lines name their own request, and no user of an earlier one."""

from collections.abc import Callable
from collections.abc import Iterator
import io
import json
import logging
import pathlib
from typing import Any

from oslo_context import context
import pytest

from keymw.storage.base import Outage
from keymw.storage.sql.credentials import SqlCredentials
from keymw.storage.sql.global_keys import SqlGlobalKeys
from keymw.vault import Vault
from tests.support import digest
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import Office
from tests.support.cloud import Cloud
from tests.support.cloud import Person

REQUEST_ID = 'X-Openstack-Request-Id'


class Lines(logging.Handler):
    """The request and the user that each line of keymw is logged under."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str | None, str | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        at = context.get_current()
        found = (None, None) if at is None else (at.request_id, at.user_id)
        self.seen.append((record.getMessage(), *found))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What keymw logs on a thread that a service has used before."""
    made, log = Lines(), logging.getLogger('keymw')
    context.RequestContext(request_id='req-before', user_id='before')
    log.addHandler(made)
    log.setLevel(logging.INFO)
    yield made
    log.removeHandler(made)
    log.setLevel(logging.NOTSET)
    del context._request_store.context


@pytest.fixture
def office(tmp_path: pathlib.Path, cloud: Cloud) -> Office:
    """Global keys before a real Keystone, without an access list."""
    return Office(tmp_path / 'office', cloud.app, entries=())


def fail(*_: Any, **__: Any) -> Any:
    raise Outage('the store is away')


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError('nobody has thought of it')


def check(lines: Lines, answer: Any, *users: str) -> None:
    """Whether every line has the id of its request."""
    assert lines.seen
    for text, request_id, user in lines.seen:
        assert request_id == answer.headers[REQUEST_ID], text
        assert user in (None, *users), text


Break = Callable[[pytest.MonkeyPatch], Any]
FAILURES: dict[str, Break] = {
    'nothing': lambda _: None,
    'outage': lambda patch: patch.setattr(SqlGlobalKeys, 'find', fail),
    'defect': lambda patch: patch.setattr(SqlGlobalKeys, 'find', broken),
}


@pytest.mark.parametrize('failure', FAILURES)
def test_lines_of_a_refused_digest_answer(
    office: Office,
    cloud: Cloud,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
) -> None:
    # Keystone leaves the context of its caller on the thread.
    office.web.get('/v3/users', headers={'X-Auth-Token': cloud.admin})
    challenge = office.owner.challenge('GET', KEYS)
    wrong = digest.answer(challenge, 'GET', KEYS, office.owner.user, 'wrong')
    FAILURES[failure](monkeypatch)
    for header in (None, wrong):
        lines.seen.clear()
        headers = {} if header is None else {'Authorization': header}
        check(lines, digest.send(office.web, 'GET', KEYS, headers=headers))


@pytest.mark.parametrize('failure', [fail, broken, None])
def test_lines_of_a_login(
    web: Any,
    bob: Person,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    failure: Any,
) -> None:
    if failure is not None:
        monkeypatch.setattr(SqlCredentials, 'find', failure)
    body = wires.Json().auth(
        wires.ROOT, {'username': bob.name, 'apiKey': 'wrong'}
    )
    answer = web.post(
        '/v2.0/tokens',
        body,
        headers={'Content-Type': 'application/json'},
        expect_errors=True,
    )
    assert answer.status_int >= 400
    check(lines, answer, bob.id)


@pytest.mark.parametrize('failure', ['store', 'vault'])
def test_lines_of_a_key_route(
    web: Any,
    cloud: Cloud,
    bob: Person,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
) -> None:
    if failure == 'store':
        monkeypatch.setattr(SqlCredentials, 'get', fail)
    else:
        monkeypatch.setattr(Vault, 'open', broken)
    headers = {'X-Auth-Token': cloud.admin}
    found = cloud.web.get('/v3/users?name=admin', headers=headers)
    url = wires.key(bob.id)
    web.post(wires.reset(bob.id), headers=headers, expect_errors=True)
    lines.seen.clear()
    answer = web.get(url, headers=headers, expect_errors=True)
    assert answer.status_int in (500, 503)
    check(lines, answer, json.loads(found.body)['users'][0]['id'])


def test_line_of_a_body_that_cannot_be_read(web: Any, lines: Lines) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError('the connection was reset')

    answer = web.request(
        '/v2.0/tokens',
        method='POST',
        headers={'Content-Type': 'application/json'},
        environ={'wsgi.input': Broken(), 'CONTENT_LENGTH': '9'},
        expect_errors=True,
    )
    check(lines, answer)


CLIENTS = 'req-0123abcd-4567-89ab-cdef-0123456789ab'


@pytest.mark.parametrize(
    ('named', 'kept'),
    [
        (CLIENTS, CLIENTS),
        ('req-1', None),
        (f'{CLIENTS} x', None),
        (None, None),
    ],
)
def test_id_of_the_client_is_the_global_one(
    deploy: Callable[..., Any],
    cloud: Cloud,
    lines: Lines,
    named: str | None,
    kept: str | None,
) -> None:
    passed: list[str] = []
    seen: list[str | None] = []

    def app(environ: Any, start_response: Any) -> Any:
        passed.append(environ.get('HTTP_X_OPENSTACK_REQUEST_ID', ''))
        return cloud.app(environ, start_response)

    class Ids(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            at = context.get_current()
            seen.append(at.global_request_id if at else None)

    handler = Ids()
    logging.getLogger('keymw').addHandler(handler)
    web = deploy(app)
    seen.clear()
    lines.seen.clear()
    path = f'/v2.0/users/{cloud.person().id}/OS-KSADM/credentials'
    headers = {'X-Auth-Token': cloud.admin}
    if named is not None:
        headers[REQUEST_ID] = named
    passed.clear()
    answer = web.get(path, headers=headers, expect_errors=True)
    logging.getLogger('keymw').removeHandler(handler)
    own = answer.headers[REQUEST_ID]
    assert own != named
    check(lines, answer, *(user for _, _, user in lines.seen if user))
    assert set(seen) == {kept}
    assert passed
    assert set(passed) == {kept or own}
