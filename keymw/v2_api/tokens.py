"""Operations on Identity v2.0 tokens, translated to v3."""

from typing import Any

from keymw.call import Call
from keymw.identity import access
from keymw.identity import default_tenant
from keymw.identity import external
from keymw.identity import v3_types
from keymw.identity.access import Access
from keymw.identity.access import Endpoint
from keymw.identity.base import Tenant
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.login.v2_body import Auth
from keymw.login.v2_body import Kind
from keymw.v2_api import relay
from keymw.web import faults


def login(call: Call[None, Auth]) -> Access:
    """The v2.0 access of a login with a password or a token.

    :raises NotImplemented: the login has a key, and such logins are off.
    :raises Relayed: Keystone refuses the login.
    :raises NotInV2: the token is of another domain, or for no project.
    """
    auth = call.body
    if auth.kind is Kind.KEY:
        raise faults.NotImplemented('Login with an API key is off here.')
    try:
        return _login(call, auth)
    except faults.Relayed as fault:
        found = _of_key(call, auth) if fault.status == 403 else None
        if found is None:
            raise
        return found


def _of_key(call: Call[None, Auth], auth: Auth) -> Access | None:
    """The access of the token itself, if it is of an API key.

    Keystone makes no other token from it. The tenant can only be its own.
    """
    if auth.kind is not Kind.TOKEN:
        return None
    token = _token_of_key(call, auth.secret)
    if token is None:
        return None
    made = access.from_v3(auth.secret, token, call.parts.default_domain)
    own, asked = made['token']['tenant'], auth.tenant or Tenant()
    is_own = asked.id in (None, own['id']) and asked.name in (
        None,
        own['name'],
    )
    return made if is_own else None


def _login(call: Call[None, Auth], auth: Auth) -> Access:
    identity = _identity(call, auth)
    if auth.tenant is not None:
        return _sign_in(call, identity, _scope(call, auth.tenant))
    found = _without_scope(call, identity)
    token = found['token']['id']
    return default_tenant.choose(
        found,
        lambda: relay.dialect(call).projects(call.origin, token),
        lambda id_: _sign_in(
            call, _by_token(token), _scope(call, Tenant(id_))
        ),
    )


def _scope(call: Call[None, object], tenant: Tenant) -> external.Scope:
    return relay.dialect(call).scope(tenant)


def _without_scope(
    call: Call[None, object], identity: dict[str, Any]
) -> Access:
    try:
        return _sign_in(call, identity, None)
    except faults.NonDefaultDomain:
        # The domain of the default project, or of the user as well.
        return _sign_in(call, identity, 'unscoped')


def _identity(call: Call[None, object], auth: Auth) -> dict[str, Any]:
    if auth.kind is Kind.TOKEN:
        return _by_token(auth.secret)
    user: dict[str, Any] = {'id': auth.user_id, 'password': auth.secret}
    if auth.user_id is None:
        domain = {'id': call.parts.default_domain}
        user = {
            'name': auth.username,
            'domain': domain,
            'password': auth.secret,
        }
    return {'methods': ['password'], 'password': {'user': user}}


def _by_token(token: str) -> dict[str, Any]:
    return {'methods': ['token'], 'token': {'id': token}}


def _sign_in(
    call: Call[None, object], identity: dict[str, Any], scope: external.Scope
) -> Access:
    auth: dict[str, Any] = {'identity': identity}
    if scope is not None:
        auth['scope'] = scope
    sub_request = SubRequest('POST', '/v3/auth/tokens', body={'auth': auth})
    try:
        return relay.dialect(call).to_access(relay.send(call, sub_request))
    except faults.Relayed as fault:
        # For an unreadable token, v3 answers 404.
        if fault.status != 404:
            raise
        raise faults.Relayed(401, fault.message) from None


def validate(call: Call[None, object]) -> Access:
    """The access of a token (doc/contract/rackspace-identity 6.4).

    A token for a tenant has a catalogue, which services use on the user's
    behalf, unless [kskey] validate_with_catalog is off.

    :raises NotFound: the token is not valid, or not for this tenant.
    :raises NotInV2: the token is of another domain, or for no project.
    """
    query = '' if call.parts.validate_with_catalog else '?nocatalog'
    response = _about(call, 'GET', f'/v3/auth/tokens{query}')
    token = {'X-Subject-Token': call.path['token_id']}
    found = relay.dialect(call).to_access(
        Response(response.status, token, response.body)
    )
    wanted = call.query.get('belongsTo')
    if wanted and wanted != _tenant_id(found):
        raise faults.NotFound('Token not found.')
    return found


def _tenant_id(access: Access) -> str | None:
    tenant = access['token'].get('tenant')
    return tenant['id'] if tenant else None


def endpoints(call: Call[None, object]) -> list[Endpoint]:
    """The endpoints in the catalogue of a token; empty without a tenant.

    :raises NotFound: the token is not valid.
    :raises NotInV2: the token is of another domain, or for no project.
    """
    response = _about(call, 'GET', '/v3/auth/tokens')
    return relay.read(
        response,
        lambda body: access.endpoints_from_v3(
            body['token'], call.parts.default_domain
        ),
    )


def revoke(call: Call[None, object]) -> None:
    """Revoke the token in the path.

    :raises NotFound: the token is not valid.
    """
    try:
        _about(call, 'DELETE', '/v3/auth/tokens')
    except faults.Relayed as fault:
        _revoke_itself(call, call.path['token_id'], fault)


def revoke_own(call: Call[None, object]) -> None:
    """Revoke the token in the request's X-Auth-Token header.

    :raises Unauthorized: the request has no token.
    :raises Relayed: the token is not valid.
    """
    token = relay.own_token(call)
    try:
        relay.send(call, SubRequest('DELETE', '/v3/auth/tokens', token, token))
    except faults.Relayed as fault:
        _revoke_itself(call, token, fault)


def _revoke_itself(
    call: Call[None, object], token: str, fault: faults.Relayed
) -> None:
    """Revoke a token of an API key that asks for it; all else is the fault."""
    is_own = token == relay.own_token(call) and fault.status == 403
    if not is_own or _token_of_key(call, token) is None:
        raise fault
    relay.dialect(call).trusts.revoke(call.origin, token)


def _about(call: Call[None, object], method: str, path: str) -> Response:
    # WSGI encodes the text of a header as Latin-1.
    subject = call.path['token_id'].encode().decode('latin-1')
    try:
        return relay.send(
            call, SubRequest(method, path, relay.own_token(call), subject)
        )
    except faults.Relayed as fault:
        if fault.status == 404:
            raise faults.NotFound('Token not found.') from None
        found = None
        if (fault.status, method) == (403, 'GET'):
            found = _itself(call, path.partition('?')[2])
        if found is None:
            raise
        return found


def _itself(call: Call[None, object], query: str) -> Response | None:
    """A token of an API key that validates itself; None for all others.

    Keystone lets other tokens do so, and old clients rely on it.
    """
    own = relay.own_token(call)
    if call.path['token_id'] != own:
        return None
    token = _token_of_key(call, own, query)
    return None if token is None else Response(200, {}, {'token': token})


def _token_of_key(
    call: Call[None, object], token: str, query: str = ''
) -> v3_types.Token | None:
    if not call.parts.api_keys:
        return None
    trusts = relay.dialect(call).trusts
    return trusts.token_of_key(call.origin, token, query)
