"""The access list over HTTP, and its effect (contract ops-manager, 6)."""

from collections.abc import Callable
import pathlib
import threading
import time
from typing import Any

import pytest

from keymw.storage import base
from keymw.storage.sql.access_list import SqlAccessList
from tests.support import digest
from tests.support.admin import HOME
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.admin import NOBODY
from tests.support.admin import OWNER
from tests.support.admin import READER
from tests.support.admin import WHITELIST
from tests.support.admin import Office
from tests.support.admin import told
from tests.support.cloud import Cloud

NEW = {'cidrBlock': '10.0.0.0/8', 'description': 'Office'}


@pytest.fixture(scope='module')
def shared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office for tests that leave no trace in it."""
    return Office(tmp_path_factory.mktemp('office'))


@pytest.fixture
def office(tmp_path: pathlib.Path) -> Office:
    """An office for one test."""
    return Office(tmp_path)


def until(condition: Callable[[], Any]) -> Any:
    """The value of a condition within a short time."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError('it did not come to it')


@pytest.mark.parametrize('path', [LIST, WHITELIST])
def test_life_of_an_entry(office: Office, path: str) -> None:
    ask = office.owner.ask
    new = ask('POST', path, NEW)
    assert new.status_int == 200
    url = f'{path}/{new.json["id"]}'
    shown = {
        'cidrBlock': '10.0.0.0/8',
        'created': new.json['created'],
        'description': 'Office',
        'expires': None,
        'id': new.json['id'],
        'lastUsed': None,
        'links': [{'href': f'http://localhost{url}', 'rel': 'self'}],
        'type': 'GLOBAL_ROLE',
        'updated': new.json['created'],
    }
    assert new.json == shown
    assert ask('GET', url).json == shown
    listed = ask('GET', path).json
    assert listed['results'][1] == shown
    assert listed['totalCount'] == 2
    assert listed['links'][0]['href'].startswith(f'http://localhost{path}?')
    # Without a body nothing is changed, as in the documents.
    assert ask('PATCH', url).json == shown
    changed = ask('PATCH', url, {'description': 'Home'}).json
    assert changed['updated'] >= shown['updated']
    assert changed == shown | {
        'description': 'Home',
        'updated': changed['updated'],
    }
    changed = ask('PATCH', url, {'cidrBlock': '192.0.2.7'}).json
    assert changed['cidrBlock'] == '192.0.2.7'
    assert changed['description'] == 'Home'
    gone = ask('DELETE', url)
    assert (gone.status_int, gone.body) == (204, b'')
    assert told(ask('GET', url)) == (
        404,
        'GLOBAL_WHITELIST_ENTRY_NOT_FOUND',
        [shown['id']],
    )


def test_both_names_are_of_one_list(office: Office) -> None:
    new = office.owner.ask('POST', LIST, NEW).json['id']
    assert office.owner.ask('GET', f'{WHITELIST}/{new}').json['id'] == new


BODIES: dict[str, tuple[Any, str, list[str]]] = {
    'no-json': (b'{', 'INVALID_JSON', []),
    'array': ([NEW], 'INVALID_JSON', []),
    'number': (
        NEW | {'cidrBlock': 1},
        'INVALID_JSON_ATTRIBUTE',
        ['cidrBlock'],
    ),
    'null': (
        NEW | {'description': None},
        'INVALID_JSON_ATTRIBUTE',
        ['description'],
    ),
    'unknown': (NEW | {'note': 1}, 'INVALID_ATTRIBUTE', ['note']),
    'type': (NEW | {'type': 'X'}, 'ATTRIBUTE_READ_ONLY', ['type']),
    'id': (NEW | {'id': NOBODY}, 'ATTRIBUTE_READ_ONLY', ['id']),
    'last-used': (
        NEW | {'lastUsed': None},
        'ATTRIBUTE_READ_ONLY',
        ['lastUsed'],
    ),
    'no-text': (
        NEW | {'description': ''},
        'INVALID_ATTRIBUTE',
        ['description'],
    ),
    'long': (
        NEW | {'description': 'é' * 251},
        'INVALID_ATTRIBUTE',
        ['description'],
    ),
}
NETWORKS = [
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8 ',
    ' 10.0.0.0/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/٨',
    '10.1.2.3/8',
    '10.0.0',
    '010.0.0.0/8',
    '10.0.0.0/8/8',
    '2001:db8::1/48',
    '2001:db8::/129',
    'fe80::1%eth0',
    '::ffff:10.1.2.3/104',
    'example.com',
    '10.0.0.1-10.0.0.9',
]


