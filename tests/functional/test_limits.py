"""Wrong keys are limited by the address of the client, and by nothing else."""

from collections.abc import Callable
import datetime
import logging
import pathlib
from typing import Any

from lxml import etree
import pytest

from tests.support import digest
from tests.support import manage
from tests.support import schemas
from tests.support.admin import KEYS
from tests.support.admin import Office
from tests.support.clock import Clock
from tests.support.cloud import Cloud
from tests.support.login import JSON
from tests.support.login import V1_1
from tests.support.login import WAYS
from tests.support.login import Desk

LIMIT = 3
FEW = {'failures_per_minute': str(LIMIT)}
ATTACKER, ELSEWHERE = '8.8.8.8', '9.9.9.9'
WRONG_KEY = 'no-key-of-anybody'
STATUS = {'v3': 429}
# What differs from one response to the next.
OWN = ('X-Openstack-Request-Id',)
by_every_way = pytest.mark.parametrize('way', WAYS)

MakeDesk = Callable[..., Desk]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_desk(tmp_path: pathlib.Path, cloud: Cloud, clock: Clock) -> MakeDesk:
    def make(name: str = 'keymw', **options: dict[str, str]) -> Desk:
        made = {**V1_1, 'limits': FEW, **options}
        desk = Desk(tmp_path / name, cloud, made, clock=clock)
        come_from(desk, ATTACKER)
        return desk

    return make


def come_from(desk: Desk, address: str) -> None:
    desk.web.extra_environ['REMOTE_ADDR'] = address


def statuses(
    desk: Desk, name: str, count: int, way: str = 'v2.0'
) -> list[int]:
    """The statuses of so many wrong keys."""
    return [desk.by(way, name, WRONG_KEY).status_int for _ in range(count)]


def seconds_of(answer: Any) -> int:
    """The wait that a refusal names; its headers agree."""
    wait = answer.headers['Retry-After']
    assert answer.headers['RateLimit-Limit'] == str(LIMIT)
    assert answer.headers['RateLimit-Remaining'] == '0'
    assert answer.headers['RateLimit-Reset'] == wait
    assert answer.headers['RateLimit-Policy'] == f'{LIMIT};w=60'
    assert answer.headers['Cache-Control'] == 'no-store'
    return int(wait)


@by_every_way
def test_address_over_the_limit_is_refused_and_the_owner_is_not(
    make_desk: MakeDesk, cloud: Cloud, clock: Clock, way: str
) -> None:
    desk, ann = make_desk(), cloud.person()
    key = desk.key_of(ann)
    assert statuses(desk, ann.name, LIMIT, way) == [401] * LIMIT
    # A right key is not looked at either: no attempt can be told from others.
    refusals = [desk.by(way, ann.name, k) for k in (WRONG_KEY, key)]
    for answer in refusals:
        assert answer.status_int == STATUS.get(way, 413)
        assert seconds_of(answer) == 60
    assert refusals[0].body == refusals[1].body
    come_from(desk, ELSEWHERE)
    accepted = desk.by(way, ann.name, key)
    assert accepted.status_int in (200, 201, 204)
    assert not [h for h in accepted.headers if h.startswith('RateLimit')]
    come_from(desk, ATTACKER)
    clock.advance(60)
    assert desk.by(way, ann.name, key).status_int == accepted.status_int


def test_all_ways_have_one_count(make_desk: MakeDesk) -> None:
    desk = make_desk()
    tried = [desk.by(way, 'nobody', WRONG_KEY).status_int for way in WAYS]
    assert tried == [401, 401, 401, 413, 429]


def test_refusal_says_when_in_each_form(
    make_desk: MakeDesk, clock: Clock
) -> None:
    desk = make_desk()
    statuses(desk, 'nobody', LIMIT)
    clock.advance(20.5)
    end = datetime.datetime.fromtimestamp(clock() + 39.5, datetime.UTC)
    text = f'{end:%Y-%m-%dT%H:%M:%SZ}'
    answers = {way: desk.by(way, 'nobody', WRONG_KEY) for way in WAYS}
    assert {seconds_of(answer) for answer in answers.values()} == {40}
    fault = {
        'code': 413,
        'message': 'OverLimit Retry...',
        'retryAt': text,
        'retryAfter': text,
    }
    assert answers['v2.0'].json == {'overLimit': fault}
    assert answers['v1.1'].json == {'overLimit': fault}
    root = etree.fromstring(answers['v2.0 in XML'].body)
    schemas.schema().assertValid(root)
    assert dict(root.attrib) == {'code': '413', 'retryAt': text}
    assert answers['v1.0'].text == 'OverLimit Retry...\n'
    assert answers['v3'].json['error'] == {
        'code': 429,
        'message': 'OverLimit Retry...',
        'title': 'Too Many Requests',
    }


