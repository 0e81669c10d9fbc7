"""API keys: bad input, other people's keys, and limits."""

from concurrent import futures
import pathlib
from typing import Any

import pytest

from tests.support.api_keys import KeyDesk
from tests.support.api_keys import base
from tests.support.api_keys import later
from tests.support.api_keys import options
from tests.support.api_keys import path
from tests.support.cloud import Cloud
from tests.support.cloud import Person


@pytest.fixture
def desk(tmp_path: pathlib.Path, cloud: Cloud) -> KeyDesk:
    return KeyDesk(tmp_path, cloud)


BAD: dict[str, list[Any]] = {
    'name': ['', '  ', 'x' * 256, 'a\nb', 'a\x7f', 'b\x85a', 1, None],
    'description': ['x' * 256, 1, 'a\x00'],
    'expires_at': [
        '2020-01-01T00:00:00Z',
        '10000-01-01T00:00:00Z',
        '9999-12-31T23:59:59-14:00',
        1893456000,
        True,
        'soon',
        '',
    ],
    'allowed_cidrs': [
        ['10.0.0.1/8'],
        ['10.0.0.0/33'],
        ['x'],
        [1],
        '10.0.0.0/8',
        [],
        [f'10.0.{n}.0/24' for n in range(51)],
    ],
    'roles': [
        [],
        'reader',
        ['reader'],
        [{}],
        [{'id': 1}],
        [{'id': 'x', 'name': 'y'}],
        [{'name': 'reader'}, {'name': 'reader'}],
    ],
    'unrestricted': [1, 'true', None],
    'project_id': [1, '', 'x' * 65],
    'secret': ['kmw_x'],
    'user_id': ['x'],
    'enabled': [True],
}


