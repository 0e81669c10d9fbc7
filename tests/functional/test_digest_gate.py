"""Accepted and refused responses (contract ops-manager, 3)."""

import base64
import gc
import hashlib
import io
import logging
import pathlib
import secrets
from typing import Any

import pytest

from keymw import vault
from keymw.conf import ConfigError
from keymw.global_keys import digest as ours
from keymw.global_keys.replays import LocalReplays
from keymw.storage.base import Outage
from keymw.storage.sql.global_keys import SqlGlobalKeys
from keymw.storage.sql.used_nonces import SqlUsedNonces
from tests.support import digest
from tests.support import pass_through
from tests.support.admin import HOME
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.admin import NOBODY
from tests.support.admin import OWNER
from tests.support.admin import WHITELIST
from tests.support.admin import Office
from tests.support.clock import Clock
from tests.support.deployment import Deployment
from tests.support.pass_through import Wrapped

CHALLENGE = (
    'Digest realm="MMS Public API", domain="", nonce="{nonce}", '
    'algorithm={algorithm}, qop="auth", stale={stale}'
)
REFUSAL = {
    'detail': 'You are not authorized for this resource.',
    'error': 401,
    'reason': 'Unauthorized',
}


@pytest.fixture(scope='module')
def shared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office for tests that leave no trace in it."""
    return Office(tmp_path_factory.mktemp('office'))


def say(
    office: Office, header: str | None, url: str = KEYS, **more: Any
) -> Any:
    """The response to a request with an Authorization header."""
    headers = {} if header is None else {'Authorization': header}
    method = more.pop('method', 'GET')
    web = more.pop('web', office.web)
    return digest.send(web, method, url, headers=headers, **more)


def right(
    office: Office,
    challenge: dict[str, str] | None = None,
    method: str = 'GET',
    uri: str = KEYS,
    **changes: str,
) -> str:
    """An Authorization header of the owner's, but for the changes."""
    challenge = challenge or office.owner.challenge('GET', KEYS)
    user = changes.pop('user', office.owner.user)
    password = changes.pop('password', office.owner.password)
    return digest.answer(challenge, method, uri, user, password, **changes)


def is_refused(answer: Any, *, stale: bool = False) -> bool:
    """Whether it is the one form of a refusal."""
    assert answer.status_int == 401
    assert answer.json == REFUSAL
    assert answer.headers['Content-Type'] == 'application/json'
    told: list[str] = answer.headers.getall('WWW-Authenticate')
    nonce = digest.challenges(answer)[0]['nonce']
    text = str(stale).lower()
    return told == [CHALLENGE.format(nonce=nonce, algorithm='MD5', stale=text)]


# ---- The challenge comes first ----


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'])
@pytest.mark.parametrize(
    'url',
    [
        KEYS,
        f'{KEYS}/',
        f'{KEYS}/roles',
        f'{KEYS}/{NOBODY}',
        f'{KEYS}/a/b',
        f'{LIST}?pageNum=x&%ff',
        f'{WHITELIST}/x',
    ],
)
def test_strangers_are_challenged_whatever_they_ask(
    shared: Office, method: str, url: str
) -> None:
    body = b'{' if method in ('POST', 'PUT') else None
    answer = say(shared, None, url, method=method, body=body)
    if method == 'HEAD':
        assert (answer.status_int, answer.body) == (401, b'')
    else:
        assert is_refused(answer)


def test_body_of_a_stranger_is_read_away_as_far_as_it_is_bounded(
    shared: Office,
) -> None:
    app = shared.deployment.load(shared.app)
    for length, rest in [(1000, 0), (65536, 0), (65537, 65537)]:
        environ = pass_through.environ_of('POST', KEYS, b'x' * length)
        body = environ['wsgi.input']
        answer = pass_through.ask(app, environ)
        assert answer.status == 401
        assert len(body.read()) == rest


@pytest.mark.parametrize('told', ['x', '-1', '9' * 5000, '70000'])
def test_length_that_cannot_be_is_challenged_too(
    shared: Office, told: str
) -> None:
    app = shared.deployment.load(shared.app)
    environ = pass_through.environ_of('POST', KEYS, CONTENT_LENGTH=told)
    answer = pass_through.ask(app, environ)
    assert answer.status == 401


