"""Every status and message that the contract lists, in both formats."""

from collections.abc import Callable
import json
from typing import Any
from urllib.parse import quote

import pytest
import webtest

from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.pass_through import Wrapped

NO_TOKEN = (
    'unauthorized',
    401,
    "No valid token provided. Please use the 'X-Auth-Token' header with a "
    'valid token.',
)
FORBIDDEN = ('forbidden', 403, 'Not Authorized')
MISMATCH = ('badRequest', 400, 'User and UserId mis-matched')
NO_KEY = ('itemNotFound', 404, "User doesn't have api key credentials")
BAD_METHOD = ('badMethod', 405, 'Method not allowed')
BAD_TYPE = ('badMediaType', 415, "I don't understand the content type")
MALFORMED = {
    'json': ('badRequest', 400, 'Invalid json request body'),
    'xml': ('badRequest', 400, 'Invalid XML request body'),
}

# The operations by name: method, path, and whether they take a key.
OPERATIONS: dict[str, tuple[str, Callable[[str], str], bool]] = {
    'list': ('GET', wires.base, False),
    'add': ('POST', wires.base, True),
    'get': ('GET', wires.key, False),
    'update': ('POST', wires.key, True),
    'delete': ('DELETE', wires.key, False),
    'reset': ('POST', wires.reset, False),
}
SETTING = ['add', 'update']
OTHERS = [name for name in OPERATIONS if name not in SETTING]


