"""A proxy that caches: no token and no key may come out of its cache."""

from collections.abc import Iterator
import http.client
import json
import threading
from typing import Any
from wsgiref import simple_server

import pytest

from tests.live.test_bad_input_servers import Quiet
from tests.support import wire as wires
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.servers.nginx import Nginx


@pytest.fixture(scope='module')
def proxy(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud
) -> Iterator[Nginx]:
    """nginx before keymw."""
    made = Deployment(
        tmp_path_factory.mktemp('nginx'), {'kskey': {'serve_v1_1': 'true'}}
    )
    made.set_up()
    with simple_server.make_server(
        '127.0.0.1', 0, made.load(cloud.app), handler_class=Quiet
    ) as behind:
        threading.Thread(target=behind.serve_forever, daemon=True).start()
        with Nginx(behind.server_port) as found:
            yield found
        behind.shutdown()


class Asked:
    """The answers that come through the proxy."""

    def __init__(self, proxy: Nginx) -> None:
        self._port = proxy.port

    def __call__(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, str, bytes]:
        """Status, what the cache did, and the body."""
        line = http.client.HTTPConnection('127.0.0.1', self._port, timeout=20)
        sent = {name.replace('_', '-'): text for name, text in headers.items()}
        content = None if body is None else json.dumps(body)
        if content:
            sent['Content-Type'] = 'application/json'
        line.request(method, path, content, sent)
        answer = line.getresponse()
        found = answer.status, answer.getheader('X-Cache', '-'), answer.read()
        line.close()
        return found


@pytest.fixture
def asked(proxy: Nginx) -> Asked:
    return Asked(proxy)


def requests(
    person: Person, key: str, admin: str
) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Each kind of request whose response has a token or a key."""
    headers = {'X_Auth_User': person.name, 'X_Auth_Key': key}
    yield 'GET', '/v1.0', None, headers
    members = {'username': person.name, 'apiKey': key}
    yield 'POST', '/v2.0/tokens', {'auth': {wires.ROOT: members}}, {}
    old = {'credentials': {'username': person.name, 'key': key}}
    yield 'POST', '/v1.1/auth', old, {}
    method = {'user': {'id': person.id}, 'secret': key}
    identity = {'methods': ['api_key'], 'api_key': method}
    yield 'POST', '/v3/auth/tokens', {'auth': {'identity': identity}}, {}
    token = {'X_Auth_Token': admin}
    yield 'GET', wires.key(person.id), None, token
    yield 'GET', wires.base(person.id), None, token
    yield 'GET', f'/v2.0/tokens/{admin}', None, token
    yield 'GET', f'/v2.0/users/{person.id}', None, token
    yield 'POST', wires.reset(person.id), None, token


def test_proxy_caches_what_it_may(asked: Asked) -> None:
    found = [asked('GET', '/v3')[:2] for _ in range(2)]
    assert found == [(200, 'MISS'), (200, 'HIT')]


def test_no_token_and_no_key_is_cached(
    asked: Asked, cloud: Cloud, bob: Person
) -> None:
    """A refusal takes the place of the answer, with the same URL."""
    reset = asked('POST', wires.reset(bob.id), X_Auth_Token=cloud.admin)
    key = json.loads(reset[2])[wires.ROOT]['apiKey']
    for method, path, body, headers in requests(bob, key, cloud.admin):
        status, cache, _ = asked(method, path, body, **headers)
        assert (status < 300, cache) == (True, 'MISS'), path
        wrong = dict.fromkeys(headers, 'wrong')
        status, cache, _ = asked(method, path, body and {}, **wrong)
        assert (status >= 400, cache) == (True, 'MISS'), path
