"""Keys that a caller chooses must not be guessed."""

import pathlib
from typing import Any

import pytest

from keymw.conf import ConfigError
from tests.support import front
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person

TOO_SHORT = (
    'badRequest',
    400,
    'credentialType.apiKey: size must be between 16 and 100',
)
OPERATIONS = {'add': wires.base, 'update': wires.key}


@pytest.mark.parametrize('path_of', OPERATIONS.values(), ids=OPERATIONS)
def test_short_key_is_refused_and_changes_nothing(
    send: Any, wire: wires.Wire, bob: Person, path_of: Any
) -> None:
    before = wire.key(send('POST', wires.reset(bob.id)))
    for key in ('7', '7f', 'k' * 15, ' ' * 14 + 'k', '\U0001f511' * 15):
        body = wire.write(username=bob.name, apiKey=key)
        assert wire.fault(send('POST', path_of(bob.id), body)) == TOO_SHORT
    assert wire.key(send('GET', wires.key(bob.id))) == before
    for key in ('k' * 16, '\U0001f511' * 16):
        body = wire.write(username=bob.name, apiKey=key)
        answer = send('POST', path_of(bob.id), body)
        assert wire.key(answer) == (bob.name, key)


def test_short_key_that_is_stored_works(
    tmp_path: pathlib.Path, cloud: Cloud, wire: wires.Wire, bob: Person
) -> None:
    body = wire.write(username=bob.name, apiKey='7f')
    statuses = []
    for options in ({'kskey': {'min_key_length': '1'}}, {}):
        web = front.front(tmp_path / 'keymw', cloud.app, options)
        path = wires.base(bob.id)
        answer = front.ask(web, wire, 'POST', path, cloud.admin, body)
        statuses.append(answer.status_int)
    assert statuses == [201, 400]
    shown = front.ask(web, wire, 'GET', wires.key(bob.id), cloud.admin)
    assert wire.key(shown) == (bob.name, '7f')
    login = wire.auth(wires.ROOT, {'username': bob.name, 'apiKey': '7f'})
    answer = front.ask(web, wire, 'POST', '/v2.0/tokens', None, login)
    assert answer.status_int == 200


@pytest.mark.parametrize('value', ['0', '101', '-1', 'x'])
def test_option_that_cannot_be(deploy: Any, cloud: Cloud, value: str) -> None:
    with pytest.raises(ConfigError, match='min_key_length'):
        deploy(cloud.app, {'kskey': {'min_key_length': value}})
