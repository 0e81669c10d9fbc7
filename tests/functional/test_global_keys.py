"""Global keys over HTTP (contract ops-manager, 1, 4, 5 and 7)."""

from collections.abc import Iterator
import concurrent.futures
import contextlib
import logging
import pathlib
import re
from typing import Any
import uuid

import pytest

from keymw.storage import base
from keymw.storage.sql.access_list import SqlAccessList
from keymw.storage.sql.global_keys import SqlGlobalKeys
from tests.support import digest
from tests.support.admin import KEYS
from tests.support.admin import LIST
from tests.support.admin import NOBODY
from tests.support.admin import OWNER
from tests.support.admin import READER
from tests.support.admin import USER_ADMIN
from tests.support.admin import WHITELIST
from tests.support.admin import Key
from tests.support.admin import Office
from tests.support.admin import told
from tests.support.cloud import Cloud
from tests.support.pass_through import Wrapped

ROLES = [
    'GLOBAL_AUTOMATION_ADMIN',
    'GLOBAL_BACKUP_ADMIN',
    'GLOBAL_BILLING_ADMIN',
    'GLOBAL_MONITORING_ADMIN',
    'GLOBAL_OWNER',
    'GLOBAL_READ_ONLY',
    'GLOBAL_USER_ADMIN',
]
NEW = {'desc': 'New', 'roles': [READER]}


