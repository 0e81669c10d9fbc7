"""Rights of roles on keys (doc/contract/rackspace-identity 5.2)."""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
import itertools
import logging
import os
import pathlib
import time
from typing import Any

import pytest
import webtest

from keymw.conf import ConfigError
from keymw.credentials import routes as credentials
from keymw.policy import files
from keymw.v2_api import routes as v2_api
from keymw.web.table import ANY
from keymw.web.table import Route
from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.cloud import Cloud
from tests.support.cloud import Person

# Highest first. Nobody is who has no role at all.
ROLES = {
    'admin': 'admin',
    'service-admin': 'identity:service-admin',
    'identity-admin': 'identity:admin',
    'user-admin': 'identity:user-admin',
    'user-manage': 'identity:user-manage',
    'default': 'identity:default',
    'nobody': None,
}
RANKS = list(ROLES)
# For tests that do not depend on the format.
json_only = pytest.mark.parametrize('wire', [wires.Json()], ids=['json'])

# The target as the caller sees it: S is the caller, = has the same type, < a
# lower and > a higher one; and those in another domain.
HERE = {'S', '=', '<', '>'}
THERE = {'= there', '< there', '> there'}
ALL = HERE | THERE
OVER = {'<', '< there'}

LIST_GET = ('list', 'get')
ADD_UPDATE = ('add', 'update')
TABLE: dict[str, dict[tuple[str, ...], set[str]]] = {
    'admin': {(*LIST_GET, *ADD_UPDATE, 'delete', 'reset'): ALL},
    'service-admin': {
        (*LIST_GET, *ADD_UPDATE, 'delete', 'reset'): {'S'} | OVER
    },
    'identity-admin': {
        (*LIST_GET, *ADD_UPDATE, 'delete'): {'S'} | OVER,
        ('reset',): {'S', '=', '= there'} | OVER,
    },
    'user-admin': {
        LIST_GET: {'S', '<'},
        ADD_UPDATE: set(),
        ('delete',): {'<'},
        ('reset',): {'S', '<'},
    },
    'user-manage': {
        (*LIST_GET, 'delete', 'reset'): {'S', '=', '<'},
        ADD_UPDATE: set(),
    },
    'default': {(*LIST_GET, 'delete', 'reset'): {'S'}, ADD_UPDATE: set()},
    'nobody': {(*LIST_GET, 'delete', 'reset'): {'S'}, ADD_UPDATE: set()},
}
CELLS = [
    pytest.param(kind, operation, allowed, id=f'{kind}-{operation}')
    for kind, row in TABLE.items()
    for operations, allowed in row.items()
    for operation in operations
]
DONE = {'list': 200, 'get': 200, 'add': 201, 'update': 200, 'delete': 204}
DONE |= {'reset': 200}
OPERATIONS = list(DONE)
# Keystone looks at the token of those that are about tokens, tenants, users.
OPEN = {
    ('GET', '/v2.0/extensions'),
    ('GET', '/v2.0/extensions/(?i:RAX-KSKEY)'),
    ('GET', '/v2.0/tokens/{token_id}'),
    ('DELETE', '/v2.0/tokens/{token_id}'),
    ('GET', '/v2.0/tokens/{token_id}/endpoints'),
    ('DELETE', '/v2.0/tokens'),
    ('GET', '/v2.0/tenants'),
    ('GET', '/v2.0/tenants/{tenant_id}'),
    ('GET', '/v2.0/users'),
    ('GET', '/v2.0/users/{user_id}'),
    ('GET', '/v2.0/users/{user_id}/roles'),
    ('GET', '/v2.0'),
}

KEPT = {'identity': {'token_cache_ttl': '600', 'user_cache_ttl': '600'}}
SECRET = 'not-for-the-logs'


