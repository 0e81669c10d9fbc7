"""The API key of a user, from the first to the last request."""

import re
from typing import Any

from tests.support import wire as wires
from tests.support.cloud import Person


def test_life_of_a_key(send: Any, wire: wires.Wire, bob: Person) -> None:
    base, key = wires.base(bob.id), wires.key(bob.id)
    body = wire.write(username=bob.name, apiKey='first' * 4)

    added = send('POST', base, body)
    assert added.status_int == 201
    assert wire.key(added) == (bob.name, 'first' * 4)
    assert added.headers['Location'] == f'http://localhost{key}'

    assert wire.key(send('GET', key)) == (bob.name, 'first' * 4)
    assert wire.keys(send('GET', base)) == [(bob.name, 'first' * 4)]

    reset = send('POST', wires.reset(bob.id), b'')
    assert reset.status_int == 200
    name, new = wire.key(reset)
    assert name == bob.name
    assert re.fullmatch('[0-9a-f]{32}', new)
    assert wire.key(send('GET', key)) == (bob.name, new)

    deleted = send('DELETE', key)
    assert deleted.status_int == 204
    assert deleted.body == b''
    assert 'Content-Type' not in deleted.headers

    assert wire.keys(send('GET', base)) == []
    assert wire.fault(send('GET', key)) == (
        'itemNotFound',
        404,
        "User doesn't have api key credentials",
    )
    assert wire.fault(send('DELETE', key)) == (
        'itemNotFound',
        404,
        'Credential type RAX-KSKEY:apiKeyCredentials was not found for '
        f'User with Id: {bob.id}',
    )