def test_both_algorithms_can_be_offered(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, algorithms='SHA-256, MD5')
    answer = say(office, None)
    found = digest.challenges(answer)
    assert [one['algorithm'] for one in found] == ['MD5', 'SHA-256']
    assert found[0]['nonce'] != found[1]['nonce']
    for one in found:
        assert say(office, right(office, one)).status_int == 200
    mixed = found[0] | {'nonce': found[1]['nonce']}
    assert say(office, right(office, mixed)).status_int == 401


def test_one_algorithm_is_refused_where_it_is_not_offered(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path, algorithms='SHA-256')
    challenge = office.owner.challenge('GET', KEYS)
    assert say(office, right(office, challenge)).status_int == 200
    challenge['algorithm'] = 'MD5'
    assert say(office, right(office, challenge)).status_int == 401


@pytest.mark.parametrize(
    'options',
    [
        {'algorithms': ','},
        {'algorithms': 'MD4'},
        {'nonce_lifetime': '0'},
        {'replays': 'x'},
        {'key_not_found_status': '500'},
        {'role_denied_status': '200'},
        {'public_prefix': 'om'},
    ],
)
def test_settings_that_cannot_be_are_named_at_start(
    tmp_path: pathlib.Path, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError) as told:
        Office(tmp_path, **options)
    name = next(iter(options))
    assert name in str(told.value)
    assert '\n' not in str(told.value)


def test_python_without_md5_is_named_at_start(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = hashlib.new

    def held_to_fips(name: str, *data: Any, **more: Any) -> Any:
        if name == 'md5':
            raise ValueError('disabled for FIPS')
        return new(name, *data, **more)

    monkeypatch.setattr(hashlib, 'new', held_to_fips)
    with pytest.raises(ConfigError, match='no MD5'):
        Office(tmp_path / 'md5')
    monkeypatch.undo()
    # What needs none does without.
    office = Office(tmp_path / 'sha', algorithms='SHA-256')
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, 'new', held_to_fips)
        key = office.key(OWNER)
    assert key.ask('GET', KEYS).status_int == 200


# ---- Responses of all kinds ----


def test_right_answer_is_taken(shared: Office) -> None:
    assert say(shared, right(shared)).status_int == 200


@pytest.mark.parametrize('nc', ['1', '0000000a', 'A', '7fffffff'])
def test_count_is_hashed_as_it_is_written(shared: Office, nc: str) -> None:
    assert say(shared, right(shared, nc=nc)).status_int == 200


def test_empty_probe_and_the_write_after_it(shared: Office) -> None:
    """As curl and the operator do, the latter with nc=1."""
    probe = say(shared, None, method='POST', body=b'')
    challenge = digest.challenges(probe)[0]
    header = right(shared, challenge, 'POST', nc='1')
    answer = say(shared, header, method='POST', body={})
    assert (answer.status_int, answer.json['errorCode']) == (
        400,
        'MISSING_ATTRIBUTE',
    )


