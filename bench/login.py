"""Measures a login with an API key, with a Keystone in this process.

Three kinds of refusal, with equal timing, come first. Then come
logins, beside those of Keystone alone: with an application credential, and
with the bare external method. Keystone's cache is on.
"""

from collections.abc import Callable
import json
import pathlib
import random
import statistics
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from keymw import factory
from tests.support import pass_through
from tests.support import wire
from tests.support.cloud import CONF
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment

KEY = 'k' * 32
ROUNDS = 2000
FEWER = 200
TTL = 1
# The first calls of each kind fill the caches.
FIRST = 10


def main() -> None:
    as_installed()
    with tempfile.TemporaryDirectory() as home:
        cloud = Cloud(pathlib.Path(home))
        owner, keyless = cloud.person(), cloud.person()
        cloud.grant(owner, 'member')
        clock = Clock()
        app = serve(cloud, pathlib.Path(home) / 'keymw', clock)
        give_key(cloud, app, owner)
        show_refusals(app, owner, keyless)
        show_logins(cloud, app, clock, owner)


def as_installed() -> None:
    """Give the Keystone of this process the cache and hashes of a site."""
    for group in ('identity', 'token', 'revoke', 'role', 'credential'):
        CONF.setdefault(group, {})['caching'] = 'true'
    # The tests use cheap hashes.
    CONF['identity'].pop('password_hash_rounds', None)


class Clock:
    """The present time plus an offset."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def serve(cloud: Cloud, home: pathlib.Path, clock: Clock) -> Any:
    # The cache of tokens is as installed; tests have none.
    cached = {'user_cache_ttl': str(TTL), 'token_cache_ttl': ''}
    served = {'serve_v1_0': 'true', 'serve_v1_1': 'true'}
    made = Deployment(home, {'identity': cached, 'kskey': served})
    made.set_up()
    return factory.wrap(cloud.app, str(made.conf_file), clock)


def give_key(cloud: Cloud, app: Any, owner: Person) -> None:
    members = {'username': owner.name, 'apiKey': KEY}
    status = post(
        app, wire.base(owner.id), {wire.ROOT: members}, cloud.admin
    ).status
    if status != 201:
        sys.exit(f'No key could be given: {status}')


def post(app: Any, path: str, body: Any, token: str = '', **more: Any) -> Any:
    environ = pass_through.environ_of(
        'POST',
        path,
        json.dumps(body).encode(),
        CONTENT_TYPE='application/json',
        HTTP_X_AUTH_TOKEN=token,
        **more,
    )
    return pass_through.ask(app, environ)


def log_in(app: Any, name: str, key: str) -> int:
    auth = {wire.ROOT: {'username': name, 'apiKey': key}}
    status: int = post(app, '/v2.0/tokens', {'auth': auth}).status
    return status


def show_refusals(app: Any, owner: Person, keyless: Person) -> None:
    kinds: dict[str, Callable[[], int]] = {
        'unknown user': lambda: log_in(app, 'nobody-there', KEY),
        'wrong key': lambda: log_in(app, owner.name, KEY[::-1] + 'x'),
        'user without key': lambda: log_in(app, keyless.name, KEY),
    }
    times = interleaved(kinds, ROUNDS, 401)
    medians = {kind: statistics.median(t) for kind, t in times.items()}
    print(f'Refused logins, {ROUNDS} of each kind in random order:')
    for kind, median in medians.items():
        print(f'  {kind:<30}{median * 1e3:8.3f} ms')
    spread = max(medians.values()) / min(medians.values()) - 1
    print(f'  slowest over fastest median: {spread:+.1%} (goal: 5 %)')


def show_logins(cloud: Cloud, app: Any, clock: Clock, owner: Person) -> None:
    by_credential = application_credential(cloud, owner)
    bare = {
        'auth': {
            'identity': {'methods': ['external'], 'external': {}},
            'scope': {'project': {'id': cloud.project('demo')}},
        }
    }
    remote = {'REMOTE_USER': owner.name, 'REMOTE_DOMAIN': 'Default'}
    project = cloud.project('demo')

    def by_key() -> int:
        key = {'username': owner.name, 'apiKey': KEY}
        auth = {wire.ROOT: key, 'tenantId': project}
        return ask(app, '/v2.0/tokens', {'auth': auth})

    def later_by_key() -> int:
        clock.ahead += 2 * TTL
        return by_key()

    def ask(app: Any, path: str, body: Any, **more: Any) -> int:
        status: int = post(app, path, body, **more).status
        return status // 100

    kinds: dict[str, Callable[[], int]] = {
        'bare external': lambda: ask(
            cloud.app, '/v3/auth/tokens', bare, **remote
        ),
        'API key, owner remembered': by_key,
        'API key, owner looked up': later_by_key,
        'application credential': lambda: ask(
            cloud.app, '/v3/auth/tokens', by_credential
        ),
    }
    times = interleaved(kinds, FEWER, 2)
    medians = {kind: statistics.median(t) for kind, t in times.items()}
    base = medians['bare external']
    print(f'Logins, {FEWER} of each kind in random order:')
    for kind, median in medians.items():
        print(
            f'  {kind:<30}{median * 1e3:8.3f} ms{median / base:8.2f} times '
            'bare external'
        )
    ratio = (
        medians['application credential'] / medians['API key, owner looked up']
    )
    print(f'  application credential over API key: {ratio:.1f} (goal: 10)')


def application_credential(
    cloud: Cloud, owner: Person, name: str = 'bench'
) -> Any:
    """The body of a login with a new application credential of a user."""
    token = cloud.token_of(owner, project='demo')
    made = cloud.ask(
        'POST',
        f'/v3/users/{owner.id}/application_credentials',
        {'application_credential': {'name': name, 'secret': KEY}},
        token=token,
    ).json['application_credential']
    method = {'id': made['id'], 'secret': KEY}
    identity = {
        'methods': ['application_credential'],
        'application_credential': method,
    }
    return {'auth': {'identity': identity}}


def interleaved(
    kinds: dict[str, Callable[[], int]], rounds: int, expected: int
) -> dict[str, list[float]]:
    """Return the seconds of each call; kinds alternate in a varying order."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    order = list(kinds)
    for number in range(rounds + FIRST):
        random.shuffle(order)
        for kind in order:
            start = time.perf_counter()
            status = kinds[kind]()
            end = time.perf_counter()
            if status != expected:
                sys.exit(f'{kind}: {status}')
            if number >= FIRST:
                times[kind].append(end - start)
    return times


if __name__ == '__main__':
    main()