def test_only_wrong_keys_count(make_desk: MakeDesk, cloud: Cloud) -> None:
    desk, ann = make_desk(), cloud.person()
    key = desk.key_of(ann)
    for _ in range(LIMIT + 1):
        assert desk.by('v2.0', ann.name, key).status_int == 200
        # A right key for a tenant that is closed to its owner.
        refused = desk.sign_in(JSON, ann.name, key, tenantName='admin')
        assert refused.status_int == 401
        assert desk.send(JSON, b'{}').status_int == 400
    assert statuses(desk, ann.name, LIMIT + 1)[-2:] == [401, 413]


@by_every_way
def test_known_and_unknown_names_get_the_same(
    make_desk: MakeDesk, cloud: Cloud, way: str
) -> None:
    """Also at the moment when the limit is reached."""
    ann, seen = cloud.person(), []
    for name in (ann.name, 'nobody-of-this-name'):
        desk = make_desk(name)
        desk.key_of(ann)
        for _ in range(LIMIT + 1):
            answer = desk.by(way, name, WRONG_KEY)
            headers = {k: v for k, v in answer.headers.items() if k not in OWN}
            seen.append((answer.status, headers, answer.body))
    assert seen[: LIMIT + 1] == seen[LIMIT + 1 :]


@pytest.mark.parametrize(
    ('first', 'second', 'is_same'),
    [
        ('2a00:1450::1', '2a00:1450::ffff:0:1', True),
        ('2a00:1450::1', '2a00:1450:0:1::1', False),
        ('::ffff:8.8.8.8', '8.8.8.8', True),
        ('8.8.8.8', '8.8.8.9', False),
    ],
)
def test_network_of_64_bits_is_one_client(
    make_desk: MakeDesk, first: str, second: str, is_same: bool
) -> None:
    desk = make_desk()
    come_from(desk, first)
    statuses(desk, 'nobody', LIMIT)
    come_from(desk, second)
    assert statuses(desk, 'nobody', 1) == [413 if is_same else 401]


PROXY = {
    'remote_ip_header': 'X-Forwarded-For',
    'trusted_proxies': '10.0.0.0/8',
}


@pytest.mark.parametrize(
    ('options', 'address', 'last', 'warns'),
    [
        ({}, '10.0.0.1', 401, True),
        ({}, '127.0.0.1', 401, True),
        ({}, '', 401, True),
        ({}, ATTACKER, 413, True),
        ({'limits': FEW | {'direct_clients': 'true'}}, '10.1.2.3', 413, False),
        ({'client_address': PROXY}, '10.0.0.1', 413, False),
        ({'limits': {'failures_per_minute': '0'}}, ATTACKER, 401, False),
    ],
)
def test_private_addresses_are_limited_where_they_are_clients(
    make_desk: MakeDesk,
    caplog: pytest.LogCaptureFixture,
    options: Any,
    address: str,
    last: int,
    warns: bool,
) -> None:
    desk = make_desk(**options)
    said = [r for r in caplog.records if 'are not limited' in r.getMessage()]
    assert [r.levelname for r in said] == ['WARNING'] * warns
    come_from(desk, address)
    assert statuses(desk, 'nobody', LIMIT + 1)[-1] == last
    report = manage.run(desk.home / 'keymw.conf', 'doctor')
    (line,) = [
        found
        for found in report.out.splitlines()
        if found[8:].startswith('limits: ')
    ]
    assert ('are not limited' in line) == warns
    assert line.startswith('ok')


