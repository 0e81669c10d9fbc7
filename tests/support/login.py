"""keymw where users sign in with their keys, in every way there is."""

from collections.abc import Callable
import json
import pathlib
import time
from typing import Any

import webob

from tests.support import front
from tests.support import wire as wires
from tests.support.between import Between
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Options
from tests.support.deployment import settle

TOKENS = '/v2.0/tokens'
V1_1 = {'kskey': {'serve_v1_1': 'true'}}
JSON = wires.Json()
WRONG = ('unauthorized', 401, 'Username or api key is invalid.')


class Desk:
    """keymw before the real Keystone, and what users ask of it."""

    def __init__(
        self,
        home: pathlib.Path,
        cloud: Cloud,
        options: Options | None = None,
        app: Any = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.home = home
        self.cloud = cloud
        self.between = Between(app or cloud.app)
        # The token of the administrator is not what these tests are about.
        made = {'identity': {'token_cache_ttl': '3600'}, **(options or V1_1)}
        self.web = front.front(home, self.between, made, clock, sleep)

    def admin(self, method: str, path: str) -> Any:
        """The answer to a request of the administrator."""
        return front.ask(self.web, JSON, method, path, self.cloud.admin)

    def new_key(self, person: Person) -> str:
        """A key of a user, made now: a login waits for the next second."""
        return JSON.key(self.admin('POST', wires.reset(person.id)))[1]

    def key_of(self, person: Person) -> str:
        """A key of a user, two seconds old."""
        key = self.new_key(person)
        settle(self.home, person.id)
        return key

    def send(
        self, wire: wires.Wire, body: bytes, path: str = TOKENS, **more: Any
    ) -> Any:
        """The answer to a login of v2.0, whatever it is."""
        headers = {'Accept': wire.media_type, 'Content-Type': wire.media_type}
        return self.web.post(
            path,
            body,
            headers=headers | more.pop('headers', {}),
            expect_errors=True,
            **more,
        )

    def sign_in(
        self, wire: wires.Wire, username: str, key: str, **tenant: str
    ) -> Any:
        """The answer to a login of v2.0 with a key."""
        members = {'username': username, 'apiKey': key}
        return self.send(wire, wire.auth(wires.ROOT, members, **tenant))

    def v1_0(self, username: str, key: str) -> Any:
        """The answer to a login of v1.0."""
        headers = {'X-Auth-User': username, 'X-Auth-Key': key}
        return self.web.get('/v1.0', headers=headers, expect_errors=True)

    def v1_1(self, username: str, key: str) -> Any:
        """The answer to a login of v1.1, in JSON."""
        body = {'credentials': {'username': username, 'key': key}}
        return self.web.post_json('/v1.1/auth', body, expect_errors=True)

    def v3(self, user: Any, key: str, query: str = '', **auth: Any) -> Any:
        """The answer to a login of v3 with a key."""
        method = {'user': user, 'secret': key}
        identity = {'methods': ['api_key'], 'api_key': method}
        return self.web.post_json(
            f'/v3/auth/tokens{query}',
            {'auth': {'identity': identity, **auth}},
            expect_errors=True,
        )

    def by(self, way: str, username: str, key: str) -> Any:
        """The answer to a login in one of the ways."""
        if way == 'v2.0':
            return self.sign_in(JSON, username, key)
        if way == 'v2.0 in XML':
            return self.sign_in(wires.Xml(), username, key)
        if way == 'v3':
            domain = {'id': 'default'}
            return self.v3({'name': username, 'domain': domain}, key)
        legacy = {'v1.0': self.v1_0, 'v1.1': self.v1_1}
        return legacy[way](username, key)


WAYS = ('v2.0', 'v2.0 in XML', 'v1.0', 'v1.1', 'v3')


class Rewritten:
    """An application of whose tokens something is changed."""

    def __init__(
        self, app: Any, change: Callable[[dict[str, Any]], object]
    ) -> None:
        self._app = app
        self._change = change

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = webob.Request(environ)
        response = request.send(self._app)
        if request.path == '/v3/auth/tokens' and request.method == 'POST':
            body = json.loads(response.body)
            if 'token' in body:
                self._change(body['token'])
            response.body = json.dumps(body).encode()
        return response(environ, start_response)
