"""Identity v2.0, as old Keystones and Rackspace speak it (contract, 6)."""

from collections.abc import Callable
import contextlib
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from keymw import faults
from keymw.identity import base
from keymw.identity.access import Access
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Question
from keymw.identity.transport import Transport


class V2(base.Identity):
    """Asks GET /v2.0/tokens/{id}, /v2.0/users/{id} and its roles."""

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
        asks = issue is not None or self._options.service_user
        self._others = Others(transport, self._issue if asks else None, clock)

    def speaks(self, origin: Origin) -> bool:
        """Whether the service answers for tokens as v2.0 does, in JSON."""
        answer = self._transport.ask(
            origin, Question('GET', f'{origin.v2_root}/tokens/none')
        )
        if answer.status in (413, 429) or answer.status >= 500:
            base.understood(answer, 'for its version', dict)
        return answer.status in (401, 403, 404) and bool(answer.body)

    def caller(self, origin: Origin, token: str) -> base.Caller:
        # Old Keystones let only an admin validate, others the token itself.
        # The path is taken apart again, and must not lead elsewhere.
        if {'.', '..'} & set(token.split('/')):
            raise faults.Unauthorized()
        # WSGI hands over the bytes of a header as if they were Latin-1.
        quoted = quote(token.encode('latin-1'), safe='')
        path = f'{origin.v2_root}/tokens/{quoted}'
        answer = self._others.ask(origin, path, token)
        if answer.status == 403 and 'userDisabled' in answer.body:
            raise faults.UserDisabled()
        self._others.refuse(answer)
        if answer.status == 404 and answer.body:
            raise faults.Unauthorized()
        return base.understood(
            answer,
            'whose token this is',
            lambda body: self._to_caller(body['access'], token),
        )

    def service(self, origin: Origin) -> base.Caller:
        return self.caller(origin, self._issue(origin).token)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        path = _user_path(origin, user_id)
        token = caller.token if caller else None
        answer = self._others.ask(origin, path, token)
        self._others.refuse(answer)
        if answer.status == 404 and answer.body:
            raise faults.UserNotFound(user_id)
        return base.understood(
            answer,
            'for a user',
            lambda body: self._to_user(body['user'], user_id),
        )

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        answer = self._others.ask(origin, _user_path(origin, user_id), None)
        self._others.refuse(answer)
        if answer.status == 404 and answer.body:
            raise faults.UserNotFound(user_id)
        return base.understood(
            answer,
            'for a user',
            lambda body: self._to_owner(body['user'], user_id),
        )

    def _to_owner(self, shown: dict[str, Any], asked: str) -> base.Owner:
        user = self._to_user(shown, asked)
        # KS wrote it as text for a while.
        if str(shown.get('enabled', True)).lower() == 'false':
            raise faults.UserDisabled(user.name)
        return base.Owner(user.id, user.name, user.domain_id, '')

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        found = self._access(origin, owner, tenant)
        if tenant is not None or found['token'].get('tenant'):
            return found
        for tenant_id in self._tenants(origin, found['token']['id']):
            with contextlib.suppress(faults.LoginRefused):
                return self._access(origin, owner, base.Tenant(tenant_id))
        return found

    def _access(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        answer = self._external(origin, owner.name, tenant)
        if answer.status in (401, 403, 404) and answer.body:
            self._explain(origin, owner, tenant)
        return base.understood(
            answer,
            'for a token of the owner of a key',
            lambda body: _owned(owner, body['access']),
        )

    def _explain(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> None:
        """Raise what a refusal after the right key means."""
        if tenant is not None:
            unscoped = self._external(origin, owner.name, None)
            if unscoped.status not in (401, 403, 404):
                base.understood(unscoped, 'for a token without a tenant', dict)
                raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        self.owner(origin, owner.id)
        raise base.refusal(owner.id, 'the identity service does not let it in')

    def _external(
        self, origin: Origin, name: str, tenant: base.Tenant | None
    ) -> Answer:
        # A Keystone of 2013 takes REMOTE_USER where auth holds no credential.
        auth: dict[str, Any] = {}
        if tenant is not None:
            member = 'tenantName' if tenant.id is None else 'tenantId'
            auth[member] = str(tenant)
        question = Question(
            'POST',
            f'{origin.v2_root}/tokens',
            body={'auth': auth},
            remote={'REMOTE_USER': name},
        )
        return self._transport.ask(origin, question)

    def _tenants(self, origin: Origin, token: str) -> list[str]:
        answer = self._transport.ask(
            origin, Question('GET', f'{origin.v2_root}/tenants', token)
        )
        return base.understood(answer, 'for the tenants of a user', _enabled)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        path = f'{_user_path(origin, user_id)}/roles'
        token = caller.token if caller else None
        answer = self._others.ask(origin, path, token)
        self._others.refuse(answer)
        return base.understood(
            answer,
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
        return Issued(str(token['id']), base.moment(token['expires']))

    def _to_caller(self, access: dict[str, Any], given: str) -> base.Caller:
        user = access['user']
        return base.Caller(
            user_id=base.text(user['id']),
            name=_name(user),
            domain_id=self._domain(user),
            roles=_names(user['roles']),
            delegated='RAX-AUTH:impersonator' in access,
            token=given,
            expires_at=base.moment(access['token']['expires']),
        )

    def _to_user(self, user: dict[str, Any], asked: str) -> base.User:
        if base.text(user['id']) != asked:
            raise ValueError(asked)
        return base.User(asked, _name(user), self._domain(user))

    def _domain(self, user: dict[str, Any]) -> str:
        return str(user.get(self._options.domain_attribute) or '')


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


def _name(user: dict[str, Any]) -> str:
    # An old Keystone says it by another word.
    return base.text(user.get('name', user.get('username')))


def _names(roles: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(base.text(role['name']) for role in roles)
