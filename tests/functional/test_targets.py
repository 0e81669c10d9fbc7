"""The user in the path is the one Keystone knows now."""

import itertools
from typing import Any

import pytest

from tests.support import wire as wires
from tests.support.between import Between
from tests.support.between import reply
from tests.support.cloud import Cloud
from tests.support.cloud import Person

OPERATIONS = ('list', 'get', 'add', 'update', 'delete', 'reset')
ALONE = {'identity': {'service_user': ''}}
# For tests that do not depend on the format.
json_only = pytest.mark.parametrize('wire', [wires.Json()], ids=['json'])


def every_operation(
    send: Any, wire: wires.Wire, target: Person, **more: Any
) -> list[Any]:
    """The responses to each operation on a user."""
    body = wire.write(username=target.name, apiKey='given' * 4)
    return [
        send('GET', wires.base(target.id), **more),
        send('GET', wires.key(target.id), **more),
        send('POST', wires.base(target.id), body, **more),
        send('POST', wires.key(target.id), body, **more),
        send('POST', wires.reset(target.id), **more),
        send('DELETE', wires.key(target.id), **more),
    ]


def rename(cloud: Cloud, person: Person, name: str) -> Person:
    cloud.ask('PATCH', f'/v3/users/{person.id}', {'user': {'name': name}})
    return Person(person.id, name, person.domain_id)


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_int for answer in answers]


def test_unknown_user_is_not_found(send: Any, wire: wires.Wire) -> None:
    missing = Person('missing', 'missing')
    assert {
        wire.fault(answer) for answer in every_operation(send, wire, missing)
    } == {('itemNotFound', 404, 'User missing not found')}


@json_only
@pytest.mark.parametrize('odd', ['a%20b', '%C3%BC', 'a%3Fb%23c'])
def test_odd_id_of_an_unknown_user_is_not_found(
    send: Any, wire: wires.Wire, odd: str
) -> None:
    assert wire.fault(send('GET', wires.key(odd)))[:2] == ('itemNotFound', 404)


@json_only
def test_name_is_no_id(send: Any, wire: wires.Wire, zoe: Person) -> None:
    answer = send('GET', wires.key(zoe.name))
    assert wire.fault(answer)[:2] == ('itemNotFound', 404)