def test_clients_behind_one_proxy_are_apart(make_desk: MakeDesk) -> None:
    desk = make_desk(client_address=PROXY)
    come_from(desk, '10.0.0.1')
    environ = desk.web.extra_environ
    for address, expected in (('192.0.2.1', 413), ('192.0.2.2', 401)):
        # The left end is the client's own text.
        environ['HTTP_X_FORWARDED_FOR'] = f'1.2.3.4, {address}'
        count = LIMIT + 1 if expected == 413 else 1
        assert statuses(desk, 'nobody', count)[-1] == expected


# ---- HTTP Digest ----


@pytest.fixture
def office(tmp_path: pathlib.Path, clock: Clock) -> Office:
    """Global keys, in requests after the worker began."""
    found = Office(
        tmp_path / 'office',
        options={'limits': FEW},
        clock=clock,
        entries=('0.0.0.0/0',),
    )
    found.web.extra_environ['REMOTE_ADDR'] = ATTACKER
    clock.advance(5)
    return found


def test_wrong_digests_are_refused_with_429(
    office: Office, clock: Clock
) -> None:
    wrong = digest.Client(office.web, office.owner.user, 'x' * 36)
    unknown = digest.Client(office.web, 'abcdefgh', 'x' * 36)
    for client in (wrong, unknown, wrong):
        assert client.ask('GET', KEYS).status_int == 401
    answer = office.web.get(KEYS, expect_errors=True)
    assert answer.status_int == 429
    assert answer.json == {
        'detail': 'Resource apiKeys is limited to 3 failed requests every 1 '
        'minutes.',
        'error': 429,
        'errorCode': 'RATE_LIMITED',
        'parameters': ['apiKeys', '3', '1'],
        'reason': 'Too Many Requests',
    }
    assert seconds_of(answer) == 60
    assert 'WWW-Authenticate' not in answer.headers
    office.web.extra_environ['REMOTE_ADDR'] = ELSEWHERE
    assert office.owner.ask('GET', KEYS).status_int == 200
    office.web.extra_environ['REMOTE_ADDR'] = ATTACKER
    clock.advance(60)
    assert office.owner.ask('GET', KEYS).status_int == 200


def test_challenges_and_late_answers_do_not_count(
    office: Office, clock: Clock
) -> None:
    first = office.owner.challenge('GET', KEYS)
    clock.advance(600)
    late = digest.answer(
        first, 'GET', KEYS, office.owner.user, office.owner.password
    )
    for header in (late, 'Basic dTpw', late, 'Bearer x', late):
        headers = {'Authorization': header}
        answer = digest.send(office.web, 'GET', KEYS, headers=headers)
        assert answer.status_int == 401
    for _ in range(LIMIT):
        assert office.owner.ask('GET', KEYS).status_int == 200


# ---- Counters for all workers ----

GONE = {'redis': 'redis://127.0.0.1:1', 'memcached': 'memcached://127.0.0.1:1'}


@pytest.mark.parametrize('scheme', GONE)
def test_worker_counts_alone_while_the_cache_is_away(
    make_desk: MakeDesk,
    caplog: pytest.LogCaptureFixture,
    scheme: str,
) -> None:
    pytest.importorskip('redis' if scheme == 'redis' else 'pymemcache')
    desk = make_desk(limits=FEW | {'storage': GONE[scheme]})
    caplog.set_level(logging.WARNING, 'keymw.limits')
    assert statuses(desk, 'nobody', LIMIT + 1) == [401] * LIMIT + [413]
    said = [r for r in caplog.records if 'counts alone' in r.getMessage()]
    # One for the addresses, one for the names.
    assert {r.levelname for r in said} == {'WARNING'}
    assert len(said) <= 2


@pytest.mark.parametrize(
    ('place', 'words'),
    [
        ('sql', 'it is not memory://, memcached or Redis'),
        ('memcached://a:1,b:2', 'not one memcached'),
        ('redis://u:hunter2@h:x', 'no URL'),
    ],
)
def test_a_place_that_is_none_stops_the_start(
    make_desk: MakeDesk, place: str, words: str
) -> None:
    with pytest.raises(Exception, match=r'\[limits\] storage: ') as refusal:
        make_desk(limits={'storage': place})
    assert words in str(refusal.value)
    assert 'hunter2' not in str(refusal.value)
