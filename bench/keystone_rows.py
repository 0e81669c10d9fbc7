"""Rows of the table in front of a real Keystone, which is the peer."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import json
import pathlib
import time
from typing import Any

from bench import login
from bench.measure import OURS
from bench.measure import Row
from keymw import factory
from tests.support import api_keys
from tests.support import pass_through
from tests.support import wire
from tests.support.cloud import Cloud
from tests.support.deployment import Deployment

_BARE = 'external, with a user look-up'
_TRUST = 'trust by external, with a user look-up'
_CREDENTIAL = 'application credential'
_THEIRS = 'Keystone'
# As installed: only the service user is named.
_TODAY = {
    'identity': {
        **{'service_user': api_keys.SERVICE, 'service_project': 'admin'},
        **{'token_cache_ttl': '', 'user_cache_ttl': ''},
    },
    'api_keys': {'enabled': 'true'},
}


def rows(home: pathlib.Path) -> Iterator[Row]:
    """Yield the rows; Keystone's cache is on, and its hashes are as slow."""
    login.as_installed()
    cloud = Cloud(home)
    owner = cloud.person()
    cloud.grant(owner, 'member')
    clock = login.Clock()
    app = login.serve(cloud, home / 'keymw', clock)
    login.give_key(cloud, app, owner)
    token = cloud.token_of(owner, project='demo')
    # The vault reads its keys anew for a second after they were made.
    time.sleep(1)
    yield from _keys(cloud, app, owner, token)
    yield from _logins(cloud, app, owner, clock)
    yield from _login_today(cloud, home / 'today', owner, clock)


def _login_today(
    cloud: Cloud, home: pathlib.Path, owner: Any, clock: login.Clock
) -> Iterator[Row]:
    """A login with a key that has a trust, beside what Keystone alone has."""
    service = api_keys.service_user(cloud)
    made = Deployment(home, _TODAY)
    made.set_up()
    app = factory.wrap(cloud.app, str(made.conf_file), clock)
    token = cloud.token_of(owner, project='demo')
    body = {'api_key': {'name': 'bench'}}
    reply = login.post(app, api_keys.base(owner), body, token)
    key = json.loads(reply.body)['api_key']
    identity = {'methods': ['api_key'], 'api_key': {'secret': key['secret']}}
    ours = {'auth': {'identity': identity}}
    (trust,) = cloud.ask(
        'GET', f'/v3/OS-TRUST/trusts?trustor_user_id={owner.id}'
    ).json['trusts']
    external = {'methods': ['external'], 'external': {}}
    scope = {'OS-TRUST:trust': {'id': trust['id']}}
    theirs = {'auth': {'identity': external, 'scope': scope}}
    remote = {'REMOTE_USER': service.name, 'REMOTE_DOMAIN': 'Default'}
    by_credential = login.application_credential(cloud, owner, 'today')

    def by_key() -> None:
        _post(app, '/v3/auth/tokens', ours)

    def bare() -> None:
        _ask(cloud.app, 'GET', f'/v3/users/{owner.id}', cloud.admin)
        _post(cloud.app, '/v3/auth/tokens', theirs, **remote)

    yield Row(
        'login v3, API key with a trust',
        {
            OURS: by_key,
            _TRUST: bare,
            _CREDENTIAL: lambda: _post(
                cloud.app, '/v3/auth/tokens', by_credential
            ),
        },
        calls=30,
        over={_TRUST: 1.2},
        under={_CREDENTIAL: 10},
        slow={_CREDENTIAL: 1},
    )
    # The last uses are written while the database is there.
    clock.ahead += 100
    by_key()


