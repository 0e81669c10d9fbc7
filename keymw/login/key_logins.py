"""The logins of v3, v2.0 and v1 with an API key of keymw.api_keys.

Source: doc/contract/api-keys 4.
"""

from typing import Any

from keymw.api_keys.sign_in import KeyLogin
from keymw.api_keys.sign_in import Verified
from keymw.call import Call
from keymw.identity import base
from keymw.identity import external
from keymw.identity.access import Access
from keymw.identity.access import Tenant
from keymw.identity.transport import Response
from keymw.identity.v3 import V3
from keymw.login.v2_body import Auth
from keymw.login.v3_body import KeyAuth
from keymw.observe import audit
from keymw.web import faults

_OTHER_USER = 'the API key is of another user'
_OTHER_SCOPE = 'the API key is for another project'


class KeyLogins:
    """Logins with API keys; every refusal is WrongKey."""

    def __init__(self, keys: KeyLogin) -> None:
        self._keys = keys
        self.has_form = keys.has_form

    def access(self, call: Call[None, Auth], entry: audit.Entry) -> Access:
        """The v2.0 access for the name of an owner and a key."""
        verified = self._verified(call, entry)
        if verified.key.unrestricted:
            return self._whole_access(call, verified)
        response = self._keys.token(call.origin, verified.key)
        issued = response.headers['X-Subject-Token']
        with self._keys.kept(call.origin, verified, issued):
            self._check_name(call, response.body['token']['user'])
            made = _keystone(call).to_access(response)
            _check_tenant(call.body.tenant, made['token']['tenant'])
        return made

    def _check_name(
        self, call: Call[None, Auth], user: dict[str, Any]
    ) -> None:
        names = (call.body.username, *call.body.spellings)
        domain_id = call.parts.default_domain
        if user['name'] not in names or user['domain']['id'] != domain_id:
            raise faults.WrongKey(_OTHER_USER)

    def _whole_access(
        self, call: Call[None, Auth], verified: Verified
    ) -> Access:
        owner = _owner(call, verified)
        domain = {'id': owner.domain_id}
        self._check_name(call, {'name': owner.name, 'domain': domain})
        identity = call.parts.identity
        made = identity.issue(call.origin, owner, call.body.tenant)
        with self._keys.kept(call.origin, verified, made['token']['id']):
            return made

    def response(
        self, call: Call[None, KeyAuth], entry: audit.Entry, query: str
    ) -> Response:
        """Keystone's response to a v3 login with a key.

        :raises Relayed: Keystone refuses the scope of an unrestricted key.
        """
        verified = self._verified(call, entry)
        if verified.key.unrestricted:
            response = self._whole_answer(call, verified, query)
        else:
            response = self._keys.token(call.origin, verified.key, query)
        issued = response.headers['X-Subject-Token']
        with self._keys.kept(call.origin, verified, issued):
            token = response.body['token']
            if not _names(call.body, token['user']):
                raise faults.WrongKey(_OTHER_USER)
            if not verified.key.unrestricted:
                _check_scope(call.body.scope, token['project'])
        return response

    def _whole_answer(
        self, call: Call[None, KeyAuth], verified: Verified, query: str
    ) -> Response:
        owner = _owner(call, verified)
        response = _keystone(call).authenticate(
            call.origin, owner, call.body.scope, query
        )
        if response.status >= 400:
            raise faults.Relayed(response.status, external.message(response))
        return response

    def _verified(self, call: Call[None, Any], entry: audit.Entry) -> Verified:
        return self._keys.verify(
            call.origin, call.request.environ, call.body.secret, entry
        )


def _keystone(call: Call[None, Any]) -> V3:
    keystone = call.parts.identity.v3(call.origin)
    if keystone is None:
        raise faults.WrongKey('there is no v3')
    return keystone


def _owner(call: Call[None, Any], verified: Verified) -> base.Owner:
    """The owner of an unrestricted key, who may sign in now."""
    user_id = verified.key.user_id
    call.parts.stale.wait(user_id)
    try:
        return call.parts.identity.owner(call.origin, user_id)
    except (faults.UserNotFound, faults.UserDisabled) as fault:
        raise base.refusal(user_id, fault.message) from None


def _check_tenant(tenant: base.Tenant | None, issued: Tenant) -> None:
    if tenant is None:
        return
    if tenant.id not in (None, issued['id']) or tenant.name not in (
        None,
        issued['name'],
    ):
        raise faults.WrongKey(_OTHER_SCOPE)


def _names(login: KeyAuth, user: dict[str, Any]) -> bool:
    """Whether a login names a user, or none."""
    if login.user_id not in (None, user['id']):
        return False
    if login.username is None:
        return True
    return login.username == user['name'] and _is_in(
        {'id': login.domain.id, 'name': login.domain.name}, user['domain']
    )


def _is_in(named: dict[str, Any], domain: dict[str, Any]) -> bool:
    return all(
        named.get(member) in (None, domain[member])
        for member in ('id', 'name')
    )


def _check_scope(scope: Any, project: dict[str, Any]) -> None:
    """Refuse a scope that is not the project of the issued token."""
    if scope is None:
        return
    named = scope.get('project') if isinstance(scope, dict) else None
    if not isinstance(named, dict) or len(scope) != 1 or not named:
        raise faults.WrongKey(_OTHER_SCOPE)
    domain = named.get('domain', {})
    if not (
        named.get('id') in (None, project['id'])
        and named.get('name') in (None, project['name'])
        and ('id' in named or 'name' in named)
        and isinstance(domain, dict)
        and _is_in(domain, project['domain'])
    ):
        raise faults.WrongKey(_OTHER_SCOPE)