@json_only
def test_answer_about_somebody_else_shows_and_changes_nothing(
    send: Any, deploy: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    between = Between(cloud.app)
    web, eve = deploy(between), cloud.person()
    kept = wire.key(send('POST', wires.reset(zoe.id), web=web))
    about_eve = cloud.ask('GET', f'/v3/users/{eve.id}').json
    between.instead(
        f'GET /v3/users/{zoe.id}', itertools.repeat(reply(200, about_eve))
    )
    for person in (zoe, Person(zoe.id, eve.name)):
        answers = every_operation(send, wire, person, web=web)
        assert {wire.fault(answer)[1] for answer in answers} == {503}
    between.step_aside()
    assert wire.key(send('GET', wires.key(zoe.id), web=web)) == kept


@json_only
def test_key_of_a_deleted_user_is_not_shown(
    send: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    token = cloud.token_of(zoe)
    send('POST', wires.reset(zoe.id))
    cloud.ask('DELETE', f'/v3/users/{zoe.id}')
    answers = every_operation(send, wire, zoe)
    assert statuses(answers) == [404] * len(OPERATIONS)
    own = every_operation(send, wire, zoe, token=token)
    assert statuses(own) == [401] * len(OPERATIONS)


@json_only
def test_user_made_again_does_not_inherit(
    send: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    send('POST', wires.reset(zoe.id))
    cloud.ask('DELETE', f'/v3/users/{zoe.id}')
    again = cloud.person(zoe.name)
    for token in (cloud.admin, cloud.token_of(again)):
        found = send('GET', wires.base(again.id), token=token)
        assert wire.keys(found) == []
        shown = send('GET', wires.key(again.id), token=token)
        assert wire.fault(shown)[1] == 404


def test_renamed_user_is_shown_under_the_new_name(
    send: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    _, key = wire.key(send('POST', wires.reset(zoe.id)))
    renamed = rename(cloud, zoe, f'{zoe.name}-now')
    for token in (cloud.admin, cloud.token_of(renamed)):
        shown = send('GET', wires.key(zoe.id), token=token)
        assert wire.key(shown) == (renamed.name, key)
        listed = send('GET', wires.base(zoe.id), token=token)
        assert wire.keys(listed) == [(renamed.name, key)]


def test_body_must_hold_the_present_name(
    send: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    send('POST', wires.reset(zoe.id))
    renamed = rename(cloud, zoe, f'{zoe.name}-now')
    for path in (wires.base(zoe.id), wires.key(zoe.id)):
        former = send(
            'POST', path, wire.write(username=zoe.name, apiKey='x' * 16)
        )
        assert wire.fault(former) == (
            'badRequest',
            400,
            'User and UserId mis-matched',
        )
        present = send(
            'POST', path, wire.write(username=renamed.name, apiKey='y' * 16)
        )
        assert wire.key(present) == (renamed.name, 'y' * 16)


@json_only
def test_name_given_to_somebody_else_brings_no_key_along(
    send: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    _, key = wire.key(send('POST', wires.reset(zoe.id)))
    renamed = rename(cloud, zoe, f'{zoe.name}-former')
    heir = cloud.person(zoe.name)
    assert wire.keys(send('GET', wires.base(heir.id))) == []
    send('POST', wires.reset(heir.id))
    shown = send('GET', wires.key(zoe.id))
    assert wire.key(shown) == (renamed.name, key)


@json_only
def test_without_service_user_a_user_manages_the_own_key(
    send: Any, deploy: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    web, token = deploy(cloud.app, ALONE), cloud.token_of(zoe)
    answers = every_operation(send, wire, zoe, web=web, token=token)
    assert statuses(answers) == [200, 404, 403, 403, 200, 204]


@json_only
def test_without_service_user_who_may_read_users_manages_keys(
    send: Any, deploy: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    web = deploy(cloud.app, ALONE)
    answers = every_operation(send, wire, zoe, web=web)
    assert statuses(answers) == [200, 404, 201, 200, 200, 204]
    missing = every_operation(
        send, wire, Person('missing', 'missing'), web=web
    )
    assert statuses(missing) == [404] * len(OPERATIONS)


@json_only
def test_without_service_user_others_may_not(
    send: Any, deploy: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    web = deploy(cloud.app, ALONE)
    staff = cloud.with_role('identity:service-admin')
    token = cloud.token_of(staff, 'demo')
    for target in (zoe, Person('missing', 'missing')):
        answers = every_operation(send, wire, target, web=web, token=token)
        assert statuses(answers) == [403] * len(OPERATIONS)


@json_only
def test_service_user_may_have_its_role_on_the_system(
    send: Any, deploy: Any, cloud: Cloud, wire: wires.Wire, zoe: Person
) -> None:
    scope = {'service_project': '', 'system': 'true'}
    web = deploy(cloud.app, {'identity': scope})
    assert wire.keys(send('GET', wires.base(zoe.id), web=web)) == []


@json_only
@pytest.mark.parametrize(
    'options',
    [
        {'service_user': 'nobody-of-this-name'},
        {'service_project': 'demo'},
        {'service_domain': 'Nowhere'},
    ],
    ids=lambda options: next(iter(options)),
)
def test_service_user_that_cannot_sign_in_is_an_outage(
    send: Any,
    deploy: Any,
    cloud: Cloud,
    wire: wires.Wire,
    zoe: Person,
    options: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    web = deploy(cloud.app, {'identity': options})
    answer = send('GET', wires.base(zoe.id), web=web)
    assert wire.fault(answer)[:2] == ('serviceUnavailable', 503)
    assert '[identity] service_user' in caplog.text
    own = send('GET', wires.base(zoe.id), web=web, token=cloud.token_of(zoe))
    assert wire.keys(own) == []