def _keys(cloud: Cloud, app: Any, owner: Any, token: str) -> Iterator[Row]:
    blob = json.dumps({'access': 'a', 'secret': 's' * 32})
    made = {'type': 'cert', 'user_id': owner.id, 'blob': blob}

    def create() -> Any:
        return _ask(cloud.app, 'POST', '/v3/credentials', token, made)

    id_ = json.loads(create().body)['credential']['id']
    path = f'/v3/credentials/{id_}'
    yield Row(
        'GET credential, before Keystone',
        {
            OURS: lambda: _ask(app, 'GET', wire.key(owner.id), token),
            _THEIRS: lambda: _ask(cloud.app, 'GET', path, token),
        },
        calls=40,
        under={_THEIRS: 12},
    )
    yield Row(
        'reset by owner, before Keystone',
        {
            OURS: lambda: _ask(app, 'POST', wire.reset(owner.id), token),
            _THEIRS: create,
        },
        calls=10,
        under={_THEIRS: 10},
    )
    yield Row(
        'reset by admin, before Keystone',
        {
            OURS: lambda: _ask(app, 'POST', wire.reset(owner.id), cloud.admin),
            _THEIRS: create,
        },
        calls=10,
        under={_THEIRS: 4},
    )
    login.give_key(cloud, app, owner)


def _ask(
    app: Any, method: str, path: str, token: str, body: Any = None
) -> Any:
    sent = b'' if body is None else json.dumps({'credential': body}).encode()
    environ = pass_through.environ_of(
        method,
        path,
        sent,
        CONTENT_TYPE='application/json',
        HTTP_X_AUTH_TOKEN=token,
    )
    reply = pass_through.ask(app, environ)
    if reply.status // 100 != 2:
        raise SystemExit(f'{method} {path}: {reply.status} {reply.body!r}')
    return reply


def _logins(
    cloud: Cloud, app: Any, owner: Any, clock: login.Clock
) -> Iterator[Row]:
    project = cloud.project('demo')
    kinds = _others(cloud, owner, project)
    key = {'username': owner.name, 'apiKey': login.KEY}
    user = {'id': owner.id}
    v2 = {'auth': {wire.ROOT: key, 'tenantId': project}}
    method = {'user': user, 'secret': login.KEY}
    identity = {'methods': ['api_key'], 'api_key': method}
    v3 = {
        'auth': {'identity': identity, 'scope': {'project': {'id': project}}}
    }
    ours = {
        'v2.0': lambda: _post(app, '/v2.0/tokens', v2),
        'v3': lambda: _post(app, '/v3/auth/tokens', v3),
        'v1.1': lambda: _post(
            app,
            '/v1.1/auth',
            {'credentials': {'username': owner.name, 'key': login.KEY}},
        ),
        'v1.0': lambda: _ask_v1(app, owner.name),
    }
    for version, by_key in ours.items():

        def fresh(by_key: Callable[[], object] = by_key) -> object:
            clock.ahead += 2 * login.TTL
            return by_key()

        yield Row(
            f'login {version}, owner looked up',
            {OURS: fresh, **kinds},
            calls=10,
            over={_BARE: 1.15},
            under={_CREDENTIAL: 45},
            slow={_CREDENTIAL: 1},
            repeats=7,
        )


def _ask_v1(app: Any, name: str) -> None:
    environ = pass_through.environ_of(
        'GET', '/v1.0', HTTP_X_AUTH_USER=name, HTTP_X_AUTH_KEY=login.KEY
    )
    reply = pass_through.ask(app, environ)
    if reply.status != 204:
        raise SystemExit(f'GET /v1.0: {reply.status} {reply.body!r}')


def _others(
    cloud: Cloud, owner: Any, project: str
) -> dict[str, Callable[[], object]]:
    by_credential = login.application_credential(cloud, owner)
    external = {'methods': ['external'], 'external': {}}
    scope = {'project': {'id': project}}
    body = {'auth': {'identity': external, 'scope': scope}}
    remote = {'REMOTE_USER': owner.name, 'REMOTE_DOMAIN': 'Default'}
    path = f'/v3/users/{owner.id}'

    def bare() -> None:
        _ask(cloud.app, 'GET', path, cloud.admin)
        _post(cloud.app, '/v3/auth/tokens', body, **remote)

    return {
        _BARE: bare,
        _CREDENTIAL: lambda: _post(
            cloud.app, '/v3/auth/tokens', by_credential
        ),
    }


def _post(app: Any, path: str, body: Any, **more: Any) -> None:
    reply = login.post(app, path, body, **more)
    if reply.status // 100 != 2:
        raise SystemExit(f'POST {path}: {reply.status} {reply.body!r}')
