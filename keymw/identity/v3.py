"""The dialect Identity v3 of Keystone (doc/contract/keystone 1)."""

from collections.abc import Callable
import threading
from typing import Any
from typing import TypeVar
from urllib.parse import quote

from cachetools import TTLCache
from oslo_config import cfg

from keymw.identity import access
from keymw.identity import base
from keymw.identity import default_tenant
from keymw.identity import service_external
from keymw.identity import v3_roles
from keymw.identity import v3_token
from keymw.identity.access import Access
from keymw.identity.domains import Domains
from keymw.identity.domains import Listed
from keymw.identity.external import External
from keymw.identity.external import Scope
from keymw.identity.project_roles import ProjectRoles
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport
from keymw.identity.trusts import Buy
from keymw.identity.trusts import Trusts
from keymw.web import faults

T = TypeVar('T')

# Seconds. If a cached domain was renamed or disabled, Keystone issues no token
# and the domain is read again. Disabled domains are not cached.
_DOMAIN_TTL = 60


class V3(base.Identity):
    """Reads /v3/auth/tokens, /v3/users and /v3/role_assignments."""

    def __init__(
        self,
        transport: Transport,
        conf: cfg.ConfigOpts,
        clock: Callable[[], float],
        issue: Callable[[Origin], Issued] | None = None,
        buy: Buy | None = None,
    ) -> None:
        """issue and buy are None where the external method does their work."""
        self._transport = transport
        self._options = conf.identity
        self.external = External(transport, conf)
        ours = service_external.ServiceUser(self.external, conf)
        self._issue = issue or ours.issue
        has_user = issue is not None or self._options.service_user
        self._others = Others(
            transport, self._issue if has_user else None, clock
        )
        name = self._options.service_user if buy is None else None
        self.trusts = Trusts(transport, self._others, buy or ours.buy, name)
        self.project_roles = ProjectRoles(self._others)
        self._domains: TTLCache[str, str] = TTLCache(
            self._options.cache_size, _DOMAIN_TTL, clock
        )
        self._domain_ids = Domains(self._options.cache_size, clock)
        self._lock = threading.Lock()

    def speaks(self, origin: Origin) -> bool:
        """Whether the version document at /v3 is that of v3."""
        response = self._transport.send(origin, SubRequest('GET', '/v3'))
        if response.status in (413, 429) or response.status >= 500:
            base.understood(response, 'for its version', dict)
        version = response.body.get('version')
        return isinstance(version, dict) and str(
            version.get('id', '')
        ).startswith('v3')

    def caller(self, origin: Origin, token: str) -> base.Caller:
        response = self._transport.send(
            origin,
            SubRequest('GET', '/v3/auth/tokens?nocatalog', token, token),
        )
        # Only a 404 by Keystone itself is about the token.
        if response.status == 401 or _is_not_found(response):
            raise faults.Unauthorized()
        if response.status == 403:
            raise faults.Forbidden()
        return base.understood(
            response,
            'to validate a token',
            lambda body: v3_token.caller(body['token'], token),
        )

    def service(self, origin: Origin) -> base.Caller:
        return self.caller(origin, self._issue(origin).token)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        if not base.is_segment(user_id):
            raise faults.UserNotFound(user_id)
        path = f'/v3/users/{quote(user_id, safe="")}'
        token = caller.token if caller else None
        response = self._others.send(origin, path, token)
        self._others.refuse(response)
        if _is_not_found(response):
            raise faults.UserNotFound(user_id)
        return base.understood(
            response,
            'for a user',
            lambda body: _to_user(body['user'], user_id),
        )

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        user = self._of_others(
            origin, f'/v3/users/{quote(user_id, safe="")}', 'user', user_id
        )
        if user is None:
            raise faults.UserNotFound(user_id)
        name, domain_id = base.text(user['name']), user['domain_id']
        domain_name = self._domain_name(origin, domain_id)
        if domain_name is None or not user['enabled']:
            raise faults.UserDisabled(name)
        return base.Owner(user_id, name, domain_id, domain_name)

    def _domain_name(self, origin: Origin, id_: str) -> str | None:
        """The name of a domain; None: it is disabled or missing."""
        with self._lock:
            known = self._domains.get(id_)
        if known is not None:
            return known
        path = f'/v3/domains/{quote(id_, safe="")}'
        domain = self._of_others(origin, path, 'domain', id_)
        if domain is None or not domain['enabled']:
            return None
        name = base.text(domain['name'])
        with self._lock:
            self._domains[id_] = name
        return name

    def _look_again(self, origin: Origin, user_id: str) -> base.Owner:
        """The owner of a key, read without the cache."""
        with self._lock:
            self._domains.clear()
        try:
            return self.owner(origin, user_id)
        except faults.UserNotFound:
            raise base.refusal(user_id, 'there is no such user') from None

    def _of_others(
        self, origin: Origin, path: str, kind: str, id_: str
    ) -> dict[str, Any] | None:
        """The object that service_user reads at path; None: it is missing."""
        if not base.is_segment(id_):
            return None
        response = self._others.send(origin, path, None)
        self._others.refuse(response)
        if _is_not_found(response):
            return None
        return base.understood(
            response, f'for a {kind}', lambda body: _of_id(body[kind], id_)
        )

    def domain_id(self, origin: Origin, name: str) -> str | None:
        """The id of the domain with a name, read as service_user, or None."""
        return self._domain_ids.id_of(
            name,
            lambda: self._list_domains(origin, ''),
            lambda name: next(iter(self._named(origin, name)), None),
        )

    def _named(self, origin: Origin, name: str) -> list[str]:
        query = f'?name={quote(name, safe="")}'
        return list(self._list_domains(origin, query).ids.values())

    def _list_domains(self, origin: Origin, query: str) -> Listed:
        response = self._others.send(origin, f'/v3/domains{query}', None)
        self._others.refuse(response)
        return base.understood(response, 'for the domains', Listed.of)

    def authenticate(
        self, origin: Origin, owner: base.Owner, scope: Scope, query: str
    ) -> Response:
        """Keystone's own response to a v3 login of a verified user.

        It is a token for exactly this scope, or Keystone's 400, 403 or 404
        for the scope. Raises as issue does.
        """
        return self.external.sign_in(
            origin,
            owner,
            scope,
            lambda: self._look_again(origin, owner.id),
            query,
        )

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        if tenant is not None:
            return self._for_tenant(origin, owner, tenant)
        found = self._for_no_tenant(origin, owner)
        return default_tenant.choose(
            found,
            lambda: self._projects_of(origin, owner, found),
            lambda id_: self._try(origin, owner, base.Tenant(id_)),
        )

    def _for_tenant(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant
    ) -> Access:
        response = self.authenticate(origin, owner, self.scope(tenant), '')
        if response.status >= 400:
            raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        return self.to_access(response)

    def _for_no_tenant(self, origin: Origin, owner: base.Owner) -> Access:
        try:
            return self.to_access(self.authenticate(origin, owner, None, ''))
        except faults.NonDefaultDomain:
            # The domain of the default project, or of the user as well.
            response = self.authenticate(origin, owner, 'unscoped', '')
            return self.to_access(response)

    def _try(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant
    ) -> Access:
        """Log in to one of several tenants; a refusal is not explained."""
        response = self.external.send(
            origin, owner.name, owner.domain_name, self.scope(tenant)
        )
        if (
            response.status in (400, 401, 403, 404)
            and 'error' in response.body
        ):
            raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        found = self.to_access(response)
        if found['user']['id'] != owner.id:
            raise base.refusal(owner.id, 'its name is of another user now')
        return found

    def _projects_of(
        self, origin: Origin, owner: base.Owner, found: Access
    ) -> list[str]:
        try:
            return self.projects(origin, found['token']['id'])
        except faults.Unauthorized:
            # Keystone issues tokens to a disabled user, but rejects them.
            self._look_again(origin, owner.id)
            raise base.refusal(owner.id, 'its token is not accepted') from None

    def scope(self, tenant: base.Tenant) -> dict[str, Any]:
        """The v3 scope of a v2.0 tenant; a name is of the default domain."""
        if tenant.id is not None:
            return {'project': {'id': tenant.id}}
        domain = {'id': self._options.default_domain}
        return {'project': {'name': tenant.name, 'domain': domain}}

    def projects(self, origin: Origin, token: str) -> list[str]:
        """The ids of the projects that a token can be scoped to, by name.

        Only projects of the default domain: v2.0 has no other.

        :raises Unauthorized: the token is not valid.
        """
        return self._projects(origin, token, self._enabled)

    def all_projects(self, origin: Origin, token: str) -> list[dict[str, Any]]:
        """Keystone's list of the projects on which a user has a role.

        Disabled ones too, of all domains. Raises as projects does.
        """
        return self._projects(origin, token, lambda found: found)

    def _projects(
        self,
        origin: Origin,
        token: str,
        read: Callable[[list[dict[str, Any]]], list[T]],
    ) -> list[T]:
        response = self._transport.send(
            origin, SubRequest('GET', '/v3/auth/projects', token)
        )
        if response.status == 401:
            raise faults.Unauthorized()
        return base.understood(
            response,
            'for the projects of a user',
            lambda body: read(body['projects']),
        )

    def _enabled(self, projects: list[dict[str, Any]]) -> list[str]:
        domain_id = self._options.default_domain
        found = [
            item
            for item in projects
            if item['enabled'] and item['domain_id'] == domain_id
        ]
        found.sort(key=lambda item: (item['name'], item['id']))
        return [base.text(item['id']) for item in found]

    def to_access(self, response: Response) -> Access:
        """The v2.0 access of a response with a token.

        :raises Unavailable: the response has no token.
        :raises NotInV2: v2.0 cannot express the token.
        """
        return base.understood(
            response,
            'for a token',
            lambda body: access.from_v3(
                response.headers['X-Subject-Token'],
                body['token'],
                self._options.default_domain,
            ),
        )

    def role_assignments(
        self, origin: Origin, caller: base.Caller
    ) -> Response:
        """Keystone's successful response with the caller's role assignments.

        :raises Forbidden: there is no service_user and the caller may not.
        """
        path = v3_roles.assignments_path(caller.user_id)
        response = self._others.send(origin, path, caller.token)
        self._others.refuse(response)
        base.understood(response, 'for the roles of a user', dict)
        return response

    def revoke(self, origin: Origin, token: str) -> None:
        sub_request = SubRequest('DELETE', '/v3/auth/tokens', token, token)
        response = self._transport.send(origin, sub_request)
        if response.status not in (401, 404):
            base.understood(response, 'to revoke a token', dict)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        def send(path: str, read: Callable[[dict[str, Any]], T]) -> T:
            token = caller.token if caller else None
            response = self._others.send(origin, path, token)
            self._others.refuse(response)
            return base.understood(response, 'for the roles of a user', read)

        return v3_roles.held(send, user_id)


def _is_not_found(response: Response) -> bool:
    return response.status == 404 and 'error' in response.body


def _of_id(found: dict[str, Any], asked: str) -> dict[str, Any]:
    if found['id'] != asked:
        raise ValueError(asked)
    return found


def _to_user(user: dict[str, Any], asked: str) -> base.User:
    found = _of_id(user, asked)
    name, domain_id = base.text(found['name']), base.text(found['domain_id'])
    return base.User(asked, name, domain_id)
