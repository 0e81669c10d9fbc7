"""The table of what we serve."""

from collections.abc import Iterator
import dataclasses
import functools
from typing import Any

from oslo_config import cfg

from keymw.bodies import access as access_bodies
from keymw.bodies import access_list as access_list_bodies
from keymw.bodies import auth as auth_bodies
from keymw.bodies import auth_v3 as auth_v3_bodies
from keymw.bodies import credentials as credential_bodies
from keymw.bodies import extensions as extension_bodies
from keymw.bodies import fault as fault_bodies
from keymw.bodies import global_keys as global_key_bodies
from keymw.bodies import legacy as legacy_bodies
from keymw.bodies import tenants as tenant_bodies
from keymw.bodies import users as user_bodies
from keymw.bodies import versions as version_bodies
from keymw.handlers import access_list
from keymw.handlers import credentials
from keymw.handlers import extensions
from keymw.handlers import global_keys
from keymw.handlers import login
from keymw.handlers import tenants
from keymw.handlers import tokens
from keymw.handlers import users
from keymw.handlers import versions
from keymw.policies import access_list as access_list_rules
from keymw.policies import credentials as rules
from keymw.policies import global_keys as global_key_rules
from keymw.routing import AdminRoute
from keymw.routing import Route
from keymw.routing import Table

CREDENTIALS = '/v2.0/users/{user_id}/OS-KSADM/credentials'
KEY = f'{CREDENTIALS}/RAX-KSKEY:apiKeyCredentials'

KSKEY_ROUTES = (
    Route(
        'GET',
        CREDENTIALS,
        rules.LIST,
        credentials.list_,
        200,
        writes=credential_bodies.write_list,
        check_query=credential_bodies.check_query,
    ),
    Route(
        'POST',
        CREDENTIALS,
        rules.ADD,
        credentials.put,
        201,
        location=KEY,
        writes=credential_bodies.write,
        reads=credential_bodies.read,
        is_ours=credential_bodies.is_ours,
    ),
    Route(
        'GET',
        KEY,
        rules.GET,
        credentials.get,
        200,
        writes=credential_bodies.write,
    ),
    Route(
        'POST',
        KEY,
        rules.UPDATE,
        credentials.put,
        200,
        writes=credential_bodies.write,
        reads=credential_bodies.read,
    ),
    Route('DELETE', KEY, rules.DELETE, credentials.delete, 204),
    Route(
        'POST',
        f'{KEY}/RAX-AUTH/reset',
        rules.RESET,
        credentials.reset,
        200,
        writes=credential_bodies.write,
    ),
    Route(
        'GET',
        '/v2.0/extensions',
        None,
        extensions.list_,
        200,
        writes=extension_bodies.write_list,
        merges=extension_bodies.merge,
    ),
    Route(
        'GET',
        '/v2.0/extensions/(?i:RAX-KSKEY)',
        None,
        extensions.get,
        200,
        writes=extension_bodies.write,
    ),
)

# What else v2.0 clients ask, where the service behind us speaks v3 alone.
_asked = functools.partial(Route, rule=None, v3_only=True)
_FACE_LOGIN = _asked(
    'POST',
    '/v2.0/tokens',
    handler=tokens.login,
    status=200,
    writes=access_bodies.write,
    reads=auth_bodies.read,
)
FACE_ROUTES = (
    _asked(
        'GET',
        '/v2.0/tokens/{token_id}',
        handler=tokens.validate,
        status=200,
        writes=access_bodies.write,
    ),
    _asked(
        'DELETE',
        '/v2.0/tokens/{token_id}',
        handler=tokens.revoke,
        status=204,
    ),
    _asked(
        'GET',
        '/v2.0/tenants',
        handler=tenants.list_,
        status=200,
        writes=tenant_bodies.write_list,
    ),
    _asked(
        'GET',
        '/v2.0/users',
        handler=users.find,
        status=200,
        writes=user_bodies.write_found,
    ),
    _asked(
        'GET',
        '/v2.0/users/{user_id}',
        handler=users.get,
        status=200,
        writes=user_bodies.write,
    ),
    _asked(
        'GET',
        '/v2.0',
        handler=versions.get,
        status=200,
        writes=version_bodies.write,
    ),
)
_NOTHING = _asked('GET', '', handler=versions.nothing, status=404)

