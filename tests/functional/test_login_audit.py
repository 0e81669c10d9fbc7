"""The audit line of a login: who tried, from where, how, and why it failed."""

from collections.abc import Callable
import logging
import pathlib
import re
from typing import Any
import uuid

import pytest

from tests.support import manage
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Options
from tests.support.login import JSON
from tests.support.login import V1_1
from tests.support.login import WAYS
from tests.support.login import Desk
from tests.support.login import Rewritten

PROXY = '198.51.100.7'
BEHIND = {
    'client_address': {
        'remote_ip_header': 'X-Forwarded-For',
        'trusted_proxies': PROXY,
    }
}
NOWHERE = 'nobody-of-this-name'
WRONG_KEY = 'no-key-of-anybody'
FIELDS = re.compile(
    r'login: caller (?P<caller>\S+), target (?P<target>\S+), '
    r'outcome (?P<outcome>[^,]+), request (?P<request>\S+), '
    r'address (?P<address>\S+), kind (?P<kind>[^,\s]+)'
    r'(, (?P<member>name|id) (?P<name>\S+?))?(, reason (?P<reason>.+))?'
)
by_every_way = pytest.mark.parametrize('way', WAYS)

Lines = Callable[[], list[dict[str, Any]]]
MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(tmp_path: pathlib.Path, cloud: Cloud) -> MakeDesk:
    def make(app: Any = None, **options: dict[str, str]) -> Desk:
        made: Options = {**V1_1, **options}
        return Desk(tmp_path / 'keymw', cloud, made, app)

    return make


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The fields of the audit lines of logins so far."""
    caplog.set_level(logging.DEBUG, 'keymw')

    def find() -> list[dict[str, Any]]:
        said = [
            record.getMessage()
            for record in caplog.records
            if record.name == 'keymw.observe.audit'
            and record.getMessage().startswith('login:')
        ]
        found = [FIELDS.fullmatch(line) for line in said]
        assert all(found), said
        return [match.groupdict() for match in found if match]

    return find


@by_every_way
def test_each_outcome_has_its_reason_in_the_log_alone(
    make_desk: MakeDesk, cloud: Cloud, lines: Lines, way: str
) -> None:
    desk = make_desk()
    ann, off = cloud.person(), cloud.person()
    keys = {person: desk.key_of(person) for person in (ann, off)}
    cloud.change('user', off.id, enabled=False)
    answers = [
        desk.by(way, name, key)
        for name, key in (
            (NOWHERE, WRONG_KEY),
            (ann.name, WRONG_KEY),
            (off.name, WRONG_KEY),
            (off.name, keys[off]),
            (ann.name, keys[ann]),
        )
    ]
    found = lines()
    assert [line['reason'] for line in found] == [
        'unknown name or no key',
        'wrong key',
        'wrong key',
        'the user or the domain is disabled',
        None,
    ]
    kind = way.split()[0]
    assert {(line['kind'], line['member']) for line in found} == {
        (kind, 'name')
    }
    assert len({answer.body for answer in answers[:3]}) == 1
    for line in found:
        if line['reason']:
            assert all(line['reason'] not in answer for answer in answers)


@by_every_way
def test_hash_tells_names_apart_and_shows_nothing(
    make_desk: MakeDesk,
    cloud: Cloud,
    lines: Lines,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    """The name may be a key in the wrong place."""
    desk, ann = make_desk(), cloud.person()
    key = desk.key_of(ann)
    for name, secret in ((ann.name, key), (key, key), (ann.name, WRONG_KEY)):
        desk.by(way, name, secret)
    names = [line['name'] for line in lines()]
    assert names[0] == names[2] != names[1]
    assert all(re.fullmatch('[0-9a-f]{12}', name) for name in names)
    said = '\n'.join(f'{r.getMessage()} {r.args}' for r in caplog.records)
    for hidden in (ann.name, key, WRONG_KEY):
        assert hidden not in said


def test_hash_is_one_of_the_sealing_key(
    make_desk: MakeDesk, lines: Lines
) -> None:
    desk = make_desk()
    desk.by('v2.0', NOWHERE, WRONG_KEY)
    desk.by('v3', NOWHERE, WRONG_KEY)
    manage.run(desk.home / 'keymw.conf', 'vault', 'rotate')
    desk.by('v2.0', NOWHERE, WRONG_KEY)
    first, second, third = (line['name'] for line in lines())
    assert first == second != third


@pytest.mark.parametrize(
    ('form', 'shown'),
    [
        ('cut', '%C3%BC%2C%20...'),
        ('clear', '%C3%BC%2C%20reason%20forged'),
    ],
)
def test_name_is_shown_as_the_option_says(
    make_desk: MakeDesk, lines: Lines, form: str, shown: str
) -> None:
    name = 'ü, reason forged'
    # The bytes of a header, as WSGI has them.
    names = {'v1.0': name.encode().decode('latin-1')}
    desk = make_desk(audit={'login_names': form})
    for way in WAYS:
        desk.by(way, names.get(way, name), WRONG_KEY)
    assert [line['name'] for line in lines()] == [shown] * len(WAYS)


def test_login_by_id_says_so(
    make_desk: MakeDesk, cloud: Cloud, lines: Lines
) -> None:
    desk, ann = make_desk(audit={'login_names': 'clear'}), cloud.person()
    desk.v3({'id': ann.id}, WRONG_KEY)
    (line,) = lines()
    assert (line['kind'], line['member']) == ('v3', 'id')
    assert (line['name'], line['reason']) == (ann.id, 'unknown name or no key')


def test_refused_shape_of_a_password_is_a_reason(
    make_desk: MakeDesk, lines: Lines
) -> None:
    desk = make_desk(kskey={'forward_key_like_passwords': 'false'})
    members = {'username': NOWHERE, 'password': uuid.uuid4().hex}
    body = JSON.auth('passwordCredentials', members)
    assert desk.send(JSON, body).status_int == 401
    (line,) = lines()
    assert line['reason'] == 'a password with the shape of a key'


@by_every_way
def test_reason_of_a_right_key_that_gets_no_token(
    make_desk: MakeDesk, cloud: Cloud, lines: Lines, way: str
) -> None:
    def other(token: dict[str, Any]) -> None:
        if token['user']['id'] == ann.id:
            token['user']['id'] = 'another%\u2028, name'

    ann = cloud.person()
    desk = make_desk(Rewritten(cloud.app, other))
    assert desk.by(way, ann.name, desk.key_of(ann)).status_int == 401
    (line,) = lines()
    assert line['caller'] == ann.id
    assert line['reason'] == (
        'Keystone issued one of user another%25%E2%80%A8, name'
    )


@pytest.mark.parametrize(
    ('peer', 'header', 'shown'),
    [
        ('192.0.2.1', '10.0.0.1', '192.0.2.1'),
        (PROXY, '10.9.9.9, 10.0.0.1', '10.0.0.1'),
        (PROXY, '[2001:db8::9]:567', '2001:db8::9'),
        (PROXY, '10.0.0.1, x y', PROXY),
        ('unix:/a b', '10.0.0.1', 'unix:/a%20b'),
        ('', '10.0.0.1', '-'),
    ],
)
def test_address_is_that_of_the_client(
    make_desk: MakeDesk,
    lines: Lines,
    peer: str,
    header: str,
    shown: str,
) -> None:
    desk = make_desk(**BEHIND)
    desk.web.extra_environ.update(
        {'REMOTE_ADDR': peer, 'HTTP_X_FORWARDED_FOR': header}
    )
    for way in WAYS:
        desk.by(way, NOWHERE, WRONG_KEY)
    assert [line['address'] for line in lines()] == [shown] * len(WAYS)


def test_key_routes_have_the_address_too(
    make_desk: MakeDesk,
    bob: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, 'keymw.observe.audit')
    desk = make_desk(**BEHIND)
    desk.web.extra_environ.update(
        {'REMOTE_ADDR': PROXY, 'HTTP_X_FORWARDED_FOR': '10.0.0.1'}
    )
    desk.key_of(bob)
    assert caplog.messages[-1].endswith(', address 10.0.0.1')


TOO_LONG = JSON.auth(wires.ROOT, {'username': 'x' * 200_000, 'apiKey': 'x'})


@pytest.mark.parametrize(
    ('path', 'body', 'status', 'reason'),
    [
        ('/v2.0/tokens', b'{"auth": ', 400, 'the JSON of the body is not'),
        ('/v2.0/tokens', b'<auth', 400, 'the XML of the body is not'),
        ('/v2.0/tokens', TOO_LONG, 413, 'the body is too long'),
        ('/v2.0/tokens', JSON.auth(wires.ROOT, {}), 400, 'cannot be read'),
        ('/v1.1/auth', b'{"credentials": ', 400, 'cannot be read'),
        ('/v1.1/auth', TOO_LONG, 413, 'the body is too long'),
        (
            '/v3/auth/tokens',
            b'{"auth": {"identity": {"methods": ["api_key"]}}}',
            400,
            'cannot be read',
        ),
    ],
)
def test_login_that_cannot_be_read_has_a_line(
    make_desk: MakeDesk,
    lines: Lines,
    path: str,
    body: bytes,
    status: int,
    reason: str,
) -> None:
    wire = wires.Xml() if body.startswith(b'<') else JSON
    answer = make_desk().send(wire, body, path)
    assert answer.status_int == status
    (line,) = lines()
    assert line['outcome'].startswith(f'{status} ')
    assert line['kind'] == path.split('/')[1]
    assert reason in line['reason']
    assert (line['caller'], line['name']) == ('-', None)


@pytest.mark.parametrize(
    ('media_type', 'body', 'status'),
    [
        ('text/plain', JSON.auth(wires.ROOT, {}), 415),
        ('application/x-www-form-urlencoded', b'auth=x', 415),
        ('application/json', b'{"auth": {"token": 1}}', 400),
    ],
)
def test_v2_0_login_that_may_be_of_a_password_has_a_line(
    make_desk: MakeDesk,
    lines: Lines,
    media_type: str,
    body: bytes,
    status: int,
) -> None:
    make_desk().web.post(
        '/v2.0/tokens', body, {'Content-Type': media_type}, status=status
    )
    (line,) = lines()
    assert line['outcome'].startswith(f'{status} ')
    assert (line['kind'], line['name']) == ('v2.0', None)


def test_v1_0_without_a_key_has_a_line(
    make_desk: MakeDesk, lines: Lines
) -> None:
    make_desk().v1_0(NOWHERE, '')
    (line,) = lines()
    assert (line['kind'], line['name']) == ('v1.0', None)
    assert line['reason'] == 'the login cannot be read'


@by_every_way
def test_outage_of_the_store_is_a_reason(
    make_desk: MakeDesk, cloud: Cloud, lines: Lines, way: str
) -> None:
    desk, ann = make_desk(), cloud.person()
    key = desk.key_of(ann)
    file = desk.home / 'keymw.db'
    file.rename(file.with_name('gone'))
    assert desk.by(way, ann.name, key).status_int == 503
    (line,) = lines()
    assert line['outcome'] == '503 serviceUnavailable'
    assert line['reason'] == 'the key store failed'