@pytest.mark.parametrize('method', ['POST', 'PATCH'])
@pytest.mark.parametrize('case', BODIES)
def test_body_that_cannot_be_is_told(
    shared: Office, method: str, case: str
) -> None:
    body, code, parameters = BODIES[case]
    entry = shared.entries.all()[0].id
    url = LIST if method == 'POST' else f'{LIST}/{entry}'
    answer = shared.owner.ask(method, url, body)
    assert told(answer) == (400, code, parameters)
    assert [row.cidr_block for row in shared.entries.all()] == [HOME]


@pytest.mark.parametrize('method', ['POST', 'PATCH'])
@pytest.mark.parametrize('text', NETWORKS)
def test_what_is_no_network_is_told(
    shared: Office, method: str, text: str
) -> None:
    entry = shared.entries.all()[0].id
    url = LIST if method == 'POST' else f'{LIST}/{entry}'
    answer = shared.owner.ask(method, url, NEW | {'cidrBlock': text})
    assert told(answer) == (
        400,
        'INVALID_IP_ADDRESS_OR_CIDR_NOTATION',
        [text],
    )


@pytest.mark.parametrize(
    'text',
    [
        '73.73.45.150',
        '2001:DB8:0::/48',
        '::ffff:192.0.2.0/120',
        '0.0.0.0/1',
        '128.0.0.0/1',
        '0.0.0.0/0',
        '::/0',
    ],
)
def test_network_is_told_as_it_was_given(office: Office, text: str) -> None:
    answer = office.owner.ask('POST', LIST, NEW | {'cidrBlock': text})
    assert (answer.status_int, answer.json['cidrBlock']) == (200, text)


@pytest.mark.parametrize('text', ['0.0.0.0/0', '::/0', '::ffff:0:0/96'])
def test_all_there_is_can_be_refused(
    tmp_path: pathlib.Path, text: str
) -> None:
    office = Office(tmp_path, refuse_zero_prefix='true')
    answer = office.owner.ask('POST', LIST, NEW | {'cidrBlock': text})
    assert told(answer)[1] == 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION'
    half = NEW | {'cidrBlock': '0.0.0.0/1'}
    assert office.owner.ask('POST', LIST, half).status_int == 200


def test_address_goes_by_another_name_too(office: Office) -> None:
    body = {'ipAddress': '192.0.2.1', 'description': 'x'}
    new = office.owner.ask('POST', LIST, body).json
    assert new['cidrBlock'] == '192.0.2.1'
    assert 'ipAddress' not in new
    answer = office.owner.ask('POST', LIST, NEW | body)
    assert told(answer) == (400, 'BAD_WHITELIST_ADD_REQUEST', [])
    answer = office.owner.ask('POST', LIST, body | {'ipAddress': '10.0.0.0/8'})
    assert told(answer)[1] == 'INVALID_IP_ADDRESS_OR_CIDR_NOTATION'


@pytest.mark.parametrize('name', ['cidrBlock', 'description'])
def test_new_entry_needs_both_members(shared: Office, name: str) -> None:
    body = {k: v for k, v in NEW.items() if k != name}
    answer = shared.owner.ask('POST', LIST, body)
    assert told(answer) == (400, 'MISSING_ATTRIBUTE', [name])


def test_change_of_nothing_is_told(shared: Office) -> None:
    url = f'{LIST}/{shared.entries.all()[0].id}'
    answer = shared.owner.ask('PATCH', url, {})
    assert told(answer) == (400, 'NO_CIDR_BLOCK_OR_DESCRIPTION', [])


@pytest.mark.parametrize('text', ['127.0.0.1/32', '::ffff:127.0.0.1', HOME])
def test_network_is_there_once_however_it_is_spelled(
    office: Office, text: str
) -> None:
    answer = office.owner.ask('POST', LIST, NEW | {'cidrBlock': text})
    assert told(answer) == (400, 'DUPLICATE_GLOBAL_WHITELIST_ENTRY', [text])
    other = office.entry('10.0.0.0/8')
    answer = office.owner.ask('PATCH', f'{LIST}/{other}', {'cidrBlock': text})
    assert told(answer) == (400, 'DUPLICATE_GLOBAL_WHITELIST_ENTRY', [text])


@pytest.mark.parametrize('id_', [NOBODY, 'x', '%C3%A9', '%FF'])
@pytest.mark.parametrize('method', ['GET', 'PATCH', 'DELETE'])
def test_entry_that_is_not_there(
    shared: Office, method: str, id_: str
) -> None:
    body = {'description': 'x'} if method == 'PATCH' else None
    answer = shared.owner.ask(method, f'{LIST}/{id_}', body)
    assert told(answer)[:2] == (404, 'GLOBAL_WHITELIST_ENTRY_NOT_FOUND')