@dataclasses.dataclass(frozen=True)
class People:
    """One of each type in two domains, a second one in the first."""

    here: dict[str, Person]
    here_too: dict[str, Person]
    there: dict[str, Person]
    tokens: dict[str, str]

    def targets(self, kind: str) -> dict[str, Person]:
        """A user for each relation of a caller and a target."""
        found = {'S': self.here[kind], '=': self.here_too[kind]}
        found |= {'= there': self.there[kind]}
        rank = RANKS.index(kind)
        if rank > 0:
            found['>'] = self.here_too[RANKS[rank - 1]]
            found['> there'] = self.there[RANKS[rank - 1]]
        if kind != RANKS[-1]:
            found['<'] = self.here_too[RANKS[rank + 1]]
            found['< there'] = self.there[RANKS[rank + 1]]
        return found


def _one_of_each(cloud: Cloud, domain_id: str) -> dict[str, Person]:
    people = {kind: cloud.person(domain_id=domain_id) for kind in ROLES}
    for kind, role in ROLES.items():
        if role:
            cloud.grant(people[kind], role)
    return people


@pytest.fixture(scope='module')
def people(cloud: Cloud) -> People:
    account, other = cloud.domain(), cloud.domain()
    here = _one_of_each(cloud, account)
    return People(
        here,
        _one_of_each(cloud, account),
        _one_of_each(cloud, other),
        {
            kind: cloud.token_of(person, 'demo' if ROLES[kind] else None)
            for kind, person in here.items()
        },
    )


