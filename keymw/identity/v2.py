"""The dialect Identity v2.0, of old Keystones and of Rackspace.

Source: doc/contract/rackspace-identity 6.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from keymw.identity import base
from keymw.identity import default_tenant
from keymw.identity.access import Access
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport
from keymw.web import faults


class V2(base.Identity):
    """Reads /v2.0/tokens/{id}, /v2.0/users/{id} and the user's roles."""

    def __init__(
        self,
        transport: Transport,
        conf: cfg.ConfigOpts,
        clock: Callable[[], float],
        issue: Callable[[Origin], Issued] | None = None,
    ) -> None:
        self._transport = transport
        self._options = conf.identity
        self._issue = issue or self._issue_externally
        has_user = issue is not None or self._options.service_user
        self._others = Others(
            transport, self._issue if has_user else None, clock
        )

    def speaks(self, origin: Origin) -> bool:
        """Whether the service answers /v2.0/tokens in JSON, as v2.0 does."""
        response = self._transport.send(
            origin, SubRequest('GET', f'{origin.v2_root}/tokens/none')
        )
        _check_answers(response)
        return response.status in (401, 403, 404) and bool(response.body)

    def is_beside_v3(self, origin: Origin) -> bool:
        """Whether a service with /v3 also answers /v2.0 in JSON."""
        # Not below SCRIPT_NAME, which may come from a header of the client.
        for path in ('/v2.0/tokens/none', '/v2.0'):
            response = self._transport.send(origin, SubRequest('GET', path))
            _check_answers(response)
            if response.body:
                return True
        return False

    def caller(self, origin: Origin, token: str) -> base.Caller:
        # Some Keystones let only an admin validate, others the token itself.
        # A dot segment in the path would lead to another resource.
        if {'.', '..'} & set(token.split('/')):
            raise faults.Unauthorized()
        # WSGI decodes the bytes of a header as Latin-1.
        quoted = quote(token.encode('latin-1'), safe='')
        path = f'{origin.v2_root}/tokens/{quoted}'
        response = self._others.send(origin, path, token)
        if response.status == 403 and 'userDisabled' in response.body:
            raise faults.UserDisabled()
        self._others.refuse(response)
        if response.status == 404 and response.body:
            raise faults.Unauthorized()
        return base.understood(
            response,
            'to validate a token',
            lambda body: self._to_caller(body['access'], token),
        )

    def service(self, origin: Origin) -> base.Caller:
        return self.caller(origin, self._issue(origin).token)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        path = _user_path(origin, user_id)
        token = caller.token if caller else None
        response = self._others.send(origin, path, token)
        self._others.refuse(response)
        if response.status == 404 and response.body:
            raise faults.UserNotFound(user_id)
        return base.understood(
            response,
            'for a user',
            lambda body: self._to_user(body['user'], user_id),
        )

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        response = self._others.send(origin, _user_path(origin, user_id), None)
        self._others.refuse(response)
        if response.status == 404 and response.body:
            raise faults.UserNotFound(user_id)
        return base.understood(
            response,
            'for a user',
            lambda body: self._to_owner(body['user'], user_id),
        )

    def _to_owner(self, shown: dict[str, Any], asked: str) -> base.Owner:
        user = self._to_user(shown, asked)
        # Some Keystones wrote "enabled" as text.
        if str(shown.get('enabled', True)).lower() == 'false':
            raise faults.UserDisabled(user.name)
        return base.Owner(user.id, user.name, user.domain_id, '')

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        found = self._access(origin, owner, tenant)
        if tenant is not None:
            return found
        return default_tenant.choose(
            found,
            lambda: self._tenants(origin, found['token']['id']),
            lambda id_: self._try(origin, owner, base.Tenant(id_)),
        )

    def _try(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant
    ) -> Access:
        """Log in to one of several tenants; a refusal is not explained."""
        response = self._external(origin, owner.name, tenant)
        if _is_refusal(response):
            raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        return self._to_access(owner, response)

    def _access(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        response = self._external(origin, owner.name, tenant)
        if _is_refusal(response):
            self._explain(origin, owner, tenant)
        return self._to_access(owner, response)

    def _to_access(self, owner: base.Owner, response: Response) -> Access:
        return base.understood(
            response,
            'for a token of the owner of a key',
            lambda body: _owned(owner, body['access']),
        )

    def _explain(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> None:
        """Raise the fault that a refusal after a right key means."""
        if tenant is not None:
            unscoped = self._external(origin, owner.name, None)
            if unscoped.status not in (401, 403, 404):
                base.understood(unscoped, 'for a token without a tenant', dict)
                raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        self.owner(origin, owner.id)
        raise base.refusal(owner.id, 'the identity service refuses it')

    def _external(
        self, origin: Origin, name: str, tenant: base.Tenant | None
    ) -> Response:
        # A Keystone of 2013 uses REMOTE_USER if auth has no credential.
        auth: dict[str, Any] = {}
        if tenant is not None:
            member = 'tenantName' if tenant.id is None else 'tenantId'
            auth[member] = str(tenant)
        sub_request = SubRequest(
            'POST',
            f'{origin.v2_root}/tokens',
            body={'auth': auth},
            remote={'REMOTE_USER': name},
        )
        return self._transport.send(origin, sub_request)

    def _tenants(self, origin: Origin, token: str) -> list[str]:
        response = self._transport.send(
            origin, SubRequest('GET', f'{origin.v2_root}/tenants', token)
        )
        return base.understood(response, 'for the tenants of a user', _enabled)

    def revoke(self, origin: Origin, token: str) -> None:
        path = f'{origin.v2_root}/tokens/{quote(token, safe="")}'
        response = self._others.send(origin, path, None, 'DELETE')
        if response.status != 404:
            base.understood(response, 'to revoke a token', dict)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        path = f'{_user_path(origin, user_id)}/roles'
        token = caller.token if caller else None
        response = self._others.send(origin, path, token)
        self._others.refuse(response)
        return base.understood(
            response,
            'for the roles of a user',
            lambda body: _names(body['roles']),
        )

    def _issue_externally(self, origin: Origin) -> Issued:
        project = base.Tenant(name=self._options.service_project)
        return base.understood(
            self._external(origin, self._options.service_user, project),
            'for a token of [identity] service_user',
            self._to_issued,
        )

    def _to_issued(self, body: dict[str, Any]) -> Issued:
        access = body['access']
        user = access['user']
        if _name(user) != self._options.service_user:
            raise ValueError(user['id'])
        token = access['token']
        end = base.moment(token['expires'])
        return Issued(str(token['id']), end, base.text(user['id']))

    def _to_caller(self, access: dict[str, Any], given: str) -> base.Caller:
        user = access['user']
        return base.Caller(
            user_id=base.text(user['id']),
            name=_name(user),
            domain_id=self._domain(user),
            roles=_names(user['roles']),
            delegated=_is_delegated(access),
            token=given,
            expires_at=base.moment(access['token']['expires']),
            methods=_methods(access['token']),
            issued_at=base.issued_at(access['token']),
            audit_ids=base.audit_ids(access['token']),
        )

    def _to_user(self, user: dict[str, Any], asked: str) -> base.User:
        if base.text(user['id']) != asked:
            raise ValueError(asked)
        return base.User(asked, _name(user), self._domain(user))

    def _domain(self, user: dict[str, Any]) -> str:
        return str(user.get(self._options.domain_attribute) or '')


def _is_refusal(response: Response) -> bool:
    return response.status in (401, 403, 404) and bool(response.body)


def _user_path(origin: Origin, user_id: str) -> str:
    return f'{origin.v2_root}/users/{quote(user_id, safe="")}'


def _owned(owner: base.Owner, access: Access) -> Access:
    user_id = base.text(access['user']['id'])
    if user_id != owner.id:
        raise base.refusal(owner.id, f'it would be one of user {user_id}')
    base.moment(access['token']['expires'])
    base.text(access['token']['id'])
    if not isinstance(access.get('serviceCatalog', []), list):
        raise ValueError('catalogue')
    return access


def _enabled(body: dict[str, Any]) -> list[str]:
    found = [item for item in body['tenants'] if item.get('enabled', True)]
    found.sort(key=lambda item: (item['name'], item['id']))
    return [base.text(item['id']) for item in found]


def _is_delegated(access: dict[str, Any]) -> bool:
    token = access['token']
    by = token.get('RAX-AUTH:authenticatedBy') or ()
    return (
        # A Keystone of 2014 has this name for a trust.
        access.get('trust') is not None
        or 'IMPERSONATION' in by
        or base.is_delegated(access)
        or base.is_delegated(token)
    )


def _methods(token: dict[str, Any]) -> frozenset[str]:
    """The v3 methods that correspond to a v2.0 token.

    A token without methods may have been bought with a key. Its audit ids show
    whether it was made from another token; without them it may have been.
    """
    said = token.get('RAX-AUTH:authenticatedBy')
    audit_ids = base.audit_ids(token)
    if said is None:
        return _BY_KEY if len(audit_ids) == 1 else _BY_KEY | {'token'}
    found = {_METHODS.get(method, method.lower()) for method in said}
    return frozenset(found | {'token'} if len(audit_ids) > 1 else found)


_METHODS = {'APIKEY': 'external'}
_BY_KEY = frozenset(_METHODS.values())


def _name(user: dict[str, Any]) -> str:
    # An old Keystone names this member "username".
    return base.text(user.get('name', user.get('username')))


def _names(roles: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(base.text(role['name']) for role in roles)


def _check_answers(response: Response) -> None:
    """Refuse a response that cannot tell the dialect.

    :raises Unavailable: the service failed, or limits our requests.
    """
    if response.status in (413, 429) or response.status >= 500:
        base.understood(response, 'for its version', dict)