# ---- Admitted addresses ----


def ask_from(
    office: Office, address: str, path: str = KEYS, **environ: str
) -> Any:
    """The response to an owner who comes from an address."""
    environ = {'REMOTE_ADDR': address, **environ}
    return office.owner.ask('GET', path, environ=environ)


@pytest.mark.parametrize(
    ('block', 'address'),
    [
        ('10.0.0.0/8', '10.255.0.1'),
        ('10.0.0.0/8', '::ffff:10.255.0.1'),
        ('::ffff:10.0.0.0/104', '10.255.0.1'),
        ('2001:db8::/48', '2001:db8::17'),
        ('192.0.2.1', '192.0.2.1'),
        ('0.0.0.0/0', '8.8.8.8'),
        ('::/0', '2001:db8::1'),
    ],
)
def test_address_on_the_list_is_let_in(
    tmp_path: pathlib.Path, block: str, address: str
) -> None:
    office = Office(tmp_path, entries=('198.51.100.0/24', block))
    assert ask_from(office, address).status_int == 200


@pytest.mark.parametrize(
    'address', ['11.0.0.1', '2001:db8::1', '::a00:1', '', 'x', '10.0.0.1:80']
)
def test_other_addresses_are_not(tmp_path: pathlib.Path, address: str) -> None:
    office = Office(tmp_path, entries=('10.0.0.0/8',))
    for path in (KEYS, LIST, f'{KEYS}/{NOBODY}', f'{KEYS}/a/b'):
        answer = ask_from(office, address, path)
        assert told(answer) == (
            403,
            'IP_ADDRESS_NOT_ON_ACCESS_LIST',
            [address],
        )


def test_empty_list_lets_nobody_in(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=())
    assert told(ask_from(office, HOME)) == (
        403,
        'RESOURCE_REQUIRES_ACCESS_LIST',
        [HOME],
    )


def test_empty_list_may_let_all_in(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=(), access_list_required='false')
    assert ask_from(office, HOME).status_int == 200
    office.entry('10.0.0.0/8')
    answer = ask_from(office, HOME)
    assert told(answer)[1] == 'IP_ADDRESS_NOT_ON_ACCESS_LIST'


def test_strangers_hear_nothing_of_the_list(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=('10.0.0.0/8',))
    wrong = digest.Client(office.web, office.owner.user, 'wrong')
    for address in ('10.0.0.1', '192.0.2.1'):
        answer = wrong.ask('GET', KEYS, environ={'REMOTE_ADDR': address})
        assert answer.status_int == 401


def test_list_comes_before_the_role(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=('10.0.0.0/8',))
    answer = office.key(READER).ask('POST', KEYS, b'{')
    assert told(answer)[:2] == (403, 'IP_ADDRESS_NOT_ON_ACCESS_LIST')


def test_changes_of_the_list_count_at_once(office: Office) -> None:
    away = {'REMOTE_ADDR': '10.0.0.1'}
    assert office.owner.ask('GET', KEYS, environ=away).status_int == 403
    new = office.owner.ask('POST', LIST, NEW).json['id']
    assert office.owner.ask('GET', KEYS, environ=away).status_int == 200
    office.owner.ask('DELETE', f'{LIST}/{new}')
    assert office.owner.ask('GET', KEYS, environ=away).status_int == 403


@pytest.mark.parametrize(
    ('method', 'body'),
    [('DELETE', None), ('PATCH', {'cidrBlock': '10.0.0.0/8'})],
)
def test_nobody_locks_themselves_out(
    office: Office, method: str, body: Any
) -> None:
    mine = office.entries.all()[0]
    office.entry('192.0.2.0/24')
    url = f'{LIST}/{mine.id}'
    answer = office.owner.ask(method, url, body)
    assert told(answer) == (
        400,
        'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST',
        [HOME],
    )
    assert office.entries.get(mine.id).network == '127.0.0.1/32'  # type: ignore[union-attr]
    office.entry('127.0.0.0/8')
    assert office.owner.ask(method, url, body).status_int in (200, 204)