WRONG: dict[str, dict[str, Any]] = {
    'password': {'password': 'wrong'},
    'user': {'user': 'aaaaaaaa'},
    'no-user': {'user': ''},
    'user-in-capitals': {'user': 'OWNER'},
    'strange-user': {'user': 'é\x7f'},
    'long-user': {'user': 'a' * 3000},
    'response': {'response': '0' * 32},
    'empty-response': {'response': ''},
    'long-response': {'response': '0' * 33},
    'realm': {'realm': 'MMS'},
    'uri': {'uri': f'{KEYS}/roles'},
    'uri-query': {'uri': f'{KEYS}?pretty=true'},
    'algorithm': {'algorithm': 'SHA-256'},
    'unknown-algorithm': {'algorithm': 'MD5-sess'},
    'username-star': {'username*': "UTF-8''x"},
    'other-cnonce': {'cnonce2': 'x', 'username': 'x'},
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_answer_is_refused(shared: Office, case: str) -> None:
    changes = dict(WRONG[case])
    if changes.get('user') == 'OWNER':
        changes['user'] = shared.owner.user.upper()
    if case == 'username-star':
        header = right(shared).replace('username=', 'username*=')
    else:
        header = right(shared, **changes)
    assert is_refused(say(shared, header.encode().decode('latin-1')))


@pytest.mark.parametrize(
    'header',
    [
        '',
        'Digest',
        'Digest ',
        'Digest x',
        'Digest username="x"',
        f'Basic {base64.b64encode(b"a:b").decode()}',
        'Bearer abc',
        'Digest ' + 'a="b", ' * 1000,
        'Digest ' + '\\"' * 4000,
    ],
)
def test_what_is_no_answer_is_challenged(shared: Office, header: str) -> None:
    assert is_refused(say(shared, header))


def test_basic_with_the_right_key_is_challenged(shared: Office) -> None:
    pair = f'{shared.owner.user}:{shared.owner.password}'.encode()
    header = f'Basic {base64.b64encode(pair).decode()}'
    assert is_refused(say(shared, header))


def test_two_headers_are_refused(shared: Office) -> None:
    """Servers join them by a comma."""
    one, other = right(shared), right(shared)
    for first, second in [(one, other), ('Basic YTpi', one), (one, 'x')]:
        assert is_refused(say(shared, f'{first}, {second}'))
        assert is_refused(say(shared, f'{first},{second}'))


def test_answer_is_for_one_method_and_one_url(shared: Office) -> None:
    url = f'{KEYS}/{shared.owner.id}'
    header = right(shared, None, 'GET', url)
    assert is_refused(say(shared, header, url, method='DELETE'))
    assert is_refused(say(shared, header, f'{KEYS}/{NOBODY}'))
    header = right(shared, None, 'GET', f'{url}?pretty=true')
    assert is_refused(say(shared, header, url))
    assert is_refused(say(shared, header, f'{url}?pretty=false'))
    assert say(shared, header, f'{url}?pretty=true').status_int == 200


def test_uri_without_the_query_reads_and_does_not_write(
    shared: Office,
) -> None:
    """As clients do that take the path of a URL for the whole of it."""
    key = shared.key(OWNER)
    path = f'{KEYS}/{key.id}'
    url = f'{path}?pretty=true'
    for method in ('GET', 'HEAD'):
        header = right(shared, None, method, path)
        assert say(shared, header, url, method=method).status_int == 200
    for method, body in [('PATCH', {'desc': 'new'}), ('DELETE', None)]:
        header = right(shared, None, method, path)
        answer = say(shared, header, url, method=method, body=body)
        assert is_refused(answer)
    header, new = right(shared, None, 'POST'), {'desc': 'n', 'roles': [OWNER]}
    answer = say(shared, header, f'{KEYS}?a=b', method='POST', body=new)
    assert is_refused(answer)
    assert shared.keys.get(key.id) is not None


def test_answer_may_name_the_url_as_proxies_show_it(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path, public_prefix='/om')
    for uri in (KEYS, f'/om{KEYS}', f'http://om.example/om{KEYS}'):
        assert say(office, right(office, uri=uri)).status_int == 200
    assert is_refused(say(office, right(office, uri=f'/mo{KEYS}')))
    found = say(office, right(office)).json
    assert found['links'][0]['href'].startswith(f'http://localhost/om{KEYS}?')


def test_nothing_tells_a_wrong_key_from_an_unknown_one(
    shared: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[str] = []

    def watch(place: Any, name: str) -> None:
        done = getattr(place, name)

        def noted(*about: Any) -> Any:
            work.append(name)
            return done(*about)

        monkeypatch.setattr(place, name, noted)

    watch(vault.Vault, 'open')
    watch(SqlGlobalKeys, 'find')
    watch(ours, 'is_right')
    told: list[Any] = []
    cases: list[dict[str, Any]] = [{'password': 'wrong'}, {'user': 'aaaaaaaa'}]
    for changes in cases:
        answer = say(shared, right(shared, **changes))
        assert is_refused(answer)
        nonce = digest.challenges(answer)[0]['nonce']
        skip = ('X-Openstack-Request-Id',)
        told.append(
            [
                (name, value.replace(nonce, ''))
                for name, value in answer.headers.items()
                if name not in skip
            ]
        )
        told.append(work[:])
        work.clear()
    assert told[:2] == told[2:]
    assert told[1] == ['find', 'open', 'is_right']


@pytest.mark.parametrize('user', ['', 'é', 'a\x7fb', 'a b', 'a' * 65])
def test_store_is_not_asked_for_what_no_public_key_can_be(
    shared: Office, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    def fail(*_: Any) -> None:
        raise Outage('no such text can be looked for')

    header = right(shared, user=user).encode().decode('latin-1')
    monkeypatch.setattr(SqlGlobalKeys, 'find', fail)
    assert is_refused(say(shared, header))


# ---- Nonces ----


def test_nonce_that_is_forged_is_refused(shared: Office) -> None:
    challenge = shared.owner.challenge('GET', KEYS)
    nonce = challenge['nonce']
    raw = bytearray.fromhex(nonce)
    forged = []
    for place in (0, 7, 8, 15, 16, 47):
        changed = bytearray(raw)
        changed[place] ^= 1
        forged.append(changed.hex())
    forged += ['', nonce[:-1], nonce[:-4], nonce + 'A', f'{nonce}AAAA']
    forged += ['x', secrets.token_hex(48)]
    for other in forged:
        header = right(shared, challenge | {'nonce': other})
        assert is_refused(say(shared, header)), other


def test_nonce_of_another_deployment_is_refused(
    shared: Office, tmp_path: pathlib.Path
) -> None:
    foreign = Office(tmp_path).owner.challenge('GET', KEYS)
    assert is_refused(say(shared, right(shared, foreign)))


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    # The record of responses begins now, by another clock.
    made.advance(5)
    return made


def test_nonce_is_stale_after_its_lifetime(
    tmp_path: pathlib.Path, clock: Clock
) -> None:
    office = Office(tmp_path, clock=clock, nonce_lifetime='60')
    challenge = office.owner.challenge('GET', KEYS)
    clock.advance(60)
    assert say(office, right(office, challenge)).status_int == 200
    clock.advance(1)
    late = right(office, challenge, nc='00000002')
    answer = say(office, late)
    assert is_refused(answer, stale=True)
    again = right(office, digest.challenges(answer)[0])
    assert say(office, again).status_int == 200
    wrong = right(office, challenge, password='wrong', nc='00000003')
    assert is_refused(say(office, wrong))


def test_answer_is_taken_once(shared: Office) -> None:
    challenge = shared.owner.challenge('GET', KEYS)
    header = right(shared, challenge)
    assert say(shared, header).status_int == 200
    assert is_refused(say(shared, header))
    # Another count, in any order, is another response.
    for nc in ('00000009', '00000003'):
        header = right(shared, challenge, nc=nc)
        assert say(shared, header).status_int == 200
    # The same number, written otherwise, is not.
    assert is_refused(say(shared, right(shared, challenge, nc='3')))


def test_wrong_answer_uses_up_nothing(shared: Office) -> None:
    challenge = shared.owner.challenge('GET', KEYS)
    wrong = right(shared, challenge, password='wrong')
    assert is_refused(say(shared, wrong))
    assert say(shared, right(shared, challenge)).status_int == 200


def test_all_workers_know_the_nonces_and_the_keys(shared: Office) -> None:
    challenge = shared.owner.challenge('GET', KEYS)
    other = shared.another_worker()
    # It is younger than the nonce, and cannot know its uses.
    answer = say(shared, right(shared, challenge), web=other)
    assert is_refused(answer, stale=True)
    challenge = digest.challenges(answer)[0]
    assert say(shared, right(shared, challenge)).status_int == 200
    challenge = shared.owner.challenge('GET', KEYS)
    header = right(shared, challenge)
    assert say(shared, header, web=other).status_int == 200
    gone = shared.key(OWNER)
    assert gone.ask('GET', KEYS).status_int == 200
    shared.owner.ask('DELETE', f'{KEYS}/{gone.id}')
    for web in (shared.web, other):
        gone.web = web
        assert is_refused(gone.ask('GET', KEYS))


@pytest.mark.parametrize('method', ['POST', 'PATCH', 'DELETE'])
def test_captured_write_is_done_once_whichever_worker_it_is_sent_to(
    tmp_path: pathlib.Path, method: str
) -> None:
    office = Office(tmp_path)
    workers = [office.web, *(office.another_worker() for _ in range(2))]
    target = office.key(OWNER).id
    url = KEYS if method == 'POST' else f'{KEYS}/{target}'
    # By the challenge of another worker, and older than one of them.
    challenge = office.owner.challenge(method, url)
    workers.append(office.another_worker())
    captured = right(office, challenge, method, url)
    before = office.keys.count()
    answers = [
        say(
            office,
            captured,
            url,
            method=method,
            body={'desc': f'number {n}', 'roles': [OWNER]},
            web=workers[-1 - n % len(workers)],
        )
        for n in range(12)
    ]
    assert answers[0].status_int in (200, 204)
    assert all(map(is_refused, answers[1:]))
    change = {'POST': 1, 'PATCH': 0, 'DELETE': -1}[method]
    assert office.keys.count() == before + change
    if method == 'PATCH':
        assert office.owner.ask('GET', url).json['desc'] == 'number 0'


def test_write_that_cannot_be_remembered_is_an_outage(
    shared: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise Outage('the database is away')

    monkeypatch.setattr(SqlUsedNonces, 'add', fail)
    before = shared.keys.count()
    header = right(shared, method='POST')
    body = {'desc': 'new', 'roles': [OWNER]}
    answer = say(shared, header, method='POST', body=body)
    assert answer.status_int == 503
    assert answer.headers['Retry-After'].isdigit()
    assert shared.keys.count() == before
    assert say(shared, right(shared)).status_int == 200


def test_rotation_of_the_sealing_keys_breaks_no_answer(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path)
    repository = office.conf.vault.key_repository
    before = office.owner.challenge('GET', KEYS)
    vault.rotate(repository)
    assert say(office, right(office, before)).status_int == 200
    after = office.owner.challenge('GET', KEYS)
    assert say(office, right(office, after)).status_int == 200


def test_nodes_rotate_one_after_the_other(tmp_path: pathlib.Path) -> None:
    """A node that has rotated, and one that has only the keys of before."""
    made = Deployment(tmp_path / 'vault')
    made.set_up()
    repository = tmp_path / 'vault' / 'vault'
    copy = tmp_path / 'copy'
    copy.mkdir(mode=0o700)
    for file in repository.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
        (copy / file.name).chmod(0o600)
    vault.rotate(str(repository))
    new, old = vault.load(str(repository)), vault.load(str(copy))
    first = new.derived('x')[0], old.derived('x')[0]
    assert first[0] != first[1]
    assert first[0] in old.derived('x')
    assert first[1] in new.derived('x')
    assert new.derived('x') != new.derived('y')
    assert all(len(secret) == 32 for secret in new.derived('x'))


@pytest.mark.parametrize('name', ['begin', 'remember'])
def test_answers_that_cannot_be_remembered_are_an_outage(
    shared: Office, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: Any) -> None:
        raise Outage('the memory is away')

    header = right(shared) if name == 'remember' else None
    monkeypatch.setattr(LocalReplays, name, fail)
    answer = say(shared, header)
    assert answer.status_int == 503
    assert answer.json['errorCode'] == 'UNEXPECTED_ERROR'
    assert answer.headers['Retry-After'].isdigit()
    assert 'WWW-Authenticate' not in answer.headers


# ---- Many ----


def test_thousands_of_wrong_answers_leave_nothing_behind(
    shared: Office, caplog: pytest.LogCaptureFixture
) -> None:
    app = shared.deployment.load(shared.app)
    challenge = shared.owner.challenge('GET', KEYS)

    def guess(number: int) -> int:
        header = right(
            shared,
            challenge,
            user=(shared.owner.user, f'u{number:07}')[number % 2],
            password=f'guess {number}',
            nc=f'{number:08x}',
        )
        environ = pass_through.environ_of(
            'GET', KEYS, HTTP_AUTHORIZATION=header
        )
        environ['wsgi.errors'] = io.StringIO()
        return pass_through.ask(app, environ).status

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    # The lines themselves are kept, by pytest.
    caplog.set_level(logging.CRITICAL)
    assert {guess(number) for number in range(1, 500)} == {401}
    before = objects()
    assert {guess(number) for number in range(500, 2500)} == {401}
    # One object for each guess would be 2,000.
    assert objects() - before < 500
    assert say(shared, right(shared, challenge)).status_int == 200


# ---- Attempts to get round it ----


def test_headers_cannot_name_an_address(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=('10.0.0.0/8',))
    environ = {
        'HTTP_X_REAL_IP': '10.0.0.1',
        'HTTP_FORWARDED': 'for=10.0.0.1',
        'HTTP_REMOTE_ADDR': '10.0.0.1',
        'HTTP_X_FORWARDED_FOR': '10.0.0.1',
    }
    answer = office.owner.ask('GET', KEYS, environ=environ)
    assert answer.json['parameters'] == [HOME]


def test_methods_cannot_be_named_by_a_header(shared: Office) -> None:
    headers = {'X-HTTP-Method-Override': 'DELETE'}
    url = f'{KEYS}/{shared.owner.id}'
    assert shared.owner.ask('GET', url, headers=headers).status_int == 200


def test_what_passes_keeps_its_authorization(tmp_path: pathlib.Path) -> None:
    wrapped = Wrapped(Content_Type='text/plain')
    office = Office(tmp_path, wrapped)
    say(office, 'Digest x', '/v3/users')
    assert wrapped.environs[-1]['HTTP_AUTHORIZATION'] == 'Digest x'
