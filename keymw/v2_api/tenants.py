"""Operations on Identity v2.0 tenants, translated to v3."""

from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

from keymw.call import Call
from keymw.identity import access
from keymw.identity import v3_types
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.v2_api import relay
from keymw.v2_api.bodies import Tenant
from keymw.web import faults
from keymw.web import query


def find(call: Call[None, object]) -> Tenant | list[Tenant]:
    """The tenant with the name in the query; else the caller's tenants.

    :raises NotFound: no tenant visible to the caller has the name.
    :raises Relayed: Keystone rejects the token.
    :raises NotInV2: the token is of another domain, or for no project.
    """
    own = _own(call, _checked_token(call))
    name = call.query.get('name')
    if name is None:
        return query.page(own, call.query)
    named = [tenant for tenant in own if tenant['name'] == name]
    return (named or _named(call, name))[0]


def get(call: Call[None, object]) -> Tenant:
    """The tenant with an id.

    :raises NotFound: no tenant has this id.
    :raises Relayed: Keystone does not show the tenant to this caller, and
        the caller's token cannot be scoped to it.
    :raises NotInV2: the token is of another domain, or for no project.
    """
    token = _checked_token(call)
    id_ = call.path['tenant_id']
    sub_request = f'/v3/projects/{quote(id_, safe="")}'
    try:
        response = relay.send(
            call, SubRequest('GET', sub_request, relay.own_token(call))
        )
    except faults.Relayed as fault:
        own = [tenant for tenant in _own(call, token) if tenant['id'] == id_]
        if fault.status != 403 or not own:
            raise
        return own[0]
    found = _read(call, response, lambda body: [body['project']])
    if not found:
        raise _unknown(id_)
    return found[0]


def _checked_token(call: Call[None, object]) -> v3_types.Token | None:
    """The caller's token if it is of an API key, else None; it fits v2.0.

    :raises Unauthorized: Keystone does not know the token, or does not let it
        ask about itself.
    """
    own, default = relay.own_token(call), call.parts.default_domain
    try:
        response = relay.send(
            call, SubRequest('GET', '/v3/auth/tokens?nocatalog', own, own)
        )
    except faults.Relayed as fault:
        if fault.status == 404:
            raise faults.Unauthorized from None
        found = _of_key(call, own) if fault.status == 403 else None
        if found is None:
            raise
        access.check_token(found, default)
        return found
    relay.read(
        response, lambda body: access.check_token(body['token'], default)
    )
    return None


def _of_key(call: Call[None, object], own: str) -> v3_types.Token | None:
    if call.parts.api_keys is None:
        return None
    return relay.dialect(call).trusts.token_of_key(call.origin, own)


def _own(
    call: Call[None, object], of_key: v3_types.Token | None
) -> list[Tenant]:
    """The tenants that the caller's token can be scoped to.

    That of an API key has only its own.
    """
    if of_key is not None:
        path = f'/v3/projects/{quote(of_key["project"]["id"], safe="")}'
        response = relay.send(
            call, SubRequest('GET', path, relay.own_token(call))
        )
        return _read(call, response, lambda body: [body['project']])
    response = relay.send(
        call, SubRequest('GET', '/v3/auth/projects', relay.own_token(call))
    )
    return _read(call, response, lambda body: body['projects'])


def _named(call: Call[None, object], name: str) -> list[Tenant]:
    """The tenant with a name, for callers who may list all projects."""
    wanted = {'name': name, 'domain_id': call.parts.default_domain}
    path = f'/v3/projects?{urlencode(wanted)}'
    try:
        response = relay.send(
            call, SubRequest('GET', path, relay.own_token(call))
        )
    except faults.Relayed as fault:
        if fault.status != 403:
            raise
        # This caller must not learn whether the tenant exists.
        raise _unknown(name) from None
    found = _read(call, response, lambda body: body['projects'])
    if not found:
        raise _unknown(name)
    return found


def _unknown(tenant: str) -> faults.NotFound:
    return faults.NotFound(f'Could not find project: {tenant}.')


def _read(
    call: Call[None, object], response: Response, projects: Any
) -> list[Tenant]:
    """The tenants in a response; v2.0 has only the default domain."""
    domain_id = call.parts.default_domain
    return relay.read(
        response,
        lambda body: [
            _shown(project)
            for project in projects(body)
            if project['domain_id'] == domain_id
            and not project.get('is_domain')
        ],
    )


def _shown(project: dict[str, Any]) -> Tenant:
    return {
        'id': project['id'],
        'name': project['name'],
        'description': project.get('description') or '',
        'enabled': project['enabled'],
    }
