"""Headers of responses hold nothing that a client wrote."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from bench import identity
from tests.support import pass_through
from tests.support import wire as wires
from tests.support.admin import KEYS
from tests.support.admin import Office
from tests.support.deployment import Deployment
from tests.support.trusting import Trusting

USER = identity.user_id(3)
LOGIN = '/v2.0/tokens'


@pytest.fixture(scope='module')
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Deployment(
        tmp_path_factory.mktemp('headers') / 'keymw',
        {'global_keys': {'enabled': 'true'}},
    )
    made.set_up()
    return made.load(identity.Instant())


@pytest.mark.parametrize(
    'text',
    ['x\r\nSet-Cookie: evil=1', 'x\nSet-Cookie: evil=1', 'x\0evil', 'éevil'],
    ids=['crlf', 'lf', 'nul', 'latin-1'],
)
@pytest.mark.parametrize('place', ['path', 'query', 'headers', 'body'])
def test_text_of_a_client_is_in_no_header(
    app: Any, place: str, text: str
) -> None:
    user = text if place == 'path' else USER
    query = quote(text) if place == 'query' else ''
    body = text if place == 'body' else USER
    more = (
        {
            'HTTP_X_OPENSTACK_REQUEST_ID': text,
            'HTTP_ACCEPT': text,
            'HTTP_AUTHORIZATION': f'Digest realm="{text}"',
            'HTTP_X_AUTH_USER': text,
            'HTTP_X_AUTH_KEY': text,
        }
        if place == 'headers'
        else {}
    )
    key = {wires.ROOT: {'username': body, 'apiKey': f'{body} {"k" * 16}'}}
    for method, path, content in (
        ('POST', wires.base(user), key),
        ('GET', wires.key(user), None),
        ('POST', LOGIN, {'auth': key}),
        ('GET', '/v1.0', None),
        ('GET', KEYS, None),
        ('GET', f'{KEYS}/{user}', None),
    ):
        token = '' if path.startswith(KEYS) else identity.ADMIN
        told = b'' if content is None else json.dumps(content).encode()
        environ = pass_through.environ_of(
            method,
            path,
            told,
            CONTENT_TYPE='application/json',
            QUERY_STRING=query,
            HTTP_X_AUTH_TOKEN=token,
            **more,
        )
        answer = pass_through.ask(app, environ)
        assert answer.status < 500
        shown = str(answer.headers)
        assert 'evil' not in shown
        assert '\\r' not in shown


class Hosts(Trusting):
    """An identity service that fails on a host as Werkzeug does."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ.get('HTTP_HOST', 'localhost').encode('idna')
        return super().__call__(environ, start_response)


@pytest.fixture(scope='module')
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    home = tmp_path_factory.mktemp('hosts') / 'keymw'
    on = {'enabled': 'true'}
    v3 = {'api_version': 'v3'}
    return Office(home, Hosts(), {'api_keys': on, 'identity': v3})


@pytest.mark.parametrize(
    ('host', 'shown'),
    [
        ('cloud.example:5000', 'cloud.example:5000'),
        ('keystone_1', 'keystone_1'),
        ('[2001:db8::1]:80', '[2001:db8::1]'),
        *((bad, 'localhost') for bad in ('', 'e' * 64, 'e..e', 'e"e', 'e/e?')),
        *((bad, 'localhost') for bad in ('u@e', 'e, e', 'e:x', 'é', 'e ' * 9)),
        ('.'.join(['e' * 60] * 9), 'localhost'),
    ],
)
def test_host_that_is_none_is_not_used(
    office: Office, host: str, shown: str
) -> None:
    path = f'/v3/users/{USER}/api_keys'
    office.web.extra_environ['HTTP_HOST'] = host
    body = {'api_key': {'name': f'of {host[:9]!r} {len(host)}'}}
    headers = {'X-Auth-Token': USER}
    made = office.web.post_json(path, body, headers=headers)
    assert made.headers['Location'].startswith(f'http://{shown}{path}/')
    headers = {'X-Auth-Token': identity.ADMIN}
    assert f'//{shown}{KEYS}?' in office.web.get(KEYS, headers=headers).text
