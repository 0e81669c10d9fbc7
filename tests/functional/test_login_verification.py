"""Logins that get a token, and the refusals of all others (contract, 6.2;
contract keystone, 1)."""

from collections.abc import Callable
from collections.abc import Iterator
import itertools
import logging
import pathlib
from typing import Any
import uuid

import pytest

from keymw.credentials import keys
from keymw.storage.base import Outage
from keymw.storage.sql.credentials import SqlCredentials
from keymw.vault import Vault
from tests.support import wire as wires
from tests.support.between import broken
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.login import JSON
from tests.support.login import V1_1
from tests.support.login import WAYS
from tests.support.login import WRONG
from tests.support.login import Desk
from tests.support.login import Rewritten

ISSUE = 'POST /v3/auth/tokens'
OF_ONE_ANSWER = ('x-openstack-request-id', 'date')

by_every_way = pytest.mark.parametrize('way', WAYS)


@pytest.fixture(scope='module')
def desk(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Desk:
    made = Desk(tmp_path_factory.mktemp('verification') / 'keymw', cloud)
    # Now it is known what Keystone speaks.
    made.v1_0('nobody', 'none')
    return made


@pytest.fixture(scope='module')
def ann(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture(scope='module')
def key(desk: Desk, ann: Person) -> str:
    return desk.key_of(ann)


@pytest.fixture(scope='module')
def keyless(cloud: Cloud) -> Person:
    return cloud.with_role('member')


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(
    caplog: pytest.LogCaptureFixture, key: str, cloud: Cloud
) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, logger='keymw')
    yield
    said = told(caplog)
    for secret in (key, cloud.admin, 'wrong-key', 'gAAAA'):
        assert secret not in said


def told(caplog: pytest.LogCaptureFixture) -> str:
    """What keymw logged, tracebacks included."""
    formatter = logging.Formatter()
    return '\n'.join(
        formatter.format(record)
        for record in caplog.get_records('call')
        if record.name.startswith('keymw')
    )


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The work in the store, in the vault and of the comparison."""
    done: list[str] = []

    def count(owner: Any, name: str, shown: str) -> None:
        kept = getattr(owner, name)

        def counted(*values: Any) -> Any:
            done.append(shown)
            return kept(*values)

        monkeypatch.setattr(owner, name, counted)

    for name in ('get', 'find', 'put', 'rename'):
        count(SqlCredentials, name, f'store {name}')
    count(Vault, 'open', 'open')
    count(keys, 'are_equal', 'compare')
    return done


def shown(answer: Any) -> tuple[Any, ...]:
    """All of a response that does not name the request."""
    headers = sorted(
        (name.lower(), value)
        for name, value in answer.headers.items()
        if name.lower() not in OF_ONE_ANSWER
    )
    return answer.status, headers, answer.body


class TestOneRefusal:
    """Unknown user, wrong key and no key are one and the same."""

    @pytest.fixture
    def names(self, ann: Person, key: str, keyless: Person) -> list[str]:
        """Of nobody, of who has a key, and of who has none."""
        del key
        return [uuid.uuid4().hex, ann.name, keyless.name]

    @pytest.fixture
    def alike(self, desk: Desk, work: list[str]) -> Callable[..., None]:
        """Check that all are refused in one way, after the same work."""

        def check(
            done: list[str], ask: Callable[[str], Any], whom: list[str]
        ) -> None:
            found = []
            for one in whom:
                work.clear()
                desk.between.asked.clear()
                answer = ask(one)
                assert answer.status_int == 401
                assert work == done
                assert desk.between.asked == []
                found.append(shown(answer))
            assert all(one == found[0] for one in found)

        return check

    @by_every_way
    def test_by_name(
        self, desk: Desk, names: list[str], alike: Any, way: str
    ) -> None:
        work = ['store find', 'open', 'compare']
        alike(work, lambda name: desk.by(way, name, 'wrong-key'), names)

    def test_by_id(
        self, desk: Desk, ann: Person, key: str, keyless: Person, alike: Any
    ) -> None:
        del key
        alike(
            ['store get', 'open', 'compare'],
            lambda id_: desk.v3({'id': id_}, 'wrong-key'),
            [uuid.uuid4().hex, ann.id, keyless.id, '', '\0'],
        )

    def test_by_a_percent_encoded_name(
        self, desk: Desk, names: list[str], alike: Any
    ) -> None:
        """One look-up more, whoever it is."""
        alike(
            ['store find', 'store find', 'open', 'compare'],
            lambda name: desk.v1_0(name, 'wrong-key'),
            [f'%{ord(name[0]):02x}{name[1:]}' for name in names],
        )

    def test_by_the_name_of_a_domain(
        self, desk: Desk, names: list[str], alike: Any
    ) -> None:
        """One request for it, for every user."""
        domain = {'name': 'Default'}
        desk.v3({'name': 'x', 'domain': domain}, 'x')
        alike(
            ['store find', 'open', 'compare'],
            lambda n: desk.v3({'name': n, 'domain': domain}, 'wrong-key'),
            names,
        )

    def test_a_right_key_does_the_same_work_first(
        self, desk: Desk, ann: Person, key: str, work: list[str]
    ) -> None:
        assert desk.by('v2.0', ann.name, key).status_int == 200
        assert work[:3] == ['store find', 'open', 'compare']

    def test_what_is_said(self, desk: Desk, wire: wires.Wire) -> None:
        answer = desk.sign_in(wire, 'nobody', 'wrong-key')
        assert wire.fault(answer) == WRONG
        assert answer.status_int == 401
        assert 'WWW-Authenticate' not in answer.headers

    def test_challenge_where_the_operator_wants_one(
        self, tmp_path: pathlib.Path, cloud: Cloud
    ) -> None:
        kskey = {'www_authenticate_uri': 'http://cloud/v3'}
        desk = Desk(tmp_path / 'keymw', cloud, {'kskey': kskey})
        answer = desk.by('v2.0', 'nobody', 'wrong-key')
        assert answer.headers['WWW-Authenticate'] == (
            'Keystone uri="http://cloud/v3"'
        )

    @by_every_way
    @pytest.mark.parametrize('change', ['', 'x', 'upper'])
    def test_key_that_is_nearly_right(
        self, desk: Desk, ann: Person, key: str, way: str, change: str
    ) -> None:
        near = key.upper() if change == 'upper' else key[:-1] + change
        near = near if near != key else key[1:]
        assert desk.by(way, ann.name, near).status_int == 401

    @by_every_way
    def test_name_is_exact(
        self, desk: Desk, ann: Person, key: str, way: str
    ) -> None:
        assert desk.by(way, ann.name.upper(), key).status_int == 401
        if way != 'v1.0':  # a server strips the spaces of a header
            assert desk.by(way, f'{ann.name} ', key).status_int == 401


@by_every_way
def test_old_key_ends_and_new_begins_with_a_reset(
    desk: Desk, cloud: Cloud, zoe: Person, way: str
) -> None:
    old = desk.key_of(zoe)
    token = JSON.access(desk.sign_in(JSON, zoe.name, old))['token']['id']
    new = desk.key_of(zoe)
    assert desk.by(way, zoe.name, old).status_int == 401
    assert desk.by(way, zoe.name, new).status_int < 300
    assert cloud.ask('GET', '/v3/auth/projects', token=token)
    desk.admin('DELETE', wires.key(zoe.id))
    assert desk.by(way, zoe.name, new).status_int == 401


class TestDisabled:
    """Revealed after a right key only."""

    @by_every_way
    def test_user(
        self, desk: Desk, cloud: Cloud, zoe: Person, way: str
    ) -> None:
        key = desk.key_of(zoe)
        cloud.change('user', zoe.id, enabled=False)
        before = shown(desk.by(way, 'nobody', 'wrong-key'))
        assert shown(desk.by(way, zoe.name, 'wrong-key')) == before
        desk.between.asked.clear()
        assert_disabled(desk.by(way, zoe.name, key), way, zoe)
        # Keystone would issue one.
        assert desk.between.count(ISSUE) == 0

    def test_domain(self, desk: Desk, cloud: Cloud) -> None:
        user = cloud.person(domain_id=cloud.domain())
        by_name = {'name': user.name, 'domain': {'id': user.domain_id}}
        key = desk.key_of(user)
        cloud.change('domain', user.domain_id, enabled=False)
        for who in ({'id': user.id}, by_name):
            assert desk.v3(who, 'wrong-key').status_int == 401
            assert_disabled(desk.v3(who, key), 'v3', user)

    def test_domain_that_is_remembered_as_enabled(
        self, tmp_path: pathlib.Path, cloud: Cloud
    ) -> None:
        options = {'identity': {'owner_cache_ttl': '3600'}}
        desk = Desk(tmp_path / 'keymw', cloud, options)
        user = cloud.person(domain_id=cloud.domain())
        key = desk.key_of(user)
        assert desk.v3({'id': user.id}, key).status_int == 201
        cloud.change('domain', user.domain_id, enabled=False)
        assert_disabled(desk.v3({'id': user.id}, key), 'v3', user)


def assert_disabled(answer: Any, way: str, user: Person) -> None:
    message = f"User '{user.name}' is disabled."
    assert answer.status_int == 403
    if way == 'v1.0':
        assert answer.text == 'Bad username or password\n'
    elif way == 'v3':
        assert answer.json['error']['message'] == message
    elif way == 'v2.0 in XML':
        found = wires.Xml().fault(answer)
        assert found == ('userDisabled', 403, message)
    else:
        assert JSON.fault(answer) == ('userDisabled', 403, message)


class TestOutage:
    """Never looks like a wrong key."""

    @by_every_way
    @pytest.mark.parametrize(
        'failing',
        [broken, reply(500), reply(429), reply(200, {}), reply(404, b'<p>')],
        ids=['raises', '500', '429', 'empty', 'page'],
    )
    def test_of_keystone(
        self, desk: Desk, ann: Person, key: str, way: str, failing: Any
    ) -> None:
        desk.between.instead('.*', itertools.repeat(failing))
        answer = desk.by(way, ann.name, key)
        wrong = desk.by(way, ann.name, 'wrong-key')
        desk.between.step_aside()
        assert_outage(answer)
        assert wrong.status_int == 401
        assert desk.by(way, ann.name, key).status_int < 300

    @pytest.mark.parametrize(
        'question',
        [
            ISSUE,
            'GET /v3/users/.*',
            'GET /v3/domains/.*',
            'GET /v3/auth/projects',
        ],
    )
    def test_at_any_question(
        self,
        tmp_path: pathlib.Path,
        cloud: Cloud,
        ann: Person,
        question: str,
    ) -> None:
        # Nothing is cached here yet.
        desk = Desk(tmp_path / 'new', cloud)
        key = desk.key_of(ann)
        desk.between.instead(question, itertools.repeat(reply(502)))
        answer = desk.by('v2.0', ann.name, key)
        desk.between.step_aside()
        assert_outage(answer)

    @pytest.mark.parametrize('status', [500, 503, 429])
    def test_when_it_is_asked_why_a_tenant_is_refused(
        self, desk: Desk, ann: Person, key: str, status: int
    ) -> None:
        refusal = reply(401, {'error': {'code': 401, 'message': 'no'}})
        desk.between.instead(ISSUE, [refusal, reply(status)])
        answer = desk.sign_in(wires.Json(), ann.name, key, tenantId='demo')
        desk.between.step_aside()
        assert_outage(answer)

    def test_inside_the_external_method(
        self, desk: Desk, ann: Person, key: str
    ) -> None:
        """Keystone then says 401; the look-up of the user gives the reason."""
        refusal = reply(401, {'error': {'code': 401, 'message': 'no'}})
        desk.between.instead(ISSUE, itertools.repeat(refusal))
        shown = desk.cloud.ask('GET', f'/v3/users/{ann.id}').json
        answers = [reply(200, shown), broken]
        desk.between.instead('GET /v3/users/.*', answers)
        answer = desk.by('v2.0', ann.name, key)
        desk.between.step_aside()
        assert_outage(answer)

    @by_every_way
    def test_before_it_is_known_what_keystone_speaks(
        self, tmp_path: pathlib.Path, cloud: Cloud, ann: Person, way: str
    ) -> None:
        for number, app in enumerate((broken, reply(404, b'<p>No</p>'))):
            desk = Desk(tmp_path / str(number), cloud, V1_1, app)
            answer = desk.by(way, ann.name, 'any')
            if way == 'v3' and number == 1:
                assert answer.body == b'<p>No</p>'
            else:
                assert_outage(answer)

    @by_every_way
    def test_of_the_store(
        self,
        desk: Desk,
        ann: Person,
        key: str,
        way: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_values: Any) -> None:
            raise Outage('the database is away')

        for name in ('get', 'find'):
            monkeypatch.setattr(SqlCredentials, name, fail)
        for secret in (key, 'wrong-key'):
            assert_outage(desk.by(way, ann.name, secret))

    @by_every_way
    def test_key_of_the_vault_that_is_lost(
        self, tmp_path: pathlib.Path, cloud: Cloud, zoe: Person, way: str
    ) -> None:
        desk = Desk(tmp_path / 'keymw', cloud)
        key = desk.key_of(zoe)
        (desk.home / 'vault' / '1').unlink()
        assert_outage(desk.by(way, zoe.name, key))
        assert desk.by(way, 'nobody', key).status_int == 401


def assert_outage(answer: Any) -> None:
    assert answer.status_int == 503
    assert answer.headers['Retry-After'] == '5'


class TestNames:
    """A name is that of the last write; an id is the user."""

    @by_every_way
    def test_renamed_user(
        self, desk: Desk, cloud: Cloud, zoe: Person, way: str
    ) -> None:
        key, new = desk.key_of(zoe), f'renamed-{uuid.uuid4().hex}'
        cloud.change('user', zoe.id, name=new)
        assert desk.by(way, new, key).status_int == 401
        assert desk.by(way, zoe.name, key).status_int < 300
        # Which brought the row up to date.
        assert desk.by(way, new, key).status_int < 300
        assert desk.by(way, zoe.name, key).status_int == 401

    @pytest.mark.parametrize('path', [wires.key, wires.base])
    def test_renamed_user_whose_key_is_shown(
        self, desk: Desk, cloud: Cloud, zoe: Person, path: Any
    ) -> None:
        key, new = desk.key_of(zoe), f'renamed-{uuid.uuid4().hex}'
        cloud.change('user', zoe.id, name=new)
        desk.admin('GET', path(zoe.id))
        for way in WAYS:
            assert desk.by(way, new, key).status_int < 300
            assert desk.by(way, zoe.name, key).status_int == 401

    def test_renamed_user_is_told_by_the_present_name(
        self, desk: Desk, cloud: Cloud, wire: wires.Wire, zoe: Person
    ) -> None:
        key, new = desk.key_of(zoe), f'renamed-{uuid.uuid4().hex}'
        cloud.change('user', zoe.id, name=new)
        answer = desk.sign_in(wire, zoe.name, key)
        user = wire.access(answer)['user']
        assert (user['id'], user['name']) == (zoe.id, new)

    @by_every_way
    def test_user_made_again_inherits_nothing(
        self,
        desk: Desk,
        cloud: Cloud,
        zoe: Person,
        way: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        key = desk.key_of(zoe)
        cloud.ask('DELETE', f'/v3/users/{zoe.id}')
        again = cloud.person(zoe.name)
        before = shown(desk.by(way, 'nobody', 'wrong-key'))
        desk.between.asked.clear()
        assert shown(desk.by(way, zoe.name, key)) == before
        assert desk.between.count(ISSUE) == 0
        assert f'no token for user {zoe.id}' in told(caplog)
        assert desk.by(way, again.name, desk.key_of(again)).status_int < 300
        assert desk.by(way, again.name, key).status_int == 401

    def test_name_that_went_to_somebody_else_is_left_there(
        self, tmp_path: pathlib.Path, cloud: Cloud
    ) -> None:
        """Whatever the cache has about its former user."""
        remembers = {'identity': {'owner_cache_ttl': '3600'}}
        desk = Desk(tmp_path / 'new', cloud, remembers)
        first = cloud.with_role('member')
        desk.key_of(first)
        desk.admin('GET', wires.key(first.id))
        cloud.change('user', first.id, name=f'renamed-{uuid.uuid4().hex}')
        second = cloud.person(first.name)
        cloud.grant(second, 'member')
        key = desk.key_of(second)
        desk.admin('GET', wires.key(first.id))
        answer = desk.sign_in(wires.Json(), second.name, key)
        assert answer.status_int == 200
        assert answer.json['access']['user']['id'] == second.id

    def test_login_stands_where_the_name_cannot_be_written(
        self,
        desk: Desk,
        cloud: Cloud,
        zoe: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(*_about: object) -> None:
            raise Outage('the disk is full')

        key = desk.key_of(zoe)
        cloud.grant(zoe, 'member')
        cloud.change('user', zoe.id, name=f'renamed-{uuid.uuid4().hex}')
        monkeypatch.setattr(SqlCredentials, 'rename', full)
        for _ in range(2):
            answer = desk.sign_in(wires.Json(), zoe.name, key)
            assert answer.status_int == 200

    def test_equal_names_in_two_domains(
        self, desk: Desk, cloud: Cloud, zoe: Person
    ) -> None:
        other = cloud.person(zoe.name, cloud.domain())
        key_of = {user: desk.key_of(user) for user in (zoe, other)}
        for user, key in key_of.items():
            for mine in (zoe, other):
                domain = {'id': mine.domain_id}
                answer = desk.v3({'name': zoe.name, 'domain': domain}, key)
                assert answer.status_int == (201 if mine is user else 401)
                if mine is user:
                    assert answer.json['token']['user']['id'] == user.id
        for way in WAYS[:-1]:
            assert desk.by(way, zoe.name, key_of[zoe]).status_int < 300
            assert desk.by(way, zoe.name, key_of[other]).status_int == 401


@by_every_way
def test_token_of_somebody_else_is_never_given(
    tmp_path: pathlib.Path,
    cloud: Cloud,
    ann: Person,
    way: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def change(token: dict[str, Any]) -> None:
        if token['user']['name'] == ann.name:
            token['user']['id'] = 'somebody-else'

    app = Rewritten(cloud.app, change)
    desk = Desk(tmp_path / 'keymw', cloud, V1_1, app)
    refused = shown(desk.by(way, 'nobody', 'wrong-key'))
    assert shown(desk.by(way, ann.name, desk.key_of(ann))) == refused
    assert (
        f'no token for user {ann.id} with the right key: Keystone issued one '
        'of user somebody-else'
    ) in told(caplog)


class TestKeystoneDecides:
    """The mapping of contract keystone, 1.5."""

    @by_every_way
    def test_mfa_rules(
        self,
        desk: Desk,
        cloud: Cloud,
        zoe: Person,
        way: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        key = desk.key_of(zoe)
        refused = shown(desk.by(way, 'nobody', 'wrong-key'))
        self.require(cloud, zoe, ['password'])
        answer = desk.by(way, zoe.name, key)
        assert shown(answer) == refused
        assert 'Openstack-Auth-Receipt' not in answer.headers
        assert f'{zoe.id} with the right key: its MFA' in told(caplog)
        self.require(cloud, zoe, ['password'], ['external'])
        assert desk.by(way, zoe.name, key).status_int < 300

    def require(self, cloud: Cloud, user: Person, *rules: list[str]) -> None:
        options = {
            'multi_factor_auth_enabled': True,
            'multi_factor_auth_rules': rules,
        }
        cloud.change('user', user.id, options=options)

    @by_every_way
    def test_external_method_that_is_off(
        self,
        desk: Desk,
        ann: Person,
        key: str,
        way: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        message = 'Attempted to authenticate with an unsupported method.'
        off = reply(401, {'error': {'code': 401, 'message': message}})
        # The token of service_user is there already.
        desk.by(way, ann.name, key)
        desk.between.instead(ISSUE, itertools.repeat(off))
        answer = desk.by(way, ann.name, key)
        desk.between.step_aside()
        assert_outage(answer)
        assert '"external" must be in [auth] methods' in told(caplog)

    def test_scope_that_is_not_theirs(
        self, desk: Desk, cloud: Cloud, ann: Person, key: str
    ) -> None:
        project = cloud.project('admin')
        answer = desk.v3(
            {'id': ann.id}, key, scope={'project': {'id': project}}
        )
        assert answer.status_int == 401
        assert answer.json['error']['message'] == (
            f"Tenant with Name/Id: '{project}' is not valid for User "
            f"'{ann.name}' (id: '{ann.id}')"
        )

    def test_federated_user(
        self, desk: Desk, cloud: Cloud, caplog: pytest.LogCaptureFixture
    ) -> None:
        user_id = federated(cloud)
        refused = shown(desk.v3({'id': 'nobody'}, 'wrong-key'))
        user = Person(user_id, 'fay')
        assert shown(desk.v3({'id': user_id}, desk.key_of(user))) == refused
        assert f'no token for user {user_id}' in told(caplog)

    def test_other_domains_need_the_plugin(
        self,
        tmp_path: pathlib.Path,
        cloud: Cloud,
        zoe: Person,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Else Keystone takes the name for one of the default domain."""
        options = {'identity': {'external': 'DefaultDomain'}}
        desk = Desk(tmp_path / 'keymw', cloud, options)
        other = cloud.person(zoe.name, cloud.domain())
        assert desk.v3({'id': zoe.id}, desk.key_of(zoe)).status_int == 201
        desk.between.asked.clear()
        answer = desk.v3({'id': other.id}, desk.key_of(other))
        assert answer.json['error']['message'] == WRONG[2]
        assert desk.between.count(ISSUE) == 0
        assert '[identity] external = Domain' in told(caplog)


def federated(cloud: Cloud) -> str:
    """The id of a user whom another service has signed in."""
    base = '/v3/OS-FEDERATION'
    group = cloud.make('group', name=f'g-{uuid.uuid4().hex}')['id']
    local = [{'user': {'name': '{0}'}}, {'group': {'id': group}}]
    rules = [{'local': local, 'remote': [{'type': 'FED_NAME'}]}]
    provider = f'{base}/identity_providers/idp'
    for path, body in (
        (f'{base}/mappings/m', {'mapping': {'rules': rules}}),
        (provider, {'identity_provider': {'enabled': True}}),
        (
            f'{provider}/protocols/mapped',
            {'protocol': {'mapping_id': 'm'}},
        ),
    ):
        cloud.ask('PUT', path, body)
    answer = cloud.web.get(
        f'{provider}/protocols/mapped/auth',
        extra_environ={'FED_NAME': 'fay'},
        status=201,
    )
    return str(answer.json['token']['user']['id'])


class TestAudit:
    """One line for every login."""

    @pytest.fixture
    def lines(self, caplog: pytest.LogCaptureFixture) -> Any:
        def find() -> list[str]:
            return [
                record.getMessage()
                for record in caplog.records
                if record.name == 'keymw.observe.audit'
            ]

        return find

    @by_every_way
    def test_done(
        self, desk: Desk, ann: Person, key: str, way: str, lines: Any
    ) -> None:
        answer = desk.by(way, ann.name, key)
        request_id = answer.headers['X-Openstack-Request-Id']
        (line,) = lines()
        assert line.startswith(
            f'login: caller {ann.id}, target {ann.id}, outcome done, '
            f'request {request_id}, address 127.0.0.1, kind '
        )

    @by_every_way
    def test_refused(
        self, desk: Desk, ann: Person, way: str, lines: Any
    ) -> None:
        """The name may be a key that was put in the wrong place."""
        for name in (ann.name, 'wrong-key'):
            desk.by(way, name, 'wrong-key')
        assert [line.partition(', request')[0] for line in lines()] == [
            f'login: caller -, target {target}, outcome 401 unauthorized'
            for target in (ann.id, '-')
        ]

    def test_right_key_that_buys_nothing(
        self, desk: Desk, cloud: Cloud, zoe: Person, lines: Any
    ) -> None:
        key = desk.key_of(zoe)
        cloud.change('user', zoe.id, enabled=False)
        desk.by('v2.0', zoe.name, key)
        assert (
            f'login: caller {zoe.id}, target {zoe.id}, '
            'outcome 403 userDisabled'
        ) in lines()[-1]