@pytest.fixture(scope='module')
def shared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office for tests that leave no trace in it."""
    return Office(tmp_path_factory.mktemp('office'))


@pytest.fixture
def office(tmp_path: pathlib.Path) -> Office:
    """An office for one test."""
    return Office(tmp_path)


def made(office: Office, **members: Any) -> Any:
    """The response of POST."""
    answer = office.owner.ask('POST', KEYS, NEW | members)
    assert answer.status_int == 200
    return answer.json


# ---- Life of a key ----


def test_life_of_a_key(office: Office) -> None:
    new = made(office, desc='First', roles=[READER, READER])
    private, redacted = new['privateKey'], new['privateKeyRedacted']
    assert str(uuid.UUID(private, version=4)) == private
    assert redacted == f'********-****-****-{private[-12:]}'
    assert re.fullmatch('[a-z]{8}', new['publicKey'])
    assert re.fullmatch('[0-9a-f]{24}', new['id'])
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', new['created'], re.ASCII
    )
    url = f'{KEYS}/{new["id"]}'
    shown = {
        'created': new['created'],
        'desc': 'First',
        'globalRoles': [READER],
        'groupRoles': [],
        'id': new['id'],
        'links': [{'href': f'http://localhost{url}', 'rel': 'self'}],
        'numGroups': 0,
        'orgRoles': [],
        'orgRolesString': '',
        'privateKey': redacted,
        'publicKey': new['publicKey'],
        'roles': [{'roleName': READER}],
        'userId': new['id'],
        'username': new['publicKey'],
    }
    assert new == shown | {
        'privateKey': private,
        'privateKeyRedacted': redacted,
    }
    # It serves at once.
    its = digest.Client(office.web, new['publicKey'], private)
    assert its.ask('GET', url).json == shown
    assert its.ask('GET', KEYS).json['results'][1] == shown

    changed = office.owner.ask('PATCH', url, {'desc': 'Second'})
    assert (changed.status_int, changed.json) == (
        200,
        shown | {'desc': 'Second'},
    )
    changed = office.owner.ask('PATCH', url, {'roles': [USER_ADMIN, OWNER]})
    assert changed.json['globalRoles'] == [OWNER, USER_ADMIN]
    assert changed.json['desc'] == 'Second'

    gone = office.owner.ask('DELETE', url)
    assert (gone.status_int, gone.body) == (204, b'')
    assert 'Content-Type' not in gone.headers
    assert its.ask('GET', url).status_int == 401
    assert told(office.owner.ask('GET', url)) == (
        400,
        'API_KEY_NOT_FOUND',
        [new['id']],
    )


def test_members_are_sorted_and_nothing_is_kept_by_caches(
    shared: Office,
) -> None:
    answer = shared.owner.ask('GET', f'{KEYS}/{shared.owner.id}')
    assert list(answer.json) == sorted(answer.json)
    assert answer.headers['Content-Type'] == 'application/json'
    assert answer.headers['Cache-Control'] == 'no-store'


def test_roles_are_a_bare_array(shared: Office) -> None:
    assert shared.owner.ask('GET', f'{KEYS}/roles').json == ROLES


def test_a_public_key_that_is_taken_is_not_given_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter([office.owner.user, office.owner.user, 'abcdefgh'])
    monkeypatch.setattr(
        'keymw.global_keys.keys._new_public_key', lambda: next(names)
    )
    assert made(office)['publicKey'] == 'abcdefgh'


def test_private_key_is_nowhere_but_in_the_answer(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        private = made(office)['privateKey']
    assert private not in caplog.text
    stored = (office.deployment.home / 'keymw.db').read_bytes()
    journal = office.deployment.home / 'keymw.db-wal'
    stored += journal.read_bytes() if journal.exists() else b''
    assert private[-12:].encode() in stored
    assert private.encode() not in stored


# ---- Queries ----


def test_pages_link_to_each_other(office: Office) -> None:
    for _ in range(2):
        office.key(READER)
    ids = [key.id for key in office.keys.page(0, 10)]
    url = f'http://localhost{KEYS}?pretty=true&x=%C3%A9'

    def page(number: int) -> str:
        return f'{url}&pageNum={number}&itemsPerPage=1'

    found = office.owner.ask(
        'GET', f'{KEYS}?pretty=true&pageNum=2&itemsPerPage=1&x=%C3%A9'
    ).json
    assert found['links'] == [
        {'href': page(2), 'rel': 'self'},
        {'href': page(1), 'rel': 'previous'},
        {'href': page(3), 'rel': 'next'},
    ]
    assert [key['id'] for key in found['results']] == ids[1:2]
    assert found['totalCount'] == 3


def test_first_and_last_page_lack_a_link(office: Office) -> None:
    office.key(READER)

    def rels(query: str) -> list[str]:
        found = office.owner.ask('GET', f'{KEYS}?{query}').json
        return [link['rel'] for link in found['links']]

    assert rels('itemsPerPage=1') == ['self', 'next']
    assert rels('itemsPerPage=1&pageNum=2') == ['self', 'previous']
    assert rels('itemsPerPage=2') == ['self']
    assert rels('pageNum=999999999') == ['self', 'previous']


def test_page_past_the_end_is_empty(shared: Office) -> None:
    found = shared.owner.ask('GET', f'{KEYS}?pageNum=7').json
    assert found['results'] == []
    assert found['totalCount'] == 1


def test_link_always_has_the_page(shared: Office) -> None:
    found = shared.owner.ask('GET', KEYS).json
    assert found['links'] == [
        {
            'href': f'http://localhost{KEYS}?pageNum=1&itemsPerPage=100',
            'rel': 'self',
        }
    ]


def test_count_can_be_left_out(shared: Office) -> None:
    found = shared.owner.ask('GET', f'{KEYS}?includeCount=false').json
    assert 'totalCount' not in found


def test_pretty_is_indented(shared: Office) -> None:
    plain = shared.owner.ask('GET', KEYS + '?pretty=false')
    pretty = shared.owner.ask('GET', KEYS + '?pretty=true')
    assert b'\n' not in plain.body
    assert pretty.text.startswith('{\n  "links"')
    assert pretty.json['results'] == plain.json['results']
    error = shared.owner.ask('GET', f'{KEYS}/{NOBODY}?pretty=true')
    assert error.text.startswith('{\n  "detail"')


def test_envelope_tells_the_status(office: Office) -> None:
    ask = office.owner.ask
    one = ask('GET', f'{KEYS}/{office.owner.id}?envelope=true').json
    assert (one['status'], one['content']['id']) == (200, office.owner.id)
    many = ask('GET', f'{KEYS}?envelope=true').json
    assert (many['status'], many['totalCount']) == (200, 1)
    assert ask('GET', f'{KEYS}/roles?envelope=true').json == {
        'content': ROLES,
        'status': 200,
    }
    error = ask('GET', f'{KEYS}/{NOBODY}?envelope=true')
    assert (error.status_int, error.json['status']) == (400, 400)
    new = made(office)['id']
    gone = ask('DELETE', f'{KEYS}/{new}?envelope=true')
    assert (gone.status_int, gone.body) == (204, b'')


@pytest.mark.parametrize(
    'query',
    [
        'pageNum=0',
        'pageNum=-1',
        'pageNum=x',
        'pageNum=',
        'pageNum=1.0',
        'pageNum=%D9%A1',
        'pageNum=1000000000',
        f'pageNum={"9" * 5000}',
        'itemsPerPage=0',
        'itemsPerPage=501',
        'includeCount=1',
        'pretty=yes',
        'envelope=',
    ],
)
def test_bad_value_in_the_query_is_told(shared: Office, query: str) -> None:
    name = query.partition('=')[0]
    answer = shared.owner.ask('GET', f'{KEYS}?{query}')
    assert told(answer) == (400, 'INVALID_QUERY_PARAMETER', [name])


def test_bad_query_changes_nothing(shared: Office) -> None:
    answer = shared.owner.ask('POST', f'{KEYS}?pretty=maybe', NEW)
    assert told(answer) == (400, 'INVALID_QUERY_PARAMETER', ['pretty'])
    assert shared.keys.count() == 1


def test_unknown_query_is_ignored(shared: Office) -> None:
    url = f'{KEYS}/{shared.owner.id}?pageNum=x&foo=bar&foo=%00'
    assert shared.owner.ask('GET', url).status_int == 200


def test_query_that_is_no_text_is_refused(shared: Office) -> None:
    answer = shared.owner.ask('GET', f'{KEYS}?x=%ff')
    assert answer.status_int == 400


# ---- Bodies ----

BODIES: dict[str, tuple[Any, str, list[str]]] = {
    'empty': (b'', 'INVALID_JSON', []),
    'no-json': (b'{', 'INVALID_JSON', []),
    'array': ([], 'INVALID_JSON', []),
    'null': (b'null', 'INVALID_JSON', []),
    'text': (b'"x"', 'INVALID_JSON', []),
    'not-utf-8': (b'{"desc": "\xff"}', 'INVALID_JSON', []),
    'mark': (b'\xef\xbb\xbf{}', 'INVALID_JSON', []),
    'surrogate': (b'{"desc": "\\ud800 "}', 'INVALID_JSON', []),
    'deep': (b'[' * 5000 + b']' * 5000, 'INVALID_JSON', []),
    'number': (NEW | {'desc': 1}, 'INVALID_JSON_ATTRIBUTE', ['desc']),
    'none': (NEW | {'desc': None}, 'INVALID_JSON_ATTRIBUTE', ['desc']),
    'role-text': (
        NEW | {'roles': READER},
        'INVALID_JSON_ATTRIBUTE',
        ['roles'],
    ),
    'role-objects': (
        NEW | {'roles': [{'roleName': READER}]},
        'INVALID_JSON_ATTRIBUTE',
        ['roles'],
    ),
    'unknown': (NEW | {'note': 1}, 'INVALID_ATTRIBUTE', ['note']),
    'case': (NEW | {'Desc': 'x'}, 'INVALID_ATTRIBUTE', ['Desc']),
    'id': (NEW | {'id': NOBODY}, 'ATTRIBUTE_READ_ONLY', ['id']),
    'public': (
        NEW | {'publicKey': 'abcdefgh'},
        'ATTRIBUTE_READ_ONLY',
        ['publicKey'],
    ),
    'created': (NEW | {'created': ''}, 'ATTRIBUTE_READ_ONLY', ['created']),
    'no-text': (NEW | {'desc': ''}, 'API_KEY_REQUIRES_DESCRIPTION', []),
    'long': (NEW | {'desc': 'é' * 251}, 'INVALID_ATTRIBUTE', ['desc']),
    'control': (NEW | {'desc': 'a\0b'}, 'INVALID_ATTRIBUTE', ['desc']),
    'no-roles': (NEW | {'roles': []}, 'MISSING_API_KEY_ROLES', []),
    'role': (
        NEW | {'roles': [READER, 'GLOBAL_KING']},
        'INVALID_ENUM_VALUE',
        ['GLOBAL_KING'],
    ),
    'lower': (
        NEW | {'roles': ['global_owner']},
        'INVALID_ENUM_VALUE',
        ['global_owner'],
    ),
    'org': (
        NEW | {'roles': ['ORG_OWNER']},
        'ROLE_NEEDS_ORG_ID',
        ['ORG_OWNER'],
    ),
    'group': (
        NEW | {'roles': ['GROUP_OWNER']},
        'ROLE_NEEDS_GROUP_ID',
        ['GROUP_OWNER'],
    ),
}


@pytest.mark.parametrize('method', ['POST', 'PATCH'])
@pytest.mark.parametrize('case', BODIES)
def test_body_that_cannot_be_is_told(
    shared: Office, method: str, case: str
) -> None:
    body, code, parameters = BODIES[case]
    url = KEYS if method == 'POST' else f'{KEYS}/{shared.owner.id}'
    before = shared.keys.page(0, 10)
    answer = shared.owner.ask(method, url, body)
    assert told(answer) == (400, code, parameters)
    assert shared.keys.page(0, 10) == before


@pytest.mark.parametrize('name', ['desc', 'roles'])
def test_new_key_needs_both_members(shared: Office, name: str) -> None:
    body = {k: v for k, v in NEW.items() if k != name}
    answer = shared.owner.ask('POST', KEYS, body)
    assert told(answer) == (400, 'MISSING_ATTRIBUTE', [name])


def test_change_needs_a_member(shared: Office) -> None:
    answer = shared.owner.ask('PATCH', f'{KEYS}/{shared.owner.id}', {})
    assert told(answer) == (
        400,
        'MISSING_ONE_OF_ATTRIBUTES',
        ['desc', 'roles'],
    )


@pytest.mark.parametrize('text', ['x', ' ', '鍵' * 250, '🔑' * 250, 'a\nb'])
def test_description_is_measured_in_characters(
    office: Office, text: str
) -> None:
    new = made(office, desc=text)
    assert new['desc'] == text
    url = f'{KEYS}/{new["id"]}'
    assert office.owner.ask('GET', url).json['desc'] == text


@pytest.mark.parametrize(
    'kind',
    [
        'application/json',
        'application/json; charset=UTF-8',
        'Application/JSON;charset=utf-8',
    ],
)
def test_json_is_read_whatever_its_parameters(
    shared: Office, kind: str
) -> None:
    url = f'{KEYS}/{shared.owner.id}'
    body = {'desc': 'of a test'}
    headers = {'Content-Type': kind}
    answer = shared.owner.ask('PATCH', url, body, headers=headers)
    assert answer.status_int == 200


@pytest.mark.parametrize(
    'kind', ['text/plain', 'application/x-www-form-urlencoded', 'json', '*/*']
)
def test_body_of_another_type_is_refused(shared: Office, kind: str) -> None:
    headers = {'Content-Type': kind}
    answer = shared.owner.ask('POST', KEYS, NEW, headers=headers)
    assert told(answer) == (415, None, None)


def test_type_without_a_body_is_nothing(shared: Office) -> None:
    headers = {'Content-Type': 'text/plain'}
    assert shared.owner.ask('GET', KEYS, headers=headers).status_int == 200


def test_body_that_is_too_long_is_refused(shared: Office) -> None:
    answer = shared.owner.ask('POST', KEYS, b' ' * 65537)
    assert told(answer) == (413, None, None)


# ---- Paths and methods ----


@pytest.mark.parametrize('method', ['GET', 'PATCH', 'DELETE'])
def test_key_that_is_not_there(shared: Office, method: str) -> None:
    body = {'desc': 'x'} if method == 'PATCH' else None
    answer = shared.owner.ask(method, f'{KEYS}/{NOBODY}', body)
    assert told(answer) == (400, 'API_KEY_NOT_FOUND', [NOBODY])


@pytest.mark.parametrize(
    'id_', ['x', NOBODY[1:], NOBODY + 'f', '0' * 23 + 'g']
)
def test_id_that_cannot_be(shared: Office, id_: str) -> None:
    answer = shared.owner.ask('GET', f'{KEYS}/{id_}')
    assert told(answer) == (404, 'INVALID_KEY_ID', [id_])


def test_status_of_a_key_that_is_not_there_can_be_404(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path, key_not_found_status='404')
    answer = office.owner.ask('GET', f'{KEYS}/{NOBODY}')
    assert told(answer) == (404, 'API_KEY_NOT_FOUND', [NOBODY])


@pytest.mark.parametrize(
    'path',
    [
        f'{KEYS}/{NOBODY}/more',
        f'{KEYS}/roles/x',
        f'{LIST}/x/y',
        f'{WHITELIST}/x/y/z',
    ],
)
def test_path_that_is_nothing(shared: Office, path: str) -> None:
    answer = shared.owner.ask('GET', path)
    assert told(answer) == (404, 'RESOURCE_NOT_FOUND', [path])


@pytest.mark.parametrize(
    'path',
    [
        '/api/public/v1.0',
        '/api/public/v1.0/groups',
        '/api/public/v1.0/admin',
        f'{KEYS}X',
        '/api/public/v1.0/admin/users',
        '/api/atlas/v1.0/admin/apiKeys',
    ],
)
def test_other_paths_pass(shared: Office, path: str) -> None:
    assert shared.web.get(path).body == b'wrapped'


@pytest.mark.parametrize(
    ('path', 'method', 'allow'),
    [
        (KEYS, 'PUT', 'GET, HEAD, POST'),
        (KEYS, 'DELETE', 'GET, HEAD, POST'),
        (f'{KEYS}/{NOBODY}', 'POST', 'GET, HEAD, PATCH, DELETE'),
        (f'{KEYS}/{NOBODY}', 'OPTIONS', 'GET, HEAD, PATCH, DELETE'),
        (f'{KEYS}/roles', 'PATCH', 'GET, HEAD'),
        (LIST, 'PATCH', 'GET, HEAD, POST'),
        (f'{WHITELIST}/{NOBODY}', 'PUT', 'GET, HEAD, PATCH, DELETE'),
    ],
)
def test_method_that_a_path_lacks(
    shared: Office, path: str, method: str, allow: str
) -> None:
    answer = shared.owner.ask(method, path)
    assert told(answer) == (405, None, None)
    assert answer.headers['Allow'] == allow


@pytest.mark.parametrize('path', [KEYS, f'{KEYS}/roles', LIST])
def test_head_is_a_get_without_a_body(shared: Office, path: str) -> None:
    answer = shared.owner.ask('HEAD', path)
    assert (answer.status_int, answer.body) == (200, b'')


def test_links_go_where_the_application_is_mounted(shared: Office) -> None:
    headers = {'Host': 'om.example'}
    environ = {'SCRIPT_NAME': '/om', 'wsgi.url_scheme': 'https'}
    first = shared.web.request(KEYS, status=401, environ=environ)
    headers['Authorization'] = digest.answer(
        digest.challenges(first)[0],
        'GET',
        f'/om{KEYS}',
        shared.owner.user,
        shared.owner.password,
    )
    found = digest.send(
        shared.web, 'GET', f'/om{KEYS}', None, headers, environ
    )
    assert found.json['results'][0]['links'][0]['href'] == (
        f'https://om.example/om{KEYS}/{shared.owner.id}'
    )


# ---- Roles ----


@pytest.mark.parametrize('role', [role for role in ROLES if role != OWNER])
def test_every_role_reads_and_only_owners_write(
    office: Office, role: str
) -> None:
    key, other = office.key(role), office.key(READER)
    for path in (KEYS, f'{KEYS}/roles', f'{KEYS}/{other.id}', LIST):
        assert key.ask('GET', path).status_int == 200

    def stored() -> Any:
        return office.keys.page(0, 10), [e.id for e in office.entries.all()]

    before = stored()
    entry = {'cidrBlock': '10.0.0.0/8', 'description': 'x'}
    for method, path, body in [
        ('POST', KEYS, NEW),
        ('PATCH', f'{KEYS}/{other.id}', {'desc': 'x'}),
        ('PATCH', f'{KEYS}/{other.id}', b'{'),
        ('PATCH', f'{KEYS}/{key.id}', {'roles': [OWNER]}),
        ('PATCH', f'{KEYS}/{key.id}', {'desc': 'x', 'roles': [role]}),
        ('DELETE', f'{KEYS}/{other.id}', None),
        ('DELETE', f'{KEYS}/{key.id}', None),
        ('DELETE', f'{KEYS}/{NOBODY}', None),
        ('POST', LIST, entry),
        ('DELETE', f'{LIST}/{office.entries.all()[0].id}', None),
    ]:
        answer = key.ask(method, path, body)
        assert told(answer) == (401, 'USER_UNAUTHORIZED', [])
        # Clients would send the same again and again.
        assert 'WWW-Authenticate' not in answer.headers
    assert stored() == before


def test_a_key_may_say_what_it_is_for(office: Office) -> None:
    key = office.key(READER)
    answer = key.ask('PATCH', f'{KEYS}/{key.id}', {'desc': 'mine'})
    assert (answer.status_int, answer.json['desc']) == (200, 'mine')


def test_status_of_a_role_that_is_not_enough_can_be_403(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path, role_denied_status='403')
    answer = office.key(READER).ask('POST', KEYS, NEW)
    assert told(answer) == (403, 'USER_UNAUTHORIZED', [])


def test_user_admin_writes_where_it_may_but_never_owners(
    tmp_path: pathlib.Path,
) -> None:
    office = Office(tmp_path, user_admin_writes='true')
    key, owner = office.key(USER_ADMIN), office.owner
    new = key.ask('POST', KEYS, NEW).json['id']
    url = f'{KEYS}/{new}'
    assert key.ask('PATCH', url, {'roles': [USER_ADMIN]}).status_int == 200
    for method, path, body in [
        ('POST', KEYS, NEW | {'roles': [READER, OWNER]}),
        ('PATCH', url, {'roles': [OWNER]}),
        ('PATCH', f'{KEYS}/{key.id}', {'roles': [OWNER]}),
        ('PATCH', f'{KEYS}/{owner.id}', {'desc': 'x'}),
        ('PATCH', f'{KEYS}/{owner.id}', {'roles': [READER]}),
        ('DELETE', f'{KEYS}/{owner.id}', None),
    ]:
        answer = key.ask(method, path, body)
        assert told(answer) == (401, 'USER_UNAUTHORIZED', [])
    entry = {'cidrBlock': '10.0.0.0/8', 'description': 'x'}
    assert key.ask('POST', LIST, entry).status_int == 200
    assert key.ask('DELETE', url).status_int == 204


def test_last_owner_stays(office: Office) -> None:
    url = f'{KEYS}/{office.owner.id}'
    answer = office.owner.ask('PATCH', url, {'roles': [READER]})
    assert told(answer) == (403, 'CANNOT_DEMOTE_LAST_OWNER', [])
    answer = office.owner.ask('DELETE', url)
    assert told(answer) == (403, 'CANNOT_DELETE_LAST_OWNER', [])
    assert office.owner.ask('PATCH', url, {'desc': 'x'}).status_int == 200


def test_an_owner_may_step_back_while_another_stays(office: Office) -> None:
    other = office.key(OWNER)
    answer = other.ask('PATCH', f'{KEYS}/{other.id}', {'roles': [READER]})
    assert answer.json['globalRoles'] == [READER]
    assert told(other.ask('POST', KEYS, NEW))[1] == 'USER_UNAUTHORIZED'
    third = office.key(OWNER)
    assert third.ask('DELETE', f'{KEYS}/{third.id}').status_int == 204


def test_of_two_owners_who_step_back_at_once_one_stays(
    office: Office,
) -> None:
    def step_back(key: Key) -> int:
        url = f'{KEYS}/{key.id}'
        answer = key.ask('PATCH', url, {'roles': [READER]})
        return int(answer.status_int)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = pool.map(step_back, [office.owner, office.key(OWNER)])
        assert sorted(found) == [200, 403]
    owners = [key for key in office.keys.page(0, 10) if key.is_owner]
    assert len(owners) == 1


# ---- Tokens of Keystone ----


@pytest.fixture(scope='module')
def hall(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Office:
    """An office before a real Keystone."""
    return Office(tmp_path_factory.mktemp('hall'), cloud.app)


def with_token(
    office: Office, token: str, method: str, path: str, body: Any = None
) -> Any:
    """The response to a request with a token."""
    headers = {'X-Auth-Token': token}
    return digest.send(office.web, method, path, body, headers)


def test_admin_is_as_good_as_an_owner(hall: Office, cloud: Cloud) -> None:
    def ask(method: str, *rest: Any) -> Any:
        return with_token(hall, cloud.admin, method, *rest)

    new = ask('POST', KEYS, NEW | {'roles': [OWNER]})
    assert new.status_int == 200
    url = f'{KEYS}/{new.json["id"]}'
    assert ask('GET', url).json['desc'] == 'New'
    assert ask('PATCH', url, {'desc': 'x'}).json['desc'] == 'x'
    assert ask('GET', KEYS).json['totalCount'] == 2
    assert ask('GET', f'{KEYS}/roles').json == ROLES
    assert ask('DELETE', url).status_int == 204
    entry = ask('POST', LIST, {'cidrBlock': '10.1.0.0/16', 'description': 'x'})
    url = f'{WHITELIST}/{entry.json["id"]}'
    assert ask('PATCH', url, {'description': 'y'}).status_int == 200
    assert ask('DELETE', url).status_int == 204
    assert told(ask('PUT', KEYS)) == (405, None, None)
    assert told(ask('GET', f'{KEYS}/a/b'))[1] == 'RESOURCE_NOT_FOUND'


def test_other_users_may_nothing(hall: Office, cloud: Cloud) -> None:
    token = cloud.token_of(cloud.with_role('member'), 'demo')
    for method, path in [('GET', KEYS), ('POST', KEYS), ('GET', LIST)]:
        answer = with_token(hall, token, method, path)
        assert told(answer) == (403, 'USER_UNAUTHORIZED', [])


def test_part_of_an_admin_may_nothing(hall: Office, cloud: Cloud) -> None:
    me = cloud.ask('GET', '/v3/users?name=admin').json['users'][0]['id']
    secret = cloud.ask(
        'POST',
        f'/v3/users/{me}/application_credentials',
        {'application_credential': {'name': uuid.uuid4().hex}},
    ).json['application_credential']
    token = cloud.sign_in(
        {
            'methods': ['application_credential'],
            'application_credential': {
                'id': secret['id'],
                'secret': secret['secret'],
            },
        }
    )
    answer = with_token(hall, token, 'GET', KEYS)
    assert told(answer) == (403, 'USER_UNAUTHORIZED', [])


def test_token_that_is_none_is_challenged(hall: Office) -> None:
    answer = with_token(hall, 'no-token', 'GET', KEYS)
    assert answer.status_int == 401
    assert len(digest.challenges(answer)) == 1


def test_policy_says_who_is_an_owner(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    policy = tmp_path / 'policy.yaml'
    policy.write_text('"global_key:list": "role:member"\n')
    office = Office(
        tmp_path / 'office',
        cloud.app,
        {'oslo_policy': {'policy_file': str(policy)}},
    )
    token = cloud.token_of(cloud.with_role('member'), 'demo')
    assert with_token(office, token, 'GET', KEYS).status_int == 200
    assert with_token(office, token, 'GET', LIST).status_int == 403


def test_token_and_answer_in_one_request(hall: Office, cloud: Cloud) -> None:
    headers = {'X-Auth-Token': cloud.admin}
    answer = hall.owner.ask('GET', KEYS, headers=headers)
    assert told(answer) == (400, None, None)
    assert 'WWW-Authenticate' not in answer.headers


# ---- Log lines and outages ----


def test_each_operation_is_logged(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, 'keymw.observe.audit'):
        new = made(office)['id']
        office.owner.ask('DELETE', f'{KEYS}/{new}')
        office.key(READER).ask('POST', KEYS, NEW)
    lines = [
        r.getMessage()
        for r in caplog.records
        if r.name == 'keymw.observe.audit'
    ]
    me = office.owner.id
    assert 'caller -, target -, outcome 401 NotAuthenticated' in lines[0]
    assert lines[0].endswith(', reason there is no response')
    assert lines[1].startswith(
        f'global_key:add: caller {me}, target {new}, outcome done, request req'
    )
    assert lines[3].startswith(
        f'global_key:delete: caller {me}, target {new}, outcome done'
    )
    assert 'outcome 401 USER_UNAUTHORIZED' in lines[5]


@contextlib.contextmanager
def broken(
    monkeypatch: pytest.MonkeyPatch, store: type, name: str
) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> None:
        raise base.Outage('the database is away')

    with monkeypatch.context() as patch:
        patch.setattr(store, name, fail)
        yield


@pytest.mark.parametrize(
    ('store', 'name', 'method'),
    [
        (SqlGlobalKeys, 'find', 'GET'),
        (SqlAccessList, 'all', 'GET'),
        (SqlGlobalKeys, 'page', 'GET'),
        (SqlGlobalKeys, 'add', 'POST'),
    ],
)
def test_outage_of_the_store_is_503(
    shared: Office,
    monkeypatch: pytest.MonkeyPatch,
    store: type,
    name: str,
    method: str,
) -> None:
    body = NEW if method == 'POST' else None
    with broken(monkeypatch, store, name):
        answer = shared.owner.ask(method, KEYS, body)
    assert told(answer) == (503, 'UNEXPECTED_ERROR', [])
    assert answer.headers['Retry-After'].isdigit()


def test_defect_is_500_without_a_word_about_it(
    shared: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError('secret')

    monkeypatch.setattr(SqlGlobalKeys, 'page', fail)
    answer = shared.owner.ask('GET', KEYS)
    assert told(answer) == (500, 'UNEXPECTED_ERROR', [])
    assert 'secret' not in answer.text


def test_it_is_off_unless_it_is_switched_on(deploy: Any) -> None:
    web = deploy(Wrapped(Content_Type='text/plain'))
    for path in (KEYS, LIST, f'{WHITELIST}/x', f'{KEYS}/%61'):
        assert web.get(path).body == b'wrapped'


def test_identity_service_that_is_away_is_no_wrong_token(
    shared: Office,
) -> None:
    answer = with_token(shared, 'token', 'GET', KEYS)
    assert told(answer) == (503, 'UNEXPECTED_ERROR', [])
    assert 'WWW-Authenticate' not in answer.headers