_KEY_LOGIN = Route(
    'POST',
    '/v2.0/tokens',
    None,
    login.token,
    200,
    writes=access_bodies.write,
    reads=auth_bodies.read,
    is_ours=auth_bodies.is_ours_or_key_like,
)
_V3_LOGIN = Route(
    'POST',
    '/v3/auth/tokens',
    None,
    login.v3,
    201,
    writes=auth_v3_bodies.write,
    writes_headers=auth_v3_bodies.write_headers,
    reads=auth_v3_bodies.read,
    is_ours=auth_v3_bodies.is_ours,
    v3_only=True,
    guest=True,
    tells=fault_bodies.tell_v3,
)
_V1_0_LOGIN = Route(
    'GET',
    '/v1.0',
    None,
    login.legacy,
    204,
    reads_headers=legacy_bodies.read_headers,
    writes_headers=legacy_bodies.write_headers,
    tells=fault_bodies.tell_text,
)
_V1_1_LOGIN = Route(
    'POST',
    '/v1.1/auth',
    None,
    login.token,
    200,
    writes=legacy_bodies.write,
    reads=legacy_bodies.read,
    tells=fault_bodies.tell_v1_1,
)


def served(conf: cfg.ConfigOpts, *, issues: bool, faces: bool) -> Table:
    """The table of what the options of [kskey] switch on.

    issues says whether tokens can be had for the owners of keys, faces
    whether v2.0 requests may be told to the service in words of v3.
    """
    options, found = conf.kskey, list[Route]()
    if not options.enabled:
        return Table((), None, '(?!)')
    faces = faces and options.serve_v2
    rest = _NOTHING if faces else None
    found += [
        dataclasses.replace(route, otherwise=rest) for route in KSKEY_ROUTES
    ]
    guarded = [
        r'/v2\.0/users/[^/]+/OS-KSADM/credentials',
        r'/v2\.0/extensions',
    ]
    if issues:
        found += _logins(options, faces)
    elif faces:
        found.append(_FACE_LOGIN)
    if issues or faces:
        guarded.append(r'/v2\.0/tokens')
    if issues and options.serve_v1_0:
        guarded.append(r'/v1\.0(?![^/])')
    if issues and options.serve_v1_1:
        guarded.append(r'/v1\.1/auth')
    if faces:
        found += FACE_ROUTES
    return Table(found, rest, '|'.join(guarded))


def _logins(options: Any, faces: bool) -> Iterator[Route]:
    yield dataclasses.replace(
        _KEY_LOGIN,
        is_ours=auth_bodies.is_ours
        if options.forward_key_like_passwords
        else auth_bodies.is_ours_or_key_like,
        otherwise=_FACE_LOGIN if faces else None,
    )
    yield _V3_LOGIN
    if options.serve_v1_0:
        yield _V1_0_LOGIN
    if options.serve_v1_1:
        yield _V1_1_LOGIN


ADMIN = '/api/public/v1.0/admin'
GLOBAL_KEYS = f'{ADMIN}/apiKeys'
# The second is what the first was called until 5.0, and what clients ask.
ACCESS_LISTS = (f'{ADMIN}/accessList', f'{ADMIN}/whitelist')


def _global_keys() -> Iterator[AdminRoute]:
    bodies, asks = global_key_bodies, global_key_rules
    key = f'{GLOBAL_KEYS}/{{id}}'
    yield AdminRoute(
        'GET',
        GLOBAL_KEYS,
        asks.LIST,
        global_keys.list_,
        lists=True,
        writes=bodies.write_page,
    )
    yield AdminRoute(
        'POST',
        GLOBAL_KEYS,
        asks.ADD,
        global_keys.add,
        changes=True,
        reads=bodies.read_new,
        writes=bodies.write_new,
    )
    # It stands before that of one key, which it would be taken for.
    yield AdminRoute(
        'GET',
        f'{GLOBAL_KEYS}/roles',
        asks.ROLES,
        global_keys.roles,
        writes=bodies.write_roles,
    )
    yield AdminRoute(
        'GET', key, asks.GET, global_keys.get, writes=bodies.write
    )
    yield AdminRoute(
        'PATCH',
        key,
        asks.UPDATE,
        global_keys.update,
        changes=True,
        own=True,
        reads=bodies.read_change,
        writes=bodies.write,
    )
    yield AdminRoute(
        'DELETE', key, asks.DELETE, global_keys.delete, 204, changes=True
    )


def _access_list(path: str) -> Iterator[AdminRoute]:
    bodies, asks = access_list_bodies, access_list_rules
    entry = f'{path}/{{id}}'
    yield AdminRoute(
        'GET',
        path,
        asks.LIST,
        access_list.list_,
        lists=True,
        writes=bodies.write_page,
    )
    yield AdminRoute(
        'POST',
        path,
        asks.ADD,
        access_list.add,
        changes=True,
        reads=bodies.read_new,
        writes=bodies.write,
    )
    yield AdminRoute(
        'GET', entry, asks.GET, access_list.get, writes=bodies.write
    )
    yield AdminRoute(
        'PATCH',
        entry,
        asks.UPDATE,
        access_list.update,
        changes=True,
        reads=bodies.read_change,
        writes=bodies.write,
    )
    yield AdminRoute(
        'DELETE', entry, asks.DELETE, access_list.delete, 204, changes=True
    )


ADMIN_ROUTES = (
    *_global_keys(),
    *(route for path in ACCESS_LISTS for route in _access_list(path)),
)