@pytest.fixture(scope='module')
def web(
    cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> webtest.TestApp:
    """keymw before the real Keystone; users and tokens are cached."""
    home = tmp_path_factory.mktemp('roles')
    return front.front(home / 'keymw', cloud.app, KEPT)


Operate = Callable[..., Any]


@pytest.fixture
def operate(send: Any, wire: wires.Wire) -> Operate:
    """Send the request of an operation: operate(web, name, target, token)."""

    def run(web: Any, name: str, target: Person, token: str) -> Any:
        body = wire.write(username=target.name, apiKey=SECRET)
        method, path, content = {
            'list': ('GET', wires.base(target.id), None),
            'get': ('GET', wires.key(target.id), None),
            'add': ('POST', wires.base(target.id), body),
            'update': ('POST', wires.key(target.id), body),
            'delete': ('DELETE', wires.key(target.id), None),
            'reset': ('POST', wires.reset(target.id), None),
        }[name]
        return send(method, path, content, token=token, web=web)

    return run


def give_key(
    operate: Operate, web: Any, cloud: Cloud, *targets: Person
) -> None:
    for target in targets:
        answer = operate(web, 'reset', target, cloud.admin)
        assert answer.status_int == 200


@json_only
@pytest.mark.parametrize(('kind', 'operation', 'allowed'), CELLS)
def test_cell(
    cloud: Cloud,
    web: Any,
    people: People,
    operate: Operate,
    kind: str,
    operation: str,
    allowed: set[str],
) -> None:
    targets = people.targets(kind)
    if operation in ('get', 'delete'):
        give_key(operate, web, cloud, *targets.values())
    answers = {
        seen: operate(web, operation, target, people.tokens[kind])
        for seen, target in targets.items()
    }
    assert {seen: answer.status_int for seen, answer in answers.items()} == {
        seen: DONE[operation] if seen in allowed else 403 for seen in targets
    }


# Which types a caller of each type may list the keys of, in the domain of
# their own and in another.
LISTS: dict[str, tuple[set[str], set[str]]] = {
    'admin': (set(RANKS), set(RANKS)),
    'service-admin': (set(RANKS[2:]), set(RANKS[2:])),
    'identity-admin': (set(RANKS[3:]), set(RANKS[3:])),
    'user-admin': (set(RANKS[4:]), set()),
    'user-manage': (set(RANKS[4:]), set()),
    'default': (set(), set()),
    'nobody': (set(), set()),
}


@pytest.mark.parametrize('kind', RANKS)
def test_every_type_over_every_type(
    web: Any, people: People, kind: str
) -> None:
    def listed(targets: dict[str, Person]) -> set[str]:
        statuses = {
            other: front.ask(
                web,
                wires.Json(),
                'GET',
                wires.base(target.id),
                people.tokens[kind],
            ).status_int
            for other, target in targets.items()
        }
        assert set(statuses.values()) <= {200, 403}
        return {other for other, status in statuses.items() if status == 200}

    assert (listed(people.here_too), listed(people.there)) == LISTS[kind]


@json_only
def test_refused_write_changes_nothing(
    cloud: Cloud, web: Any, people: People, operate: Operate
) -> None:
    target = people.there['default']
    give_key(operate, web, cloud, target)
    before = operate(web, 'get', target, cloud.admin).body
    for operation in ('add', 'update', 'delete', 'reset'):
        token = people.tokens['user-admin']
        answer = operate(web, operation, target, token)
        assert answer.status_int == 403
    assert operate(web, 'get', target, cloud.admin).body == before


@pytest.mark.parametrize(
    ('kind', 'target', 'message'),
    [
        ('default', 'default', 'This user can only reset their own apiKey'),
        ('nobody', 'default', 'This user can only reset their own apiKey'),
        ('user-manage', 'user-admin', 'Not Authorized'),
        (
            'identity-admin',
            'service-admin',
            'This user cannot set or reset Service Admin apiKey.',
        ),
        ('identity-admin', 'admin', 'Not Authorized'),
    ],
)
def test_message_of_a_refused_reset(
    web: Any,
    people: People,
    operate: Operate,
    wire: wires.Wire,
    kind: str,
    target: str,
    message: str,
) -> None:
    answer = operate(
        web, 'reset', people.here_too[target], people.tokens[kind]
    )
    assert wire.fault(answer) == ('forbidden', 403, message)


def test_message_of_every_other_refusal(
    web: Any, people: People, operate: Operate, wire: wires.Wire
) -> None:
    target = people.here_too['service-admin']
    for kind in ('identity-admin', 'default'):
        for operation in ('list', 'get', 'add', 'update', 'delete'):
            token = people.tokens[kind]
            answer = operate(web, operation, target, token)
            assert wire.fault(answer) == ('forbidden', 403, 'Not Authorized')


@json_only
def test_type_is_the_highest_role_held(
    cloud: Cloud, web: Any, people: People, operate: Operate
) -> None:
    manager = cloud.person(domain_id=people.here['default'].domain_id)
    for role in ('identity:default', 'identity:user-manage', 'member'):
        cloud.grant(manager, role)
    token = cloud.token_of(manager, 'demo')
    below, above = people.here['default'], people.here['user-admin']
    assert operate(web, 'list', below, token).status_int == 200
    assert operate(web, 'list', above, token).status_int == 403
    peer = people.tokens['user-manage']
    assert operate(web, 'list', manager, peer).status_int == 200


# The highest and the lowest of those who manage others.
MANAGERS = ('service-admin', 'user-manage')


@pytest.mark.parametrize(
    ('role', 'status'),
    [
        ('member', 200),
        ('Reader', 200),
        (' member ', 200),
        ('service', 403),
        ('manager', 403),
        ('admin ', 403),
        (' ADMIN', 403),
        ('Identity:Service-Admin ', 403),
        ('compute:default', 403),
    ],
)
@json_only
def test_role_that_is_not_ordinary_puts_a_target_above_all_but_admin(
    cloud: Cloud,
    web: Any,
    people: People,
    operate: Operate,
    role: str,
    status: int,
) -> None:
    target = cloud.with_role(role, people.here['default'].domain_id)
    cloud.grant(target, 'identity:default')
    for kind in MANAGERS:
        for operation in ('list', 'reset'):
            answer = operate(web, operation, target, people.tokens[kind])
            assert answer.status_int == status
    assert operate(web, 'reset', target, cloud.admin).status_int == 200
    own = cloud.token_of(target, 'demo')
    assert operate(web, 'reset', target, own).status_int == 200


@json_only
def test_ordinary_roles_are_a_setting(
    deploy: Any, cloud: Cloud, people: People, operate: Operate
) -> None:
    web = deploy(cloud.app, {'kskey': {'ordinary_roles': 'Service , x'}})
    token = people.tokens['user-admin']
    domain_id = people.here['default'].domain_id
    service = cloud.with_role('service', domain_id)
    member = cloud.with_role('member', domain_id)
    assert operate(web, 'list', service, token).status_int == 200
    assert operate(web, 'list', member, token).status_int == 403


@json_only
@pytest.mark.parametrize('role', ['service', 'admin ', ' identity:user-admin'])
def test_role_that_is_not_known_gives_its_holder_nothing(
    cloud: Cloud, web: Any, people: People, operate: Operate, role: str
) -> None:
    holder = cloud.with_role(role, people.here['default'].domain_id)
    token, below = cloud.token_of(holder, 'demo'), people.here['nobody']
    for operation in OPERATIONS:
        answer = operate(web, operation, below, token)
        assert answer.status_int == 403


Grant = Callable[[Cloud, Person, str], None]


def on_another_project(cloud: Cloud, person: Person, role: str) -> None:
    cloud.grant(person, role, project='another')


def on_a_domain(cloud: Cloud, person: Person, role: str) -> None:
    path = f'/v3/domains/default/users/{person.id}/roles/{cloud.role(role)}'
    cloud.ask('PUT', path)


def _group(cloud: Cloud, person: Person) -> str:
    group = cloud.make('group', name=f'of-{person.name}')
    cloud.ask('PUT', f'/v3/groups/{group["id"]}/users/{person.id}')
    return str(group['id'])


def in_a_group(cloud: Cloud, person: Person, role: str) -> None:
    path = f'/v3/projects/{cloud.project("demo")}/groups'
    cloud.ask(
        'PUT', f'{path}/{_group(cloud, person)}/roles/{cloud.role(role)}'
    )


def _implying(cloud: Cloud, role: str) -> str:
    prior = cloud.role(f'implies-{role}')
    path = f'/v3/roles/{prior}/implies/{cloud.role(role)}'
    cloud.ask('PUT', path, status=[201, 409])
    return f'implies-{role}'


def by_another_role(cloud: Cloud, person: Person, role: str) -> None:
    cloud.grant(person, _implying(cloud, role))


def on_the_system(cloud: Cloud, person: Person, role: str) -> None:
    path = f'/v3/system/users/{person.id}/roles/{cloud.role(role)}'
    cloud.ask('PUT', path)


def by_another_role_on_the_system(
    cloud: Cloud, person: Person, role: str
) -> None:
    on_the_system(cloud, person, _implying(cloud, role))


def in_a_group_on_the_system(cloud: Cloud, person: Person, role: str) -> None:
    path = f'/v3/system/groups/{_group(cloud, person)}'
    cloud.ask('PUT', f'{path}/roles/{cloud.role(role)}')


@pytest.mark.parametrize(
    ('grant', 'role'),
    [
        (on_another_project, 'identity:service-admin'),
        (on_a_domain, 'identity:service-admin'),
        (in_a_group, 'identity:service-admin'),
        (by_another_role, 'identity:service-admin'),
        (on_the_system, 'identity:service-admin'),
        (by_another_role_on_the_system, 'identity:service-admin'),
        (on_the_system, 'admin'),
        (in_a_group_on_the_system, 'admin'),
    ],
)
def test_target_has_every_role_it_has_anywhere(
    cloud: Cloud, web: Any, people: People, grant: Grant, role: str
) -> None:
    target = cloud.person()
    grant(cloud, target, role)
    token = people.tokens['identity-admin']
    answer = front.ask(
        web, wires.Json(), 'POST', wires.reset(target.id), token
    )
    assert answer.status_int == 403


@json_only
def test_without_self_service_a_role_is_needed(
    web: Any, deploy: Any, cloud: Cloud, people: People, operate: Operate
) -> None:
    strict = deploy(cloud.app, {'kskey': {'self_service': 'false'}})
    nobody, default = people.here['nobody'], people.here['default']
    give_key(operate, strict, cloud, nobody, default)
    for name in ('list', 'get', 'reset', 'delete'):
        token = people.tokens['nobody']
        assert operate(strict, name, nobody, token).status_int == 403
        token = people.tokens['default']
        answer = operate(strict, name, default, token)
        assert answer.status_int == DONE[name]
    token = people.tokens['nobody']
    assert operate(web, 'reset', nobody, token).status_int == 200


@pytest.fixture(scope='module')
def boss(cloud: Cloud, people: People) -> Person:
    """A user with a role that has no meaning by itself."""
    return cloud.with_role('Boss', people.here['default'].domain_id)


@pytest.mark.parametrize(
    ('option', 'operation'),
    [
        ('admin_role', 'add'),
        ('service_admin_role', 'add'),
        ('identity_admin_role', 'add'),
        ('user_admin_role', 'list'),
        ('user_manage_role', 'list'),
        ('default_role', 'list'),
    ],
)
def test_names_of_the_roles_are_settings(
    deploy: Any,
    cloud: Cloud,
    people: People,
    boss: Person,
    option: str,
    operation: str,
) -> None:
    settings = {option: 'boss', 'self_service': 'false'}
    web = deploy(cloud.app, {'kskey': settings})
    target = boss if option == 'default_role' else people.here['nobody']
    wire, method, body = wires.Json(), 'GET', b''
    if operation == 'add':
        method = 'POST'
        body = wire.write(username=target.name, apiKey=SECRET)
    answer = front.ask(
        web,
        wire,
        method,
        wires.base(target.id),
        cloud.token_of(boss, 'demo'),
        body,
    )
    assert answer.status_int == DONE[operation]


def with_policy(tmp_path: pathlib.Path, text: str) -> dict[str, Any]:
    file = tmp_path / 'policy.yaml'
    file.write_text(text)
    return {'oslo_policy': {'policy_file': str(file)}}


@json_only
def test_policy_file_overrides_a_rule(
    deploy: Any,
    cloud: Cloud,
    people: People,
    operate: Operate,
    tmp_path: pathlib.Path,
) -> None:
    web = deploy(
        cloud.app,
        with_policy(
            tmp_path,
            '"credential:reset": "!"\n'
            '"credential:list": "rule:self or role:identity:user-manage"\n',
        ),
    )
    other, token = people.there['admin'], people.tokens['user-manage']
    assert operate(web, 'reset', other, cloud.admin).status_int == 403
    assert operate(web, 'list', other, token).status_int == 200
    assert operate(web, 'list', other, cloud.admin).status_int == 403
    assert operate(web, 'add', other, cloud.admin).status_int == 201


@json_only
def test_policy_file_that_changes_is_followed(
    deploy: Any,
    cloud: Cloud,
    people: People,
    operate: Operate,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, 'PAUSE', 0)
    target = people.there['default']
    web = deploy(cloud.app, with_policy(tmp_path, '"credential:list": "!"'))
    for later, check, status in (
        (0, '!', 403),
        (10, 'rule:admin', 200),
        (20, 'role:nobody', 403),
    ):
        file = tmp_path / 'policy.yaml'
        file.write_text(f'"credential:list": "{check}"')
        os.utime(file, (time.time() + later,) * 2)
        answer = operate(web, 'list', target, cloud.admin)
        assert answer.status_int == status


@pytest.mark.parametrize(
    'text',
    [
        '"credential:list": "rule:nobody"',
        '"credential:list": "rule:credential:list"',
        '"credential:list": "role:admin and ("',
        '"credential:list": 7',
        '"credential:list": "no-such-check"',
        '- credential:list',
        '"credential:list": "@',
    ],
    ids=[
        'no-such-rule',
        'cycle',
        'no-syntax',
        'number',
        'no-check',
        'list',
        'no-yaml',
    ],
)
def test_broken_policy_file_refuses_to_start(
    deploy: Any, cloud: Cloud, tmp_path: pathlib.Path, text: str
) -> None:
    with pytest.raises(ConfigError, match='policy_file'):
        deploy(cloud.app, with_policy(tmp_path, text))


def test_policy_file_that_is_told_and_missing_refuses_to_start(
    deploy: Any, cloud: Cloud, tmp_path: pathlib.Path
) -> None:
    missing = str(tmp_path / 'policy.yaml')
    with pytest.raises(ConfigError, match='policy_file'):
        deploy(cloud.app, {'oslo_policy': {'policy_file': missing}})


# Requests about other users, and when there are none.
ABOUT_OTHERS = 'GET /v3/(users/.*|system/.*|role_assignments)'
ABOUT_ROLES = 'GET /v3/(system/.*|role_assignments)'


@pytest.fixture
def watched(between: Between, deploy: Any) -> Any:
    """keymw before Keystone, where requests are counted."""
    return deploy(between, {'identity': {'token_cache_ttl': '600'}})


@json_only
@pytest.mark.parametrize('kind', ['default', 'nobody'])
def test_who_may_only_act_on_self_learns_nothing_of_others(
    watched: Any,
    between: Between,
    people: People,
    operate: Operate,
    kind: str,
) -> None:
    there, token = people.here_too['nobody'], people.tokens[kind]
    missing = Person('0' * 32, there.name)
    for operation in OPERATIONS:
        answers = [
            operate(watched, operation, target, token)
            for target in (there, missing)
        ]
        assert [answer.status_int for answer in answers] == [403, 403]
        assert answers[0].body == answers[1].body
    assert not between.count(ABOUT_OTHERS)


@json_only
@pytest.mark.parametrize('operation', OPERATIONS)
@pytest.mark.parametrize('kind', ['user-admin', 'user-manage'])
def test_who_is_limited_to_a_domain_learns_nothing_of_others(
    web: Any,
    people: People,
    operate: Operate,
    kind: str,
    operation: str,
) -> None:
    there, token = people.there['default'], people.tokens[kind]
    seen = set()
    for target in (there, Person('0' * 32, there.name)):
        answer = operate(web, operation, target, token)
        headers = dict(answer.headers)
        del headers['X-Openstack-Request-Id']
        seen.add((answer.status, answer.body, tuple(headers.items())))
    assert len(seen) == 1
    assert answer.status_int == 403


@pytest.mark.parametrize('kind', ['admin', 'service-admin', 'identity-admin'])
def test_who_is_not_limited_is_told_that_there_is_no_such_user(
    web: Any, people: People, operate: Operate, kind: str
) -> None:
    missing = Person('0' * 32, 'missing')
    for operation in OPERATIONS:
        token = people.tokens[kind]
        answer = operate(web, operation, missing, token)
        assert answer.status_int == 404


@json_only
def test_who_may_not_add_at_all_learns_nothing_of_others(
    watched: Any, between: Between, people: People, operate: Operate
) -> None:
    token, missing = people.tokens['user-admin'], Person('0' * 32, 'missing')
    for target in (people.here['default'], missing):
        for operation in ADD_UPDATE:
            answer = operate(watched, operation, target, token)
            assert answer.status_int == 403
    assert not between.count(ABOUT_OTHERS)


@json_only
@pytest.mark.parametrize(
    ('kind', 'target', 'asked'),
    [
        ('admin', 'service-admin', False),
        ('identity-admin', 'default', True),
        ('user-admin', 'default', True),
    ],
)
def test_roles_of_the_target_are_asked_for_where_they_matter(
    watched: Any,
    between: Between,
    people: People,
    operate: Operate,
    kind: str,
    target: str,
    asked: bool,
) -> None:
    operate(watched, 'list', people.here_too[target], people.tokens[kind])
    assert bool(between.count(ABOUT_ROLES)) is asked


@json_only
def test_nothing_is_asked_about_oneself(
    watched: Any, between: Between, people: People, operate: Operate
) -> None:
    for kind in RANKS:
        operate(watched, 'list', people.here[kind], people.tokens[kind])
    assert not between.count(ABOUT_OTHERS)


@json_only
def test_target_in_another_domain_is_refused_without_its_roles(
    watched: Any, between: Between, people: People, operate: Operate
) -> None:
    target, token = people.there['default'], people.tokens['user-admin']
    assert operate(watched, 'list', target, token).status_int == 403
    assert not between.count(ABOUT_ROLES)


def all_routes() -> Iterator[Route]:
    for route in (*credentials.routes(1, bool), *v2_api.ROUTES):
        if route.method != ANY:
            yield route


def test_routes_that_need_no_caller_are_these() -> None:
    found = list(all_routes())
    assert len(found) > len(OPEN)
    assert {(r.method, r.path) for r in found if r.rule is None} == OPEN


GUARDED = [
    pytest.param(route, id=f'{route.method}-{route.rule}')
    for route in all_routes()
    if route.rule
]


@pytest.mark.parametrize('route', GUARDED)
def test_every_other_route_needs_a_caller_with_a_right(
    send: Any,
    wire: wires.Wire,
    people: People,
    route: Route,
) -> None:
    target = people.here['default']
    path = route.path.format(user_id=target.id)
    body = wire.write(username=target.name, apiKey=SECRET)
    content = body if route.method == 'POST' else None
    for token, expected in (
        (None, ('unauthorized', 401)),
        ('', ('unauthorized', 401)),
        ('nonsense', ('unauthorized', 401)),
        (people.tokens['nobody'], ('forbidden', 403)),
    ):
        answer = send(route.method, path, content, token=token)
        assert wire.fault(answer)[:2] == expected


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == 'keymw.observe.audit'
    ]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that keymw logs, down to the last detail."""
    caplog.set_level(logging.DEBUG, 'keymw')
    return caplog


@json_only
@pytest.mark.parametrize('operation', OPERATIONS)
@pytest.mark.parametrize(
    ('kind', 'outcome'), [('admin', 'done'), ('nobody', '403 forbidden')]
)
def test_every_operation_logs_one_line(
    web: Any,
    cloud: Cloud,
    people: People,
    operate: Operate,
    logged: pytest.LogCaptureFixture,
    operation: str,
    kind: str,
    outcome: str,
) -> None:
    target, caller = people.here_too['default'], people.here[kind]
    give_key(operate, web, cloud, target)
    logged.clear()
    answer = operate(web, operation, target, people.tokens[kind])
    request_id = answer.headers['X-Openstack-Request-Id']
    assert lines(logged) == [
        f'credential:{operation}: caller {caller.id}, target {target.id}, '
        f'outcome {outcome}, request {request_id}, address 127.0.0.1'
    ]
    assert logged.records[-1].levelno == logging.INFO


@json_only
def test_line_of_an_unknown_caller_and_of_an_unknown_target(
    web: Any,
    cloud: Cloud,
    operate: Operate,
    logged: pytest.LogCaptureFixture,
) -> None:
    missing = Person('missing', 'missing')
    operate(web, 'get', missing, 'nonsense')
    operate(web, 'get', missing, cloud.admin)
    assert [line.partition(', request')[0] for line in lines(logged)] == [
        'credential:get: caller -, target missing, outcome 401 unauthorized',
        f'credential:get: caller {admin_id(cloud)}, '
        'target missing, outcome 404 itemNotFound',
    ]


def admin_id(cloud: Cloud) -> str:
    return str(cloud.ask('GET', '/v3/users?name=admin').json['users'][0]['id'])


@json_only
def test_log_holds_no_secret(
    web: Any,
    cloud: Cloud,
    people: People,
    operate: Operate,
    wire: wires.Wire,
    logged: pytest.LogCaptureFixture,
) -> None:
    target = people.here_too['default']
    generated = wire.key(operate(web, 'reset', target, cloud.admin))[1]
    for kind, operation in itertools.product(RANKS, OPERATIONS):
        operate(web, operation, target, people.tokens[kind])
    said = '\n'.join(
        record.getMessage() + str(record.exc_text) + str(record.args)
        for record in logged.records
        if record.name.startswith('keymw')
    )
    for secret in (generated, SECRET, cloud.admin, *people.tokens.values()):
        assert secret not in said


def test_id_in_the_path_breaks_no_line_of_the_log(
    web: Any, people: People, logged: pytest.LogCaptureFixture
) -> None:
    odd = '7%E2%80%A8forged%C2%85line%20%2C'
    front.ask(
        web, wires.Json(), 'GET', wires.base(odd), people.tokens['admin']
    )
    (line,) = lines(logged)
    assert len(line.splitlines()) == 1
    assert f', target {odd},' in line