@pytest.fixture(scope='module')
def web(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> webtest.TestApp:
    """keymw before the real Keystone, with the caches it has by default."""
    cached = {'token_cache_ttl': '', 'user_cache_ttl': ''}
    made = Deployment(
        tmp_path_factory.mktemp('catalogue'), {'identity': cached}
    )
    made.set_up()
    return made.web(cloud.app)


@pytest.fixture(scope='module')
def staff(cloud: Cloud) -> str:
    """The token of an identity admin."""
    return cloud.token_of(cloud.with_role('identity:admin'), 'demo')


@pytest.fixture(scope='module')
def role_less(cloud: Cloud) -> str:
    """The token of a user without any role."""
    return cloud.token_of(cloud.person())


@pytest.fixture(scope='module')
def above(cloud: Cloud) -> Person:
    """A service admin, over whom staff has no say."""
    return cloud.with_role('identity:service-admin')


@pytest.fixture
def operate(send: Any, wire: wires.Wire) -> Any:
    """Do an operation on a user, with a good body where it takes one."""

    def do(name: str, user: Person, body: Any = None, **more: Any) -> Any:
        method, path, takes_key = OPERATIONS[name]
        if body is None and takes_key:
            body = wire.write(username=user.name, apiKey='key' * 6)
        return send(method, path(user.id), body, **more)

    return do


def nobody(name: str = 'nobody') -> Person:
    """A user that Keystone does not know."""
    return Person('00000000000000000000000000000000', name)


class TestWhoAsks:
    @pytest.mark.parametrize(
        'token', [None, '', ' ', 'garbage', 'gAAAAABm' + 'A' * 200]
    )
    def test_no_valid_token(
        self, operate: Any, wire: wires.Wire, token: str | None
    ) -> None:
        for name in OPERATIONS:
            answer = operate(name, nobody(), token=token)
            assert answer.status_int == 401
            assert wire.fault(answer) == NO_TOKEN
            assert 'WWW-Authenticate' not in answer.headers

    @pytest.mark.parametrize(
        'token',
        ['Ã¼rsula', "' OR 1=1 --", '../admin', '%00', '*', 'a' * 5000, '{}'],
    )
    def test_odd_token_is_no_outage(
        self, operate: Any, wire: wires.Wire, token: str
    ) -> None:
        answer = operate('get', nobody(), token=token)
        assert wire.fault(answer) == NO_TOKEN

    def test_token_of_which_a_letter_changed(
        self, operate: Any, wire: wires.Wire, bob: Person, cloud: Cloud
    ) -> None:
        middle = len(cloud.admin) // 2
        letter = 'B' if cloud.admin[middle] == 'A' else 'A'
        token = cloud.admin[:middle] + letter + cloud.admin[middle + 1 :]
        assert wire.fault(operate('get', bob, token=token)) == NO_TOKEN

    def test_challenge_where_the_operator_wants_one(
        self, deploy: Any, cloud: Cloud, operate: Any, bob: Person
    ) -> None:
        url = 'https://identity.example/v3'
        web = deploy(cloud.app, {'kskey': {'www_authenticate_uri': url}})
        refused = operate('get', bob, token='garbage', web=web)
        assert refused.headers['WWW-Authenticate'] == f'Keystone uri="{url}"'
        for answer in (
            operate('get', bob, web=web),
            operate('get', bob, web=web, token=cloud.token_of(bob)),
            operate('add', bob, web=web, token=cloud.token_of(bob)),
        ):
            assert answer.status_int != 401
            assert 'WWW-Authenticate' not in answer.headers


class TestWhoMay:
    @pytest.mark.parametrize(
        'name', ['list', 'add', 'get', 'update', 'delete']
    )
    def test_role_less_caller_on_somebody_else(
        self,
        operate: Any,
        wire: wires.Wire,
        role_less: str,
        above: Person,
        name: str,
    ) -> None:
        answer = operate(name, above, token=role_less)
        assert answer.status_int == 403
        assert wire.fault(answer) == FORBIDDEN

    @pytest.mark.parametrize('name', SETTING)
    def test_role_less_caller_cannot_choose_a_key(
        self,
        operate: Any,
        wire: wires.Wire,
        cloud: Cloud,
        bob: Person,
        name: str,
    ) -> None:
        answer = operate(name, bob, token=cloud.token_of(bob))
        assert wire.fault(answer) == FORBIDDEN
        assert wire.fault(operate('get', bob)) == NO_KEY

    def test_default_user_resets_the_key_of_somebody_else(
        self, operate: Any, wire: wires.Wire, cloud: Cloud
    ) -> None:
        caller = cloud.with_role('identity:default')
        token = cloud.token_of(caller, 'demo')
        answer = operate('reset', cloud.person(), token=token)
        assert wire.fault(answer) == (
            'forbidden',
            403,
            'This user can only reset their own apiKey',
        )

    def test_identity_admin_resets_the_key_of_a_service_admin(
        self, operate: Any, wire: wires.Wire, staff: str, above: Person
    ) -> None:
        assert wire.fault(operate('reset', above, token=staff)) == (
            'forbidden',
            403,
            'This user cannot set or reset Service Admin apiKey.',
        )
        assert wire.fault(operate('get', above)) == NO_KEY


class TestWhatIsNotThere:
    @pytest.mark.parametrize('name', OPERATIONS)
    def test_unknown_user(
        self, operate: Any, wire: wires.Wire, name: str
    ) -> None:
        answer = operate(name, nobody())
        assert answer.status_int == 404
        assert wire.fault(answer) == (
            'itemNotFound',
            404,
            f'User {nobody().id} not found',
        )

    @pytest.mark.parametrize('user_id', ['a<b>&"\'', 'ürsula', 'a%b', 'x?y#'])
    def test_unknown_user_of_an_odd_id(
        self, send: Any, wire: wires.Wire, user_id: str
    ) -> None:
        answer = send('GET', wires.key(quote(user_id)))
        assert wire.fault(answer)[2] == f'User {user_id} not found'

    def test_unknown_user_of_an_id_that_xml_lacks(
        self, send: Any, wire: wires.Wire
    ) -> None:
        answer = send('GET', wires.key(quote('u\uffff')))
        shown = 'u\uffff' if wire.name == 'json' else 'u\ufffd'
        assert wire.fault(answer)[2] == f'User {shown} not found'

    def test_no_key_to_get(
        self, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        assert wire.fault(operate('get', bob)) == NO_KEY

    def test_no_key_to_delete(
        self, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        operate('add', bob)
        assert operate('delete', bob).status_int == 204
        assert wire.fault(operate('delete', bob)) == (
            'itemNotFound',
            404,
            'Credential type RAX-KSKEY:apiKeyCredentials was not found for '
            f'User with Id: {bob.id}',
        )

    def test_empty_list(
        self, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        answer = operate('list', bob)
        assert answer.status_int == 200
        assert wire.keys(answer) == []
        if wire.name == 'json':
            assert json.loads(answer.body) == {
                'credentials': [],
                'credentials_links': [],
            }
        else:
            assert answer.body.endswith(
                b'<credentials xmlns="http://docs.openstack.org/identity/api/'
                b'v2.0"/>'
            )


@pytest.mark.parametrize('name', SETTING)
class TestWhatABodyLacks:
    """The check comes before the look-up of the user, so any id will do."""

    @pytest.mark.parametrize(
        'members',
        [
            {'apiKey': 'key'},
            {'apiKey': 'key', 'username': ''},
            {'apiKey': 'key', 'username': ' \t\n'},
            {},
        ],
        ids=['missing', 'empty', 'blank', 'both'],
    )
    def test_no_username(
        self,
        operate: Any,
        wire: wires.Wire,
        name: str,
        members: dict[str, str],
    ) -> None:
        answer = operate(name, nobody(), wire.write(**members))
        assert answer.status_int == 400
        assert wire.fault(answer) == ('badRequest', 400, 'Expecting username')

    @pytest.mark.parametrize('key', [None, '', '   ', '\u3000'])
    def test_no_key(
        self, operate: Any, wire: wires.Wire, name: str, key: str | None
    ) -> None:
        members = {'username': 'nobody'}
        if key is not None:
            members['apiKey'] = key
        answer = operate(name, nobody(), wire.write(**members))
        assert wire.fault(answer) == ('badRequest', 400, 'Expecting apiKey')

    def test_empty_body(
        self, operate: Any, wire: wires.Wire, name: str
    ) -> None:
        answer = operate(name, nobody(), b'')
        assert answer.status_int == 400
        assert wire.fault(answer) == MALFORMED[wire.name]

    def test_unparseable_body(
        self, operate: Any, wire: wires.Wire, name: str
    ) -> None:
        answer = operate(name, nobody(), b'{<')
        assert wire.fault(answer) == MALFORMED[wire.name]

    def test_foreign_type(
        self, operate: Any, wire: wires.Wire, name: str
    ) -> None:
        foreign = {'Content-Type': 'text/plain'}
        answer = operate(name, nobody(), headers=foreign)
        assert answer.status_int == 415
        assert wire.fault(answer) == BAD_TYPE


@pytest.mark.parametrize('name', SETTING)
class TestWhatABodySays:
    def test_key_over_100_characters(
        self, operate: Any, wire: wires.Wire, bob: Person, name: str
    ) -> None:
        body = wire.write(username=bob.name, apiKey='k' * 101)
        assert wire.fault(operate(name, bob, body)) == (
            'badRequest',
            400,
            'apiKey length cannot exceed 100 characters',
        )
        assert wire.fault(operate('get', bob)) == NO_KEY

    def test_key_of_100_characters(
        self, operate: Any, wire: wires.Wire, bob: Person, name: str
    ) -> None:
        for key in ('k' * 100, '\U0001f511' * 100, ' k ' * 6):
            body = wire.write(username=bob.name, apiKey=key)
            assert wire.key(operate(name, bob, body)) == (bob.name, key)
            assert wire.key(operate('get', bob)) == (bob.name, key)

    @pytest.mark.parametrize('has_key', [False, True])
    def test_name_of_somebody_else_changes_nothing(
        self,
        operate: Any,
        wire: wires.Wire,
        zoe: Person,
        name: str,
        has_key: bool,
    ) -> None:
        if has_key:
            operate(
                'add', zoe, wire.write(username=zoe.name, apiKey='old' * 6)
            )
        for other in (
            zoe.name.upper(),
            f'{zoe.name}x',
            f'x{zoe.name}',
            f' {zoe.name}',
            f'{zoe.name} ',
            'admin',
            zoe.id,
        ):
            body = wire.write(username=other, apiKey='new' * 6)
            answer = operate(name, zoe, body)
            assert answer.status_int == 400
            assert wire.fault(answer) == MISMATCH
        found = operate('get', zoe)
        if has_key:
            assert wire.key(found) == (zoe.name, 'old' * 6)
        else:
            assert wire.fault(found) == NO_KEY


def test_unknown_member_in_json(
    web: webtest.TestApp, cloud: Cloud, bob: Person
) -> None:
    body = wires.Json().write(username=bob.name, apiKey='k' * 16, tenantId='t')
    answer = web.post(
        wires.base(bob.id),
        body,
        headers={'X-Auth-Token': cloud.admin},
        content_type='application/json',
        status=400,
    )
    assert answer.json == {
        'badRequest': {'code': 400, 'message': 'Invalid json request body'}
    }


class TestUpserts:
    @pytest.mark.parametrize(
        ('name', 'status'), [('add', 201), ('update', 200)]
    )
    def test_set_and_set_again(
        self,
        operate: Any,
        wire: wires.Wire,
        bob: Person,
        name: str,
        status: int,
    ) -> None:
        for key in ('first' * 4, 'second' * 3):
            body = wire.write(username=bob.name, apiKey=key)
            answer = operate(name, bob, body)
            assert answer.status_int == status
            assert wire.key(answer) == (bob.name, key)
            assert wire.key(operate('get', bob)) == (bob.name, key)
            assert wire.keys(operate('list', bob)) == [(bob.name, key)]

    def test_reset_makes_a_key_where_there_was_none(
        self, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        made = wire.key(operate('reset', bob))
        assert wire.key(operate('get', bob)) == made

    def test_one_user_is_not_another(
        self, operate: Any, wire: wires.Wire, bob: Person, cloud: Cloud
    ) -> None:
        ann = cloud.person()
        for user in (bob, ann):
            body = wire.write(username=user.name, apiKey=f'of {user.name}')
            operate('add', user, body)
        operate('delete', ann)
        assert wire.key(operate('get', bob)) == (bob.name, f'of {bob.name}')


ALLOWED: dict[Callable[[str], str], list[str]] = {
    wires.base: ['GET', 'HEAD', 'POST'],
    wires.key: ['GET', 'HEAD', 'POST', 'DELETE'],
    wires.reset: ['POST'],
}
METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'get']


@pytest.mark.parametrize('path', ALLOWED, ids=lambda path: path.__name__)
@pytest.mark.parametrize('method', METHODS)
def test_method_matrix(
    send: Any,
    wire: wires.Wire,
    cloud: Cloud,
    path: Callable[[str], str],
    method: str,
) -> None:
    """A method outside the matrix is 405 for every caller."""
    for token in (None, 'garbage', cloud.admin):
        answer = send(method, path(nobody().id), token=token)
        if method in ALLOWED[path]:
            wanted = (400, 404) if token == cloud.admin else (401,)
            assert answer.status_int in wanted
            assert 'Allow' not in answer.headers
            continue
        assert answer.status_int == 405
        assert answer.headers['Allow'] == ', '.join(ALLOWED[path])
        assert answer.headers['Content-Type'] == wire.media_type
        if method != 'HEAD':
            assert wire.fault(answer) == BAD_METHOD


def test_methods_of_extensions(send: Any, wire: wires.Wire) -> None:
    for path in ('/v2.0/extensions', '/v2.0/extensions/RAX-KSKEY'):
        for method in ('POST', 'PUT', 'DELETE'):
            answer = send(method, path, token=None)
            assert answer.headers['Allow'] == 'GET, HEAD'
            assert wire.fault(answer) == BAD_METHOD


class TestOutage:
    @pytest.mark.parametrize('status', ['500 Oops', '503 Down', '200 OK'])
    def test_identity_service_that_is_out_of_order(
        self, deploy: Any, operate: Any, wire: wires.Wire, status: str
    ) -> None:
        web = deploy(Wrapped(status, Content_Type='text/plain'))
        for name in OPERATIONS:
            answer = operate(name, nobody(), token='some', web=web)
            assert answer.status_int == 503
            assert wire.fault(answer)[:2] == ('serviceUnavailable', 503)
            assert int(answer.headers['Retry-After']) > 0


class TestHeaders:
    @pytest.fixture
    def answers(self, operate: Any, bob: Person, cloud: Cloud) -> list[Any]:
        """One response of each kind."""
        token = cloud.token_of(bob)
        return [
            operate('add', bob),
            operate('list', bob),
            operate('get', bob),
            operate('update', bob),
            operate('reset', bob),
            operate('delete', bob),
            operate('get', bob),
            operate('get', bob, token=None),
            operate('add', bob, token=token),
            operate('add', bob, b''),
            operate('add', bob, headers={'Content-Type': 'text/plain'}),
            operate('add', bob, b'x' * 70000),
        ]

    def test_no_answer_is_kept_by_a_cache(self, answers: list[Any]) -> None:
        statuses = [answer.status_int for answer in answers]
        assert statuses == [
            *(201, 200, 200, 200, 200, 204),
            *(404, 401, 403, 400, 415, 413),
        ]
        for answer in answers:
            assert answer.headers['Cache-Control'] == 'no-store'
            assert answer.headers['Vary'] == 'Accept, X-Auth-Token'

    def test_every_body_says_what_it_is(
        self, answers: list[Any], wire: wires.Wire
    ) -> None:
        for answer in answers:
            if answer.status_int == 204:
                assert answer.body == b''
                assert 'Content-Type' not in answer.headers
                assert 'Content-Length' not in answer.headers
                continue
            assert answer.headers['Content-Type'] == wire.media_type
            length = int(answer.headers['Content-Length'])
            assert length == len(answer.body) > 0

    @pytest.mark.parametrize('path', [wires.base, wires.key])
    @pytest.mark.parametrize('has_key', [True, False])
    @pytest.mark.parametrize('token', ['admin', None])
    def test_head_is_get_without_the_body(
        self,
        send: Any,
        operate: Any,
        bob: Person,
        cloud: Cloud,
        path: Callable[[str], str],
        has_key: bool,
        token: str | None,
    ) -> None:
        if has_key:
            operate('add', bob)
        token = cloud.admin if token else None
        get, head = (
            send(method, path(bob.id), token=token)
            for method in ('GET', 'HEAD')
        )
        assert head.status == get.status
        assert head.body == b''
        del head.headers['X-Openstack-Request-Id']
        del get.headers['X-Openstack-Request-Id']
        assert dict(head.headers) == dict(get.headers)
        assert get.headers['Content-Length'] != '0'


class TestShapeOfAFault:
    def test_json(self, web: webtest.TestApp) -> None:
        answer = web.get(wires.base('u1'), status=401)
        assert list(answer.json) == ['unauthorized']
        assert answer.json['unauthorized'] == {
            'code': 401,
            'message': NO_TOKEN[2],
        }
        assert type(answer.json['unauthorized']['code']) is int

    def test_xml(self, web: webtest.TestApp) -> None:
        answer = web.get(
            wires.base('u1'), headers={'Accept': 'application/xml'}, status=401
        )
        head, _, body = answer.body.partition(b'\n')
        assert head == b"<?xml version='1.0' encoding='UTF-8'?>"
        assert body.decode() == (
            '<unauthorized '
            'xmlns="http://docs.openstack.org/identity/api/v2.0" code="401">'
            f'<message>{NO_TOKEN[2]}</message></unauthorized>'
        )


class TestOrderOfChecks:
    """The first failure is the response; later checks are not made."""

    @pytest.mark.parametrize('name', SETTING)
    @pytest.mark.parametrize('token', [None, 'garbage'])
    def test_token_before_body(
        self,
        operate: Any,
        wire: wires.Wire,
        bob: Person,
        name: str,
        token: str | None,
    ) -> None:
        foreign = {'Content-Type': 'text/plain'}
        for more in ({'body': b'{<'}, {'body': b'x', 'headers': foreign}):
            answer = operate(name, bob, token=token, **more)
            assert wire.fault(answer) == NO_TOKEN

    @pytest.mark.parametrize('name', SETTING)
    def test_role_before_body(
        self,
        operate: Any,
        wire: wires.Wire,
        cloud: Cloud,
        bob: Person,
        name: str,
    ) -> None:
        token = cloud.token_of(bob)
        foreign = {'Content-Type': 'text/plain'}
        for more in ({'body': b'{<'}, {'body': b'x', 'headers': foreign}):
            answer = operate(name, bob, token=token, **more)
            assert wire.fault(answer) == FORBIDDEN

    @pytest.mark.parametrize('name', OTHERS)
    def test_role_before_user(
        self,
        operate: Any,
        wire: wires.Wire,
        role_less: str,
        above: Person,
        name: str,
    ) -> None:
        """A caller with rights on self alone learns nothing about others."""
        there = operate(name, above, token=role_less)
        not_there = operate(name, nobody(), token=role_less)
        assert wire.fault(there)[:2] == FORBIDDEN[:2]
        assert not_there.body == there.body

    @pytest.mark.parametrize('name', SETTING)
    def test_body_before_user(
        self, operate: Any, wire: wires.Wire, name: str
    ) -> None:
        answer = operate(
            name, nobody(), b'{<', headers={'Content-Type': 'text/plain'}
        )
        assert wire.fault(answer) == BAD_TYPE
        answer = operate(name, nobody(), b'{<')
        assert wire.fault(answer) == MALFORMED[wire.name]
        body = wire.write(username='nobody')
        answer = operate(name, nobody(), body)
        assert wire.fault(answer)[2] == 'Expecting apiKey'

    @pytest.mark.parametrize('name', SETTING)
    def test_user_before_name(
        self, operate: Any, wire: wires.Wire, staff: str, name: str
    ) -> None:
        answer = operate(name, nobody(), token=staff)
        assert wire.fault(answer)[2] == f'User {nobody().id} not found'

    @pytest.mark.parametrize('name', SETTING)
    def test_right_over_the_user_before_name(
        self,
        operate: Any,
        wire: wires.Wire,
        staff: str,
        above: Person,
        name: str,
    ) -> None:
        body = wire.write(username='another', apiKey='key' * 6)
        answer = operate(name, above, body, token=staff)
        assert wire.fault(answer) == FORBIDDEN

    @pytest.mark.parametrize('name', ['get', 'delete'])
    def test_right_over_the_user_before_key(
        self,
        operate: Any,
        wire: wires.Wire,
        staff: str,
        above: Person,
        name: str,
    ) -> None:
        answer = operate(name, above, token=staff)
        assert wire.fault(answer) == FORBIDDEN


class TestLimit:
    def test_nothing_is_selected(
        self, send: Any, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        operate('add', bob)
        for query in (
            'limit=0',
            'limit=1',
            'limit=007',
            f'limit={"9" * 5000}',
            'marker=x',
            'marker=-1',
            'marker=',
            'marker=x&limit=10',
            'limit=5&x=%3C',
            'x',
            '&&',
            '',
        ):
            answer = send('GET', f'{wires.base(bob.id)}?{query}')
            assert wire.keys(answer) == [(bob.name, 'key' * 6)], query

    @pytest.mark.parametrize(
        'limit',
        ['x', '', '1.5', '%2B1', '1e3', '0x10', '%201', '1%0A', '%D9%A1', '-'],
    )
    def test_limit_that_is_no_integer(
        self, send: Any, wire: wires.Wire, limit: str
    ) -> None:
        answer = send('GET', f'{wires.base(nobody().id)}?limit={limit}')
        assert answer.status_int == 400
        assert wire.fault(answer) == (
            'badRequest',
            400,
            'limit must be an integer',
        )

    def test_limit_below_zero(self, send: Any, wire: wires.Wire) -> None:
        answer = send('GET', f'{wires.base(nobody().id)}?limit=-1')
        assert wire.fault(answer) == (
            'badRequest',
            400,
            'Limit must be non negative',
        )

    @pytest.mark.parametrize('query', ['limit=%FF', '%FF=1', 'x=%C3%28'])
    def test_query_that_is_not_utf8(
        self, send: Any, wire: wires.Wire, query: str
    ) -> None:
        answer = send('GET', f'{wires.base(nobody().id)}?{query}')
        assert answer.status_int == 400
        assert wire.fault(answer)[:2] == ('badRequest', 400)

    def test_only_the_list_has_a_limit(
        self, send: Any, operate: Any, wire: wires.Wire, bob: Person
    ) -> None:
        operate('add', bob)
        answer = send('GET', f'{wires.key(bob.id)}?limit=x')
        assert wire.key(answer) == (bob.name, 'key' * 6)

    def test_a_stranger_hears_of_no_limit(
        self, send: Any, wire: wires.Wire
    ) -> None:
        answer = send('GET', f'{wires.base("u1")}?limit=x', token=None)
        assert wire.fault(answer) == NO_TOKEN
