"""Identity v2.0 behind keymw (doc/contract/rackspace-identity 6.3 to 6.5)."""

from collections.abc import Callable
import itertools
import logging
import pathlib
from typing import Any

import pytest
import webtest

from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import broken
from tests.support.between import reply
from tests.support.clock import Clock
from tests.support.pipeline_v2 import PipelineV2
from tests.support.pipeline_v2 import fault

VALIDATE = 'GET /v2.0/tokens/.*'
ISSUE = 'POST /v2.0/tokens'
AS_ADMIN = {'identity': {'api_version': 'v2.0'}}
BY_ITSELF = {'identity': {'api_version': 'v2.0', 'service_user': ''}}
LATER = 'Wed, 02 Dec 2015 05:00:28 GMT'

UNAUTHORIZED = (401, 'unauthorized', None)
FORBIDDEN = (403, 'forbidden', None)
DISABLED = (403, 'userDisabled', None)
UNAVAILABLE = (503, 'serviceUnavailable', '5')

USER: dict[str, Any] = {'id': '7', 'name': 'bob', 'roles': []}
END = {'id': 'x', 'expires': '2100-01-01T00:00:00Z'}

# What the service answers when asked whose token it is, and what that comes
# to whoever asked: status, fault, Retry-After.
ANYBODY = {
    'unknown': (fault(404, 'itemNotFound'), UNAUTHORIZED),
    'user-disabled': (fault(403, 'userDisabled'), DISABLED),
    'limited': (fault(413, 'overLimit', '17'), (*UNAVAILABLE[:2], '17')),
    'limited-429': (fault(429, 'overLimit', LATER), (*UNAVAILABLE[:2], LATER)),
    'limited-untold': (fault(413, 'overLimit'), UNAVAILABLE),
    'error': (fault(500, 'identityFault'), UNAVAILABLE),
    'gateway': (reply(502, b'<html>Bad gateway</html>'), UNAVAILABLE),
    'down': (fault(503, 'serviceUnavailable', '9'), (*UNAVAILABLE[:2], '9')),
    'moved': (reply(301), UNAVAILABLE),
    'raises': (broken, UNAVAILABLE),
    'no-json': (reply(200, b'{"access": '), UNAVAILABLE),
    'no-utf8': (reply(200, b'{"access": "\xff"}'), UNAVAILABLE),
    'deep': (reply(200, b'[' * 100_000), UNAVAILABLE),
    'list': (reply(200, []), UNAVAILABLE),
    'empty': (reply(204), UNAVAILABLE),
    'no-access': (reply(200, {'token': {}}), UNAVAILABLE),
    'no-user': (reply(200, {'access': {'token': END}}), UNAVAILABLE),
    'no-end': (
        reply(200, {'access': {'token': {'id': 'x'}, 'user': USER}}),
        UNAVAILABLE,
    ),
    'bad-end': (
        reply(200, {'access': {'token': {'expires': 'soon'}, 'user': USER}}),
        UNAVAILABLE,
    ),
    'null-id': (
        reply(200, {'access': {'token': END, 'user': USER | {'id': None}}}),
        UNAVAILABLE,
    ),
    'object-id': (
        reply(200, {'access': {'token': END, 'user': USER | {'id': {}}}}),
        UNAVAILABLE,
    ),
    'roles-of-text': (
        reply(
            200, {'access': {'token': END, 'user': USER | {'roles': ['x']}}}
        ),
        UNAVAILABLE,
    ),
}
# These are about the token of the caller, so its owner matters.
ADMIN = {
    'not-taken': (fault(401, 'unauthorized'), UNAVAILABLE),
    'no-right': (fault(403, 'forbidden'), UNAVAILABLE),
}
ITSELF = {
    'not-taken': (fault(401, 'unauthorized'), UNAUTHORIZED),
    'no-right': (fault(403, 'forbidden'), FORBIDDEN),
}
TABLE = [
    pytest.param(options, *told, id=f'{asking}-{name}')
    for asking, options, cases in (
        ('admin', AS_ADMIN, ANYBODY | ADMIN),
        ('itself', BY_ITSELF, ANYBODY | ITSELF),
    )
    for name, told in cases.items()
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pipeline(clock: Clock) -> PipelineV2:
    return PipelineV2(clock)


@pytest.fixture
def between(pipeline: PipelineV2) -> Between:
    return Between(pipeline)


Fronts = Callable[..., webtest.TestApp]


@pytest.fixture
def before(tmp_path: pathlib.Path, between: Between, clock: Clock) -> Fronts:
    """keymw before the pipeline: before(options)."""
    return lambda options: front.front(
        tmp_path / 'keymw', between, options, clock
    )


def told(wire: wires.Wire, answer: Any) -> tuple[int, str, str | None]:
    name, code, _ = wire.fault(answer)
    assert code == answer.status_int
    return code, name, answer.headers.get('Retry-After')


@pytest.mark.parametrize(('options', 'answer', 'expected'), TABLE)
def test_what_a_bad_answer_comes_to(
    before: Fronts,
    pipeline: PipelineV2,
    between: Between,
    wire: wires.Wire,
    options: Any,
    answer: Any,
    expected: tuple[int, str, str | None],
) -> None:
    bob = pipeline.account('bob')
    token = pipeline.token(bob)
    web, key = before(options), wires.key(bob.id)
    between.instead(VALIDATE, itertools.repeat(answer))
    assert told(wire, front.ask(web, wire, 'GET', key, token)) == expected
    between.step_aside()
    after = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert wire.keys(after) == []


@pytest.mark.parametrize('options', [AS_ADMIN, BY_ITSELF])
def test_self_service(
    before: Fronts, pipeline: PipelineV2, wire: wires.Wire, options: Any
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before(options)
    answer = front.ask(web, wire, 'POST', wires.reset(bob.id), token)
    assert wire.key(answer)[0] == 'bob'
    shown = front.ask(web, wire, 'GET', wires.key(bob.id), token)
    assert wire.key(shown) == wire.key(answer)


def test_admin_token_is_renewed_once_when_it_is_not_taken(
    before: Fronts, pipeline: PipelineV2, between: Between, wire: wires.Wire
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before(AS_ADMIN)
    path = wires.base(bob.id)
    assert front.ask(web, wire, 'GET', path, token).status_int == 200
    del pipeline.tokens[between.tokens[-1] or '']
    assert front.ask(web, wire, 'GET', path, token).status_int == 200
    assert between.count(ISSUE) == 2


def test_admin_token_is_renewed_no_more_than_once(
    before: Fronts, pipeline: PipelineV2, between: Between, wire: wires.Wire
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before(AS_ADMIN)
    between.instead(VALIDATE, itertools.repeat(fault(401, 'unauthorized')))
    answer = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert told(wire, answer) == UNAVAILABLE
    assert between.count(VALIDATE) == between.count(ISSUE) == 2


def test_admin_token_without_the_role_is_logged(
    before: Fronts,
    pipeline: PipelineV2,
    between: Between,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before(AS_ADMIN)
    between.instead(VALIDATE, [fault(403, 'forbidden')])
    caplog.clear()
    front.ask(web, wires.Json(), 'GET', wires.base(bob.id), token)
    warned = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert 'service_user' in warned[0].getMessage()


@pytest.mark.parametrize('options', [AS_ADMIN, BY_ITSELF])
def test_disabled_caller_is_told_so(
    before: Fronts, pipeline: PipelineV2, wire: wires.Wire, options: Any
) -> None:
    bob = pipeline.account('bob', enabled=False)
    token, web = pipeline.token(bob), before(options)
    answer = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert told(wire, answer) == DISABLED


def _delegations(token: dict[str, Any]) -> list[dict[str, Any]]:
    """What an access holds that is a delegation."""
    staff = {'id': '1', 'name': 'staff', 'roles': []}
    in_token = {'RAX-AUTH:authenticatedBy': ['PASSWORD', 'IMPERSONATION']}
    return [
        {'RAX-AUTH:impersonator': staff},
        {'trust': {'id': '1', 'impersonation': True}},
        {'application_credential': {'id': '1', 'restricted': False}},
        {'token': token | in_token},
        {'token': token | {'methods': ['ec2credential']}},
    ]


@pytest.mark.parametrize('options', [AS_ADMIN, BY_ITSELF])
@pytest.mark.parametrize('number', range(5))
def test_delegated_token_may_nothing_with_the_key_of_its_user(
    before: Fronts,
    pipeline: PipelineV2,
    wire: wires.Wire,
    options: Any,
    number: int,
) -> None:
    bob = pipeline.account('bob', 'identity:service-admin')
    _, whole = pipeline.tokens[pipeline.token(bob)]
    access = _delegations(whole['token'])[number]
    token = pipeline.token(bob, access=access)
    web = before(options)
    answers = [
        front.ask(web, wire, 'GET', wires.base(bob.id), token),
        front.ask(web, wire, 'GET', wires.key(bob.id), token),
        front.ask(web, wire, 'DELETE', wires.key(bob.id), token),
        front.ask(web, wire, 'POST', wires.reset(bob.id), token),
    ]
    assert {told(wire, answer) for answer in answers} == {FORBIDDEN}


@pytest.mark.parametrize(
    ('mine', 'theirs', 'status'),
    [('a', 'a', 200), ('a', 'b', 403), ('a', None, 403), (None, None, 403)],
)
def test_account_is_the_domain_that_the_service_tells(
    before: Fronts,
    pipeline: PipelineV2,
    mine: str | None,
    theirs: str | None,
    status: int,
) -> None:
    manager = pipeline.account('m', 'identity:user-admin', domain_id=mine)
    bob = pipeline.account('bob', 'identity:default', domain_id=theirs)
    answer = front.ask(
        before(AS_ADMIN),
        wires.Json(),
        'POST',
        wires.reset(bob.id),
        pipeline.token(manager),
    )
    assert answer.status_int == status


def test_domain_attribute_is_a_setting(
    before: Fronts, pipeline: PipelineV2
) -> None:
    manager = pipeline.account('m', 'identity:user-admin', domain_id='a')
    bob = pipeline.account('bob', domain_id='a')
    web = before({'identity': {'domain_attribute': 'accountId'}})
    path, token = wires.base(bob.id), pipeline.token(manager)
    assert front.ask(web, wires.Json(), 'GET', path, token).status_int == 403


def test_rank_of_the_target_is_the_one_the_service_tells(
    before: Fronts, pipeline: PipelineV2, wire: wires.Wire
) -> None:
    admin = pipeline.account('a', 'identity:admin')
    token, web = pipeline.token(admin), before(AS_ADMIN)
    peer = pipeline.account('b', 'identity:default', 'identity:admin')
    below = pipeline.account('c', 'identity:default')
    refused = front.ask(web, wire, 'GET', wires.base(peer.id), token)
    assert told(wire, refused) == FORBIDDEN
    allowed = front.ask(web, wire, 'GET', wires.base(below.id), token)
    assert allowed.status_int == 200


def test_unknown_target_is_not_found(
    before: Fronts, pipeline: PipelineV2, wire: wires.Wire
) -> None:
    admin = pipeline.account('a', 'identity:admin')
    token, web = pipeline.token(admin), before(AS_ADMIN)
    answer = front.ask(web, wire, 'GET', wires.key('nobody'), token)
    assert wire.fault(answer)[1:] == (404, 'User nobody not found')


def test_answer_about_somebody_else_is_none(
    before: Fronts, pipeline: PipelineV2, between: Between, wire: wires.Wire
) -> None:
    admin = pipeline.account('a', 'identity:admin')
    bob, eve = pipeline.account('bob'), pipeline.account('eve')
    token, web = pipeline.token(admin), before(AS_ADMIN)
    between.instead(
        f'GET /v2.0/users/{bob.id}', [reply(200, {'user': eve.shown()})]
    )
    answer = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert told(wire, answer) == UNAVAILABLE


@pytest.mark.parametrize('options', [AS_ADMIN, BY_ITSELF])
@pytest.mark.parametrize(
    'token', ['a/b', 'a?b#c%2F', 'ü' + 'x' * 5000, '...', 'a..'], ids=len
)
def test_token_reaches_the_service_as_it_is(
    before: Fronts, pipeline: PipelineV2, options: Any, token: str
) -> None:
    bob = pipeline.account('bob')
    as_bytes = token.encode().decode('latin-1')
    pipeline.token(bob, text=as_bytes)
    answer = before(options).get(
        wires.base(bob.id), headers={'X-Auth-Token': as_bytes}
    )
    assert answer.json == {'credentials': [], 'credentials_links': []}


@pytest.mark.parametrize('options', [AS_ADMIN, BY_ITSELF])
@pytest.mark.parametrize('token', ['.', '..', 'a/../../users/1', 'a/./b'])
def test_token_leads_to_no_other_path(
    before: Fronts, between: Between, options: Any, token: str
) -> None:
    answer = before(options).get(
        wires.base('bob'), headers={'X-Auth-Token': token}, status=401
    )
    assert answer.json['unauthorized']['code'] == 401
    assert not between.count('GET .*users.*')


@pytest.mark.parametrize(
    ('user', 'end'),
    [
        ({'username': 'bob', 'name': 'bob'}, '2100-01-01T00:00:00'),
        ({'username': 'bob'}, '2100-01-01T00:00:00.000-06:00'),
        ({'name': 'bob', 'roles_links': []}, '2100-01-01T00:00:00.000000Z'),
    ],
    ids=['no-zone', 'username-only', 'microseconds'],
)
def test_answers_of_old_services_are_understood(
    before: Fronts, pipeline: PipelineV2, user: dict[str, Any], end: str
) -> None:
    bob = pipeline.account('bob')
    shown = {'id': bob.id, 'roles': []} | user
    access = {'user': shown, 'token': {'id': 'x', 'expires': end}}
    token = pipeline.token(bob, access=access)
    web, wire = before(BY_ITSELF), wires.Json()
    answer = front.ask(web, wire, 'POST', wires.reset(bob.id), token)
    assert wire.key(answer)[0] == 'bob'


def test_token_that_has_ended_here_is_unauthorized(
    before: Fronts, pipeline: PipelineV2, clock: Clock, wire: wires.Wire
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob, life=60), before(BY_ITSELF)
    path = wires.base(bob.id)
    assert front.ask(web, wire, 'GET', path, token).status_int == 200
    clock.advance(60)
    answer = front.ask(web, wire, 'GET', path, token)
    assert told(wire, answer) == UNAUTHORIZED


def test_auto_finds_v2_once(
    before: Fronts, pipeline: PipelineV2, between: Between
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before({})
    for _ in range(3):
        answer = front.ask(web, wires.Json(), 'GET', wires.base(bob.id), token)
        assert answer.status_int == 200
    assert between.count('GET /v3') == 1
    assert between.count('GET /v2.0/tokens/none') == 1


def test_version_that_is_told_is_not_asked_for(
    before: Fronts, pipeline: PipelineV2, between: Between
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before(AS_ADMIN)
    front.ask(web, wires.Json(), 'GET', wires.base(bob.id), token)
    assert not between.count('GET /v3.*|GET /v2.0/tokens/none')


@pytest.mark.parametrize(
    ('answer', 'retry_after'),
    [
        (broken, '5'),
        (fault(500, 'identityFault'), '5'),
        (fault(503, 'serviceUnavailable', '9'), '9'),
        (fault(429, 'overLimit', '9'), '9'),
        (fault(413, 'overLimit', '9'), '9'),
        (reply(200, b'<html>Soon back</html>'), '5'),
    ],
    ids=['raises', '500', '503', '429', '413', 'html'],
)
def test_auto_remembers_no_bad_answer(
    before: Fronts,
    pipeline: PipelineV2,
    between: Between,
    wire: wires.Wire,
    answer: Any,
    retry_after: str,
) -> None:
    bob = pipeline.account('bob')
    token, web = pipeline.token(bob), before({})
    between.instead('.*', itertools.repeat(answer))
    refused = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert told(wire, refused) == (*UNAVAILABLE[:2], retry_after)
    assert 'GET /v2.0/tokens/' + token not in between.asked
    between.step_aside()
    answered = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert answered.status_int == 200


def test_service_user_must_be_who_was_signed_in(
    before: Fronts, pipeline: PipelineV2, between: Between, wire: wires.Wire
) -> None:
    bob, eve = pipeline.account('bob'), pipeline.account('eve', 'admin')
    _, access = pipeline.tokens[pipeline.token(eve)]
    web, token = before(AS_ADMIN), pipeline.token(bob)
    between.instead(ISSUE, itertools.repeat(reply(200, {'access': access})))
    answer = front.ask(web, wire, 'GET', wires.base(bob.id), token)
    assert told(wire, answer) == UNAVAILABLE


def test_id_of_a_caller_breaks_no_line_of_the_log(
    before: Fronts, pipeline: PipelineV2, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'keymw')
    bob = pipeline.account('bob', id='7\nforged\u2028line')
    web, token = before(BY_ITSELF), pipeline.token(bob)
    front.ask(web, wires.Json(), 'GET', wires.base('8'), token)
    (line,) = [r.getMessage() for r in caplog.records if 'target' in r.msg]
    assert len(line.splitlines()) == 1
    assert 'caller 7%0Aforged%E2%80%A8line, target 8,' in line


def test_the_pipeline_of_these_tests_refuses_what_it_should(
    pipeline: PipelineV2,
) -> None:
    token = pipeline.token(pipeline.account('bob'))
    other = pipeline.token(pipeline.account('eve'))
    web = webtest.TestApp(pipeline)
    headers = {'X-Auth-Token': token}
    assert web.get(f'/v2.0/tokens/{token}', headers=headers).json['access']
    web.get(f'/v2.0/tokens/{other}', headers=headers, status=403)
    web.get('/v2.0/users/1', headers=headers, status=403)
    web.get('/v2.0/users/1', status=401)
    web.post('/v2.0/tokens', status=401)