def test_bad_members_are_named_and_nothing_is_made(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    given = ((m, value) for m in BAD for value in BAD[m])
    for member, value in given:
        answer = desk.create(ann, token, **{member: value})
        assert answer.status_int == 400, (member, value)
        said = answer.json['error']['message']
        assert said.startswith(f'api_key.{member}: '), (member, value, said)
    for body in (b'', b'{', b'[]', b'{"api_key": 1}', b'{"api_key": {}}'):
        answer = desk.web.post(
            base(ann),
            body,
            headers={'X-Auth-Token': token},
            content_type='application/json',
            expect_errors=True,
        )
        assert answer.status_int == 400, body
    assert desk.ask('GET', base(ann), token).json['api_keys'] == []
    assert desk.trusts(ann) == []


def test_odd_but_good_input(desk: KeyDesk, ann: Person) -> None:
    made = desk.made(
        ann,
        name='\N{ROCKET} ' + 'x' * 253,
        expires_at='2090-06-01T12:00:00+02:00',
        allowed_cidrs=['0.0.0.0/0', '2001:db8::/32', '::ffff:10.0.0.0/104'],
    )
    assert made['expires_at'] == '2090-06-01T10:00:00.000000Z'
    assert made['allowed_cidrs'] == [
        '0.0.0.0/0',
        '2001:db8::/32',
        '10.0.0.0/8',
    ]
    for name in ('two', 'three'):
        end = desk.made(ann, name=name, expires_at='9999-12-31T23:59:59')
        assert end['expires_at'] == '9999-12-31T23:59:59.000000Z'


def test_two_keys_may_have_one_end(desk: KeyDesk, ann: Person) -> None:
    end = later(days=1)
    keys = [desk.made(ann, name=n, expires_at=end) for n in ('one', 'two')]
    assert len({key['expires_at'] for key in keys}) == 1
    assert len({trust['expires_at'] for trust in desk.trusts(ann)}) == 2
    for key in keys:
        desk.token(key['secret'])


def test_rights_beyond_those_of_the_owner_are_refused(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    domain = cloud.domain()
    foreign = cloud.make('role', name='foreign', domain_id=domain)
    closed = cloud.make('project', name='closed', domain_id=domain)
    path_ = f'/v3/projects/{closed["id"]}/users/{ann.id}/roles/'
    cloud.ask('PUT', path_ + cloud.role('member'))
    cloud.change('domain', domain, enabled=False)
    odd = ('no such', 'a/b%2f?c#', '../users', '..')
    refused: list[dict[str, Any]] = [
        {'roles': [{'name': 'admin'}]},
        {'roles': [{'name': 'no such role'}]},
        *[{'roles': [{'id': id_}]} for id_ in (*odd, foreign['id'])],
        *[{'project_id': id_} for id_ in odd],
        {'project_id': cloud.project('admin')},
        {'project_id': closed['id']},
        {'unrestricted': True},
    ]
    for members in refused:
        answer = desk.create(ann, token, **members)
        assert answer.status_int == 403, members
    unscoped = desk.create(ann, cloud.token_of(ann))
    assert unscoped.status_int == 400
    assert 'api_key.project_id' in unscoped.json['error']['message']
    assert desk.trusts(ann) == []


def test_a_role_of_a_domain_that_implies_nothing_is_refused(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    role = cloud.make('role', name=f'own-{ann.name}', domain_id='default')
    cloud.ask(
        'PUT',
        f'/v3/projects/{cloud.project("demo")}/users/{ann.id}'
        f'/roles/{role["id"]}',
    )
    token = cloud.token_of(ann, 'demo')
    answer = desk.create(ann, token, roles=[{'id': role['id']}])
    assert answer.status_int == 400
    assert 'api_key.roles' in answer.json['error']['message']
    assert desk.trusts(ann) == []
    assert desk.made(ann)['roles'] == [
        {'id': cloud.role('member'), 'name': 'member'}
    ]


def test_keys_of_others(
    desk: KeyDesk, cloud: Cloud, ann: Person, bob: Person
) -> None:
    key = desk.made(ann)
    theirs = cloud.token_of(bob)
    rotate = f'{path(key)}/rotate'
    for method, place in (
        ('GET', path(key)),
        ('PATCH', path(key)),
        ('DELETE', path(key)),
        ('POST', rotate),
        ('GET', f'{base(bob)}/{key["id"]}'),
    ):
        answer = desk.ask(method, place, theirs)
        assert answer.status_int == 404, place
        said = f'Could not find API key: {key["id"]}.'
        assert answer.json['error']['message'] == said
    for method, place in (
        ('GET', base(ann)),
        ('POST', base(ann)),
        ('GET', '/v3/api_keys'),
    ):
        assert desk.ask(method, place, theirs).status_int == 403, place
    assert desk.ask('GET', path(key), None).status_int == 401
    for method, place in (('POST', base(ann)), ('POST', rotate)):
        assert desk.ask(method, place, cloud.admin).status_int == 403
    found = desk.ask('GET', f'/v3/api_keys?user_id={ann.id}', cloud.admin)
    assert [one['id'] for one in found.json['api_keys']] == [key['id']]


def change(desk: KeyDesk, key: Any, token: str, **members: Any) -> Any:
    return desk.ask('PATCH', path(key), token, {'api_key': members})


def test_what_an_admin_disabled_only_an_admin_enables(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    key = desk.made(ann)
    shown = change(desk, key, cloud.admin, enabled=False).json['api_key']
    assert shown['disabled_by'] == 'admin'
    change(desk, key, token, enabled=False)
    assert change(desk, key, token, enabled=True).status_int == 403
    assert change(desk, key, cloud.admin, enabled=True).status_int == 200
    desk.token(key['secret'])


def test_a_leaked_key_is_revoked_without_a_token(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    key = desk.made(ann)
    place = '/v3/api_keys/revoke'
    for secret in ('nothing', key['secret'][:-1], key['secret'].swapcase()):
        answer = desk.ask('POST', place, None, {'secret': secret})
        assert (answer.status_int, answer.body) == (204, b'')
    bought = desk.token(key['secret'])
    answer = desk.ask('POST', place, None, {'secret': key['secret']})
    assert (answer.status_int, answer.body) == (204, b'')
    assert not desk.is_valid(bought)
    token = cloud.token_of(ann, 'demo')
    assert change(desk, key, token, enabled=True).status_int == 403
    bad: list[Any] = [{}, {'secret': 1}, {'secret': 'x', 'more': 1}, []]
    for body in bad:
        assert desk.ask('POST', place, None, body).status_int == 400


def test_names_and_places_are_limited_also_at_once(
    tmp_path: pathlib.Path, cloud: Cloud, ann: Person
) -> None:
    desk = KeyDesk(tmp_path, cloud, options(per_user='3'))
    token = cloud.token_of(ann, 'demo')
    desk.made(ann)
    taken = desk.create(ann, token)
    assert taken.status_int == 409
    assert taken.json['error']['message'] == (
        'Conflict occurred attempting to store api_key - Duplicate entry '
        'found with name one.'
    )
    with futures.ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(
                lambda n: desk.create(ann, token, name=f'key {n}'), range(5)
            )
        )
    assert sorted(a.status_int for a in answers) == [201, 201, 403, 403, 403]
    refused = next(a for a in answers if a.status_int == 403)
    assert refused.json['error']['message'] == (
        'Unable to create additional API keys, maximum of 3 already exceeded '
        'for user.'
    )


def test_changes_that_are_not_possible(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    key, _ = desk.made(ann), desk.made(ann, name='two')
    for member in ('roles', 'project_id', 'expires_at', 'secret', 'id'):
        answer = change(desk, key, token, **{member: None})
        assert answer.status_int == 400
        assert f'api_key.{member}: ' in answer.json['error']['message']
    assert change(desk, key, token, name='two').status_int == 409
    for grace in (-1, 604801, 1.5, True, '60', None):
        rotate = {'grace': grace}
        answer = desk.ask('POST', f'{path(key)}/rotate', token, rotate)
        assert answer.status_int == 400, grace
    changed = change(desk, key, token, name='new', allowed_cidrs=None)
    assert changed.json['api_key']['name'] == 'new'
    desk.token(key['secret'])


def test_pages_and_parameters(
    desk: KeyDesk, cloud: Cloud, ann: Person
) -> None:
    token = cloud.token_of(ann, 'demo')
    made = [desk.made(ann, name=f'key {n}')['id'] for n in range(3)]
    first = desk.ask('GET', f'{base(ann)}?limit=2', token).json
    rest = desk.ask('GET', first['links']['next'], token).json
    found = [one['id'] for one in first['api_keys'] + rest['api_keys']]
    assert found == sorted(made)
    assert (rest['links']['next'], first['links']['previous']) == (None, None)
    one = desk.ask('GET', f'{base(ann)}?name=key%201', token).json
    assert [key['name'] for key in one['api_keys']] == ['key 1']
    none = desk.ask('GET', f'{base(ann)}?enabled=false', token).json
    assert none['api_keys'] == []
    for query in (
        'limit=0',
        'limit=1001',
        'limit=x',
        'enabled=1',
        'user_id=x',
        'name=a&name=b',
    ):
        answer = desk.ask('GET', f'{base(ann)}?{query}', token)
        assert answer.status_int == 400, query
    place = '/v3/api_keys?unused_since='
    new = desk.ask('GET', f'{place}2020-01-01', cloud.admin).json
    assert new['api_keys'] == []
    old = desk.ask('GET', f'{place}2999-01-01T00:00:00Z', cloud.admin).json
    assert {*made} <= {key['id'] for key in old['api_keys']}
    assert desk.ask('GET', f'{place}soon', cloud.admin).status_int == 400


def test_other_methods_and_other_spellings(desk: KeyDesk, ann: Person) -> None:
    answer = desk.ask('PUT', f'{base(ann)}/1', None)
    assert answer.status_int == 405
    assert answer.headers['Allow'] == 'GET, HEAD, PATCH, DELETE'
    before = len(desk.between.asked)
    for place in (
        f'/v3//users/{ann.id}/api_keys',
        f'/v3/users/{ann.id}/api%5fkeys'.replace('%', '%25'),
        '/v3/x/../api_keys',
        '//v3/api_keys/revoke',
    ):
        answer = desk.ask('GET', place, None)
        assert answer.status_int == 400, place
        assert answer.json['error']['code'] == 400
    assert len(desk.between.asked) == before
    desk.ask('OPTIONS', base(ann), None)
    assert len(desk.between.asked) == before + 1