def test_tokens_come_from_everywhere_unless_told(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    headers = {'X-Auth-Token': cloud.admin}

    def asked(office: Office, method: str, path: str) -> Any:
        return digest.send(office.web, method, path, None, headers)

    free = Office(tmp_path / 'free', cloud.app, entries=())
    assert asked(free, 'GET', LIST).status_int == 200
    away = free.entry('10.0.0.0/8')
    assert asked(free, 'GET', LIST).status_int == 200
    # Whom the list does not hold, it cannot lock out.
    assert asked(free, 'DELETE', f'{LIST}/{away}').status_int == 204
    held = Office(
        tmp_path / 'held',
        cloud.app,
        entries=('10.0.0.0/8',),
        access_list_for_tokens='true',
    )
    assert told(asked(held, 'GET', LIST))[:2] == (
        403,
        'IP_ADDRESS_NOT_ON_ACCESS_LIST',
    )
    home = held.entry(HOME)
    assert told(asked(held, 'DELETE', f'{LIST}/{home}'))[1] == (
        'CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST'
    )


# ---- Behind proxies ----

PROXY = '198.51.100.1'


@pytest.fixture(scope='module')
def behind(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office behind two proxies, for who comes from 10.0.0.0/8."""
    return Office(
        tmp_path_factory.mktemp('behind'),
        entries=('10.0.0.0/8', '2001:db8::/48'),
        remote_ip_header='X-Forwarded-For',
        trusted_proxies='198.51.100.0/24, 203.0.113.9',
    )


@pytest.mark.parametrize(
    ('peer', 'header', 'seen'),
    [
        (PROXY, '10.0.0.1', None),
        (PROXY, '8.8.8.8, 10.0.0.1', None),
        (PROXY, '8.8.8.8,10.0.0.1,203.0.113.9', None),
        (PROXY, 'forged, 10.0.0.1', None),
        (f'::ffff:{PROXY}', '::ffff:10.0.0.1', None),
        (PROXY, ' 2001:db8::9 ', None),
        ('10.0.0.1', '8.8.8.8', None),
        ('10.0.0.1', None, None),
        (PROXY, '10.0.0.1, 8.8.8.8', '8.8.8.8'),
        ('8.8.8.8', '10.0.0.1', '8.8.8.8'),
        (PROXY, None, PROXY),
        (PROXY, '203.0.113.9', '203.0.113.9'),
    ],
)
def test_address_is_told_by_trusted_proxies(
    behind: Office, peer: str, header: str | None, seen: str | None
) -> None:
    more = {} if header is None else {'HTTP_X_FORWARDED_FOR': header}
    answer = ask_from(behind, peer, **more)
    if seen is None:
        assert answer.status_int == 200
    else:
        assert told(answer)[1:] == ('IP_ADDRESS_NOT_ON_ACCESS_LIST', [seen])


def test_header_is_nothing_unless_it_is_named(shared: Office) -> None:
    answer = ask_from(shared, '8.8.8.8', HTTP_X_FORWARDED_FOR=HOME)
    assert told(answer)[1:] == ('IP_ADDRESS_NOT_ON_ACCESS_LIST', ['8.8.8.8'])


# ---- When it was last used ----


def used(office: Office, number: int = 0) -> Any:
    return office.entries.all()[number].last_used_at


def test_use_is_noted_on_the_narrowest_entry(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, entries=('127.0.0.0/8', HOME, '10.0.0.0/8'))
    office.owner.ask('GET', KEYS)
    first = until(lambda: used(office, 1))
    assert used(office, 0) is None
    assert used(office, 2) is None
    office.owner.ask('GET', KEYS)
    time.sleep(0.2)
    assert used(office, 1) == first
    listed = office.owner.ask('GET', LIST).json['results'][1]
    assert listed['lastUsed'] == first.strftime('%Y-%m-%dT%H:%M:%SZ')


def test_use_by_strangers_is_not_noted(office: Office) -> None:
    office.web.get(KEYS, status=401)
    digest.Client(office.web, office.owner.user, 'wrong').ask('GET', KEYS)
    time.sleep(0.2)
    assert used(office) is None


def test_store_that_hangs_or_fails_holds_no_request_up(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, go_on = [], threading.Event()

    def hang(_store: Any, entry_id: str, *_: Any) -> None:
        begun.append(entry_id)
        go_on.wait(10)
        raise base.Outage('the database is away')

    with monkeypatch.context() as patch:
        patch.setattr(SqlAccessList, 'used', hang)
        for _ in range(20):
            assert office.owner.ask('GET', KEYS).status_int == 200
        # One at a time for each entry, however many requests there are.
        assert len(begun) == 1
        go_on.set()
        until(lambda: 'use not written' in caplog.text)
    until(lambda: office.owner.ask('GET', KEYS) and used(office))


def test_owner_of_another_office_is_nobody(
    tmp_path: pathlib.Path, shared: Office
) -> None:
    other = Office(tmp_path).key(OWNER)
    stranger = digest.Client(shared.web, other.user, other.password)
    assert stranger.ask('GET', LIST).status_int == 401
