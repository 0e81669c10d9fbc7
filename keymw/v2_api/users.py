"""Operations on Identity v2.0 users, translated to v3."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from keymw.call import Call
from keymw.identity import access
from keymw.identity import v3_roles
from keymw.identity.access import Role
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.v2_api import relay
from keymw.v2_api.bodies import User
from keymw.web import faults
from keymw.web import query


def get(call: Call[None, object]) -> User:
    """The user with an id.

    :raises Relayed: Keystone does not show the user to this caller.
    :raises NonDefaultDomain: the user is not of the default domain.
    """
    return _user(call, call.path['user_id'])


def _user(call: Call[None, object], user_id: str) -> User:
    path = f'/v3/users/{quote(user_id, safe="")}'
    response = relay.send(call, SubRequest('GET', path, relay.own_token(call)))
    return relay.read(response, lambda body: _shown(call, body['user']))


def find(call: Call[None, object]) -> User | list[User]:
    """The user with the name in the query, else a list of users.

    A caller who may not list users gets only itself.

    :raises NotFound: no user has the name.
    :raises Relayed: another user has the name, whom Keystone does not show
        to this caller.
    """
    found = [user for user in _visible(call) if _has_email(user, call.query)]
    name = call.query.get('name')
    if name is None:
        return query.page(found, call.query)
    if not found:
        raise faults.NotFound(f'User {name} not found')
    return found[0]


def _has_email(user: User, wanted: Mapping[str, str]) -> bool:
    # Keystone stores an address, but cannot search for it.
    email = wanted.get('email')
    if email is None:
        return True
    stored = user.get('email')
    return bool(stored) and str(stored).casefold() == email.casefold()


def _visible(call: Call[None, object]) -> list[User]:
    """The users whom the caller may see, filtered by the name in the query."""
    wanted = {'domain_id': call.parts.default_domain}
    name = call.query.get('name')
    if name is not None:
        wanted['name'] = name
    try:
        return _listed(call, f'/v3/users?{urlencode(wanted)}')
    except faults.Relayed as fault:
        if fault.status != 403:
            raise
        caller = call.parts.identity.caller(call.origin, relay.own_token(call))
        if name not in (None, caller.name):
            raise
        return [_user(call, caller.user_id)]


def _listed(call: Call[None, object], path: str) -> list[User]:
    """The users in Keystone's list, over all of its pages.

    :raises TooMany: Keystone truncated the list and gave no next page.
    """
    found: list[User] = []
    following: str | None = path
    while following is not None:
        response = relay.send(
            call, SubRequest('GET', following, relay.own_token(call))
        )
        found += relay.read(
            response, lambda body: [_shown(call, one) for one in body['users']]
        )
        following = relay.read(response, _following)
        if following is None and response.body.get('truncated'):
            raise faults.TooMany('The identity service shows not all users.')
    return found


def _following(body: dict[str, Any]) -> str | None:
    url = (body.get('links') or {}).get('next')
    return f'/v3/users?{urlsplit(url).query}' if url else None


def roles(call: Call[None, object]) -> list[Role]:
    """The roles of a user on tenants, for that user and for administrators.

    :raises Relayed: Keystone does not show the roles to this caller.
    :raises Forbidden: the caller asks for its own roles with a delegated
        token, or may not read them and there is no service_user.
    """
    _user(call, call.path['user_id'])
    return relay.read(_assignments(call), lambda body: _on_tenants(call, body))


def _assignments(call: Call[None, object]) -> Response:
    user_id = call.path['user_id']
    caller = call.parts.identity.caller(call.origin, relay.own_token(call))
    if caller.user_id != user_id:
        path = v3_roles.assignments_path(user_id)
        return relay.send(call, SubRequest('GET', path, relay.own_token(call)))
    if caller.delegated:
        raise faults.Forbidden()
    return relay.dialect(call).role_assignments(call.origin, caller)


def _on_tenants(call: Call[None, object], body: dict[str, Any]) -> list[Role]:
    """The distinct pairs of role and tenant, in the default domain."""
    found: dict[tuple[str, str], Role] = {}
    for item in body['role_assignments']:
        project = item['scope'].get('project')
        if project and project['domain']['id'] == call.parts.default_domain:
            role = item['role']
            found[role['id'], project['id']] = {
                'id': role['id'],
                'name': role['name'],
                'tenantId': project['id'],
            }
    return list(found.values())


def _shown(call: Call[None, object], user: dict[str, Any]) -> User:
    access.check_domain(user['domain_id'], call.parts.default_domain)
    made: User = {
        'id': user['id'],
        'name': user['name'],
        'username': user['name'],
        'enabled': user['enabled'],
    }
    if user.get('email'):
        made['email'] = user['email']
    return made
