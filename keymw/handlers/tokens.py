"""Identity v2.0 tokens, where the service behind us speaks v3 alone."""

import contextlib
from typing import Any

from keymw import faults
from keymw.bodies.auth import Auth
from keymw.bodies.auth import Kind
from keymw.handlers.call import Call
from keymw.identity import v3
from keymw.identity.access import Access
from keymw.identity.base import Tenant
from keymw.identity.transport import Answer
from keymw.identity.transport import Question


def login(call: Call) -> Access:
    """The v2.0 access of a login with a password or a token.

    :raises NotImplemented: it is one with a key, and such logins are off.
    :raises Relayed: Keystone refuses it.
    """
    auth: Auth = call.body
    if auth.kind is Kind.KEY:
        raise faults.NotImplemented('Login with an API key is off here.')
    found = _sign_in(call, _identity(call, auth), auth.tenant)
    if auth.tenant is None and 'tenant' not in found['token']:
        return _with_project(call, found)
    return found


def _identity(call: Call, auth: Auth) -> dict[str, Any]:
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
    call: Call, identity: dict[str, Any], tenant: Tenant | None
) -> Access:
    auth: dict[str, Any] = {'identity': identity}
    if tenant is not None:
        auth['scope'] = call.keystone().scope(tenant)
    question = Question('POST', '/v3/auth/tokens', body={'auth': auth})
    try:
        return v3.to_access(call.relay(question))
    except faults.Relayed as fault:
        # Of a token it cannot read, v3 says that it is not found.
        if fault.status != 404:
            raise
        raise faults.Relayed(401, fault.message) from None


def _with_project(call: Call, found: Access) -> Access:
    """The login for the first project that can be had (keystone, 1.6)."""
    token = found['token']['id']
    for project_id in call.keystone().projects(call.origin, token):
        with contextlib.suppress(faults.Relayed):
            return _sign_in(call, _by_token(token), Tenant(project_id))
    return found


def validate(call: Call) -> Access:
    """The access of a token, without its catalogue (contract, 6.4).

    :raises NotFound: there is no such token, or not for this tenant.
    """
    answer = _about(call, 'GET', '/v3/auth/tokens?nocatalog')
    token = {'X-Subject-Token': call.path['token_id']}
    found = v3.to_access(Answer(answer.status, token, answer.body))
    wanted = call.query.get('belongsTo')
    if wanted and wanted != found['token'].get('tenant', {}).get('id'):
        raise faults.NotFound('Token not found.')
    return found


def revoke(call: Call) -> None:
    """Revoke a token.

    :raises NotFound: there is no such token.
    """
    _about(call, 'DELETE', '/v3/auth/tokens')


def _about(call: Call, method: str, path: str) -> Answer:
    # WSGI hands over the bytes of a header as if they were Latin-1.
    subject = call.path['token_id'].encode().decode('latin-1')
    try:
        return call.relay(Question(method, path, call.own_token(), subject))
    except faults.Relayed as fault:
        if fault.status == 404:
            raise faults.NotFound('Token not found.') from None
        raise
