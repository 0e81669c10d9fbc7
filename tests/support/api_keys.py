"""keymw with API keys before the real Keystone, and what users ask of it."""

from collections.abc import Callable
import datetime
import pathlib
import time
from typing import Any

from tests.support import front
from tests.support.between import Between
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Options

SERVICE = 'keymw'
OPTIONS: Options = {
    'identity': {
        'service_user': SERVICE,
        'service_project': 'admin',
        'token_cache_ttl': '0',
        'user_cache_ttl': '0',
    },
    'api_keys': {'enabled': 'true', 'last_used_interval': '0'},
    'kskey': {'serve_v1_1': 'true'},
}


def service_user(cloud: Cloud, name: str = SERVICE) -> Person:
    """The user for whom the trusts are made; one for each Keystone."""
    path = f'/v3/users?name={name}&domain_id=default'
    found = cloud.ask('GET', path).json['users']
    if found:
        return Person(found[0]['id'], name)
    made = cloud.person(name)
    cloud.grant(made, 'admin', 'admin')
    return made


def options(**api_keys: str) -> Options:
    """OPTIONS with other options of [api_keys]."""
    return OPTIONS | {'api_keys': OPTIONS['api_keys'] | api_keys}


class KeyDesk:
    """keymw before the real Keystone; every status is an answer."""

    def __init__(
        self,
        home: pathlib.Path,
        cloud: Cloud,
        more: Options | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cloud = cloud
        made = more or OPTIONS
        name = made['identity'].get('service_user') or SERVICE
        self.service = service_user(cloud, name)
        self.between = Between(cloud.app)
        self.web = front.front(home, self.between, made, clock)

    def ask(
        self,
        method: str,
        path: str,
        token: str | None,
        body: Any = None,
        **more: Any,
    ) -> Any:
        """The answer to a request with a token and a body in JSON."""
        headers = {} if token is None else {'X-Auth-Token': token}
        headers |= more.pop('headers', {})
        if path.startswith('//'):
            # A URL that starts like this names a host.
            path = f'http://localhost{path}'
        call = getattr(self.web, f'{method.lower()}_json', None)
        if body is None or call is None:
            return self.web.request(
                path,
                method=method,
                headers=headers,
                expect_errors=True,
                **more,
            )
        return call(path, body, headers=headers, expect_errors=True, **more)

    def create(self, person: Person, token: str, **members: Any) -> Any:
        """The answer to the creation of a key."""
        body = {'api_key': {'name': 'one', **members}}
        return self.ask('POST', base(person), token, body)

    def made(self, person: Person, **members: Any) -> dict[str, Any]:
        """A new key of a user on the project "demo"."""
        token = self.cloud.token_of(person, 'demo')
        answer = self.create(person, token, **members)
        assert answer.status_int == 201, answer.text
        found: dict[str, Any] = answer.json['api_key']
        return found

    def sign_in(self, secret: str, query: str = '', **more: Any) -> Any:
        """The answer to a v3 login with a key."""
        key = {'secret': secret, **more.pop('key', {})}
        identity = {'methods': ['api_key'], 'api_key': key}
        scope = {'scope': more.pop('scope')} if 'scope' in more else {}
        return self.web.post_json(
            f'/v3/auth/tokens{query}',
            {'auth': {'identity': identity, **scope}},
            expect_errors=True,
            **more,
        )

    def token(self, secret: str) -> str:
        """A token bought with a key."""
        answer = self.sign_in(secret)
        assert answer.status_int == 201, answer.text
        return str(answer.headers['X-Subject-Token'])

    def v2(self, name: str, secret: str, **tenant: str) -> Any:
        """The answer to a v2.0 login with a key."""
        credentials = {'username': name, 'apiKey': secret}
        auth = {'RAX-KSKEY:apiKeyCredentials': credentials, **tenant}
        return self.web.post_json(
            '/v2.0/tokens', {'auth': auth}, expect_errors=True
        )

    def is_valid(self, token: str) -> bool:
        """Whether Keystone accepts a token."""
        answer = self.cloud.web.get(
            '/v3/auth/tokens?nocatalog',
            headers={
                'X-Auth-Token': self.cloud.admin,
                'X-Subject-Token': token,
            },
            expect_errors=True,
        )
        return bool(answer.status_int == 200)

    def trusts(self, person: Person) -> list[dict[str, Any]]:
        """The trusts of a user for the service user."""
        path = f'/v3/OS-TRUST/trusts?trustor_user_id={person.id}'
        found: list[dict[str, Any]] = self.cloud.ask('GET', path).json[
            'trusts'
        ]
        return [t for t in found if t['trustee_user_id'] == self.service.id]


def base(person: Person) -> str:
    """The path of the keys of a user."""
    return f'/v3/users/{person.id}/api_keys'


def path(key: dict[str, Any]) -> str:
    """The path of a key."""
    return f'/v3/users/{key["user_id"]}/api_keys/{key["id"]}'


def later(**delta: int) -> str:
    """A time from now on, in ISO 8601."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(**delta)
    return end.isoformat()
