"""Identity v3, as stock Keystone speaks it (contract keystone, 1)."""

from collections.abc import Callable
import contextlib
import threading
from typing import Any
from urllib.parse import quote

from cachetools import TTLCache
from oslo_config import cfg

from keymw import faults
from keymw.identity import access
from keymw.identity import base
from keymw.identity.access import Access
from keymw.identity.external import External
from keymw.identity.external import Scope
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Question
from keymw.identity.transport import Transport

# Seconds. A domain that was renamed or disabled meanwhile is one for which
# Keystone issues no token, and then it is asked for anew.
_DOMAIN_TTL = 60
_DELEGATIONS = ('OS-TRUST:trust', 'OS-OAUTH1', 'RAX-AUTH:impersonator')


class V3(base.Identity):
    """Asks GET /v3/auth/tokens, /v3/users and /v3/role_assignments."""

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
        self._external = External(transport, conf)
        asks = issue is not None or self._options.service_user
        self._others = Others(transport, self._issue if asks else None, clock)
        self._domains: TTLCache[str, dict[str, Any]] = TTLCache(
            self._options.cache_size, _DOMAIN_TTL, clock
        )
        self._domain_ids: TTLCache[str, str | None] = TTLCache(
            self._options.cache_size, _DOMAIN_TTL, clock
        )
        self._lock = threading.Lock()

    def speaks(self, origin: Origin) -> bool:
        """Whether the service says that it speaks v3."""
        answer = self._transport.ask(origin, Question('GET', '/v3'))
        if answer.status in (413, 429) or answer.status >= 500:
            base.understood(answer, 'for its version', dict)
        version = answer.body.get('version')
        return isinstance(version, dict) and str(
            version.get('id', '')
        ).startswith('v3')

    def caller(self, origin: Origin, token: str) -> base.Caller:
        answer = self._transport.ask(
            origin,
            Question('GET', '/v3/auth/tokens?nocatalog', token, token),
        )
        # A 404 that is not Keystone's own says nothing about the token.
        if answer.status == 401 or _is_not_found(answer):
            raise faults.Unauthorized()
        if answer.status == 403:
            raise faults.Forbidden()
        return base.understood(
            answer,
            'whose token this is',
            lambda body: _to_caller(body['token'], token),
        )

    def service(self, origin: Origin) -> base.Caller:
        return self.caller(origin, self._issue(origin).token)

    def user(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> base.User:
        path = f'/v3/users/{quote(user_id, safe="")}'
        token = caller.token if caller else None
        answer = self._others.ask(origin, path, token)
        self._others.refuse(answer)
        if _is_not_found(answer):
            raise faults.UserNotFound(user_id)
        return base.understood(
            answer, 'for a user', lambda body: _to_user(body['user'], user_id)
        )

    def owner(self, origin: Origin, user_id: str) -> base.Owner:
        user = self._of_others(
            origin, f'/v3/users/{quote(user_id, safe="")}', 'user', user_id
        )
        if user is None:
            raise faults.UserNotFound(user_id)
        name, domain_id = base.text(user['name']), user['domain_id']
        domain = self._domain(origin, domain_id)
        if domain is None or not (user['enabled'] and domain['enabled']):
            raise faults.UserDisabled(name)
        return base.Owner(user_id, name, domain_id, domain['name'])

    def _domain(self, origin: Origin, id_: str) -> dict[str, Any] | None:
        with self._lock:
            known = self._domains.get(id_)
        if known is not None:
            return known
        path = f'/v3/domains/{quote(id_, safe="")}'
        found = self._of_others(origin, path, 'domain', id_)
        if found is not None:
            with self._lock:
                self._domains[id_] = found
        return found

    def _look_again(self, origin: Origin, user_id: str) -> base.Owner:
        """The owner as it is by now, whatever was remembered."""
        with self._lock:
            self._domains.clear()
        try:
            return self.owner(origin, user_id)
        except faults.UserNotFound:
            raise base.refusal(user_id, 'there is no such user') from None

    def _of_others(
        self, origin: Origin, path: str, kind: str, id_: str
    ) -> dict[str, Any] | None:
        """What Keystone shows service_user; None: there is no such thing."""
        answer = self._others.ask(origin, path, None)
        self._others.refuse(answer)
        if _is_not_found(answer):
            return None
        return base.understood(
            answer, f'for a {kind}', lambda body: _of_id(body[kind], id_)
        )

    def domain_id(self, origin: Origin, name: str) -> str | None:
        """The id of the domain of a name, asked as service_user.

        What was found is remembered, and so is that there is none.
        """
        with self._lock:
            if name in self._domain_ids:
                return self._domain_ids[name]
        found = self._ask_domain_id(origin, name)
        with self._lock:
            self._domain_ids[name] = found
        return found

    def _ask_domain_id(self, origin: Origin, name: str) -> str | None:
        path = f'/v3/domains?name={quote(name, safe="")}'
        answer = self._others.ask(origin, path, None)
        self._others.refuse(answer)
        found = base.understood(
            answer, 'for a domain', lambda body: list(body['domains'])
        )
        return base.text(found[0]['id']) if found else None

    def authenticate(
        self, origin: Origin, owner: base.Owner, scope: Scope, query: str
    ) -> Answer:
        """Keystone's own answer to a v3 login of a verified user.

        A token for exactly the scope asked for, or the 400, 403 or 404 that
        Keystone has for that scope; raises as issue does.
        """
        return self._external.sign_in(
            origin,
            owner,
            scope,
            lambda: self._look_again(origin, owner.id),
            query,
        )

    def issue(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        found = self._access(origin, owner, tenant)
        if tenant is not None or 'tenant' in found['token']:
            return found
        for project_id in self._projects_of(origin, owner, found):
            with contextlib.suppress(faults.LoginRefused):
                return self._access(origin, owner, base.Tenant(project_id))
        return found

    def _projects_of(
        self, origin: Origin, owner: base.Owner, found: Access
    ) -> list[str]:
        try:
            return self.projects(origin, found['token']['id'])
        except faults.Unauthorized:
            # Keystone issues tokens to a disabled user and takes none.
            self._look_again(origin, owner.id)
            raise base.refusal(owner.id, 'its token is not taken') from None

    def _access(
        self, origin: Origin, owner: base.Owner, tenant: base.Tenant | None
    ) -> Access:
        scope = tenant and self.scope(tenant)
        answer = self.authenticate(origin, owner, scope, '')
        if tenant is not None and answer.status >= 400:
            raise faults.TenantNotValid(str(tenant), owner.name, owner.id)
        return to_access(answer)

    def scope(self, tenant: base.Tenant) -> dict[str, Any]:
        """The v3 scope of a v2.0 tenant, whose name knows no domain."""
        if tenant.id is not None:
            return {'project': {'id': tenant.id}}
        domain = {'id': self._options.default_domain}
        return {'project': {'name': tenant.name, 'domain': domain}}

    def projects(self, origin: Origin, token: str) -> list[str]:
        """The ids of the projects that a token could be for, by name.

        :raises Unauthorized: the token is not taken.
        """
        answer = self._transport.ask(
            origin, Question('GET', '/v3/auth/projects', token)
        )
        if answer.status == 401:
            raise faults.Unauthorized()
        return base.understood(answer, 'for the projects of a user', _enabled)

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        who = quote(user_id, safe='')

        def ask(path: str, read: Callable[[dict[str, Any]], Any]) -> Any:
            token = caller.token if caller else None
            answer = self._others.ask(origin, path, token)
            self._others.refuse(answer)
            return base.understood(answer, 'for the roles of a user', read)

        # Keystone leaves the system out of what it calls effective.
        assigned = '/v3/role_assignments?include_names'
        theirs = ask(f'{assigned}&effective&user.id={who}', _assigned)
        system = ask(f'{assigned}&scope.system=all', _assigned)
        actors = {('user', user_id)}
        if any(kind == 'group' for (kind, _), _ in system):
            actors |= ask(f'/v3/users/{who}/groups', _groups)
        found = {role for _, role in theirs}
        there = {role for actor, role in system if actor in actors}
        if there:
            found |= _with_implied(there, ask('/v3/role_inferences', _implied))
        return frozenset(found)

    def _issue_externally(self, origin: Origin) -> Issued:
        options = self._options
        answer = self._external.ask(
            origin,
            options.service_user,
            options.service_domain,
            _scope(options),
            'nocatalog',
        )

        def read(body: dict[str, Any]) -> Issued:
            _check_names(options, body['token']['user'])
            return Issued(
                answer.headers['X-Subject-Token'],
                base.moment(body['token']['expires_at']),
            )

        return base.understood(
            answer, 'for a token of [identity] service_user', read
        )


def _is_not_found(answer: Answer) -> bool:
    return answer.status == 404 and 'error' in answer.body


def to_access(answer: Answer) -> Access:
    """The v2.0 access of an answer that holds a token.

    :raises Unavailable: it holds none.
    """
    return base.understood(
        answer,
        'for a token',
        lambda body: access.from_v3(
            answer.headers['X-Subject-Token'], body['token']
        ),
    )


def _enabled(body: dict[str, Any]) -> list[str]:
    found = [item for item in body['projects'] if item['enabled']]
    found.sort(key=lambda item: (item['name'], item['id']))
    return [base.text(item['id']) for item in found]


def _of_id(found: dict[str, Any], asked: str) -> dict[str, Any]:
    if found['id'] != asked:
        raise ValueError(asked)
    return found


def _scope(options: Any) -> dict[str, Any]:
    if options.system:
        return {'system': {'all': True}}
    domain = {'name': options.service_domain}
    return {'project': {'name': options.service_project, 'domain': domain}}


def _check_names(options: Any, user: dict[str, Any]) -> None:
    # Keystone's DefaultDomain plugin takes no notice of the domain and
    # answers for the user of that name in the default one.
    found = (user['name'], user['domain']['name'])
    if found != (options.service_user, options.service_domain):
        raise ValueError(found)


def _to_caller(token: dict[str, Any], given: str) -> base.Caller:
    user = token['user']
    return base.Caller(
        user_id=base.text(user['id']),
        name=base.text(user['name']),
        domain_id=base.text(user['domain']['id']),
        roles=frozenset(base.text(r['name']) for r in token.get('roles', ())),
        delegated=_is_delegated(token),
        token=given,
        expires_at=base.moment(token['expires_at']),
    )


def _is_delegated(token: dict[str, Any]) -> bool:
    by = token.get('application_credential')
    # One that does not say it is whole is taken for a part.
    if by and (by.get('restricted') is not False or by.get('access_rules')):
        return True
    return any(name in token for name in _DELEGATIONS)


def _assigned(body: dict[str, Any]) -> list[tuple[tuple[str, str], str]]:
    """Who has which role: kind and id, and the name of the role."""
    return [
        (
            (kind, base.text(item[kind]['id'])),
            base.text(item['role']['name']),
        )
        for item in body['role_assignments']
        for kind in ('user', 'group')
        if kind in item
    ]


def _implied(body: dict[str, Any]) -> dict[str, set[str]]:
    """The names of the roles that each role brings along."""
    return {
        base.text(item['prior_role']['name']): {
            base.text(role['name']) for role in item['implies']
        }
        for item in body['role_inferences']
    }


def _with_implied(roles: set[str], implied: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    new = roles
    while new:
        found |= new
        new = {far for near in new for far in implied.get(near, ())} - found
    return found


def _groups(body: dict[str, Any]) -> set[tuple[str, str]]:
    return {('group', base.text(group['id'])) for group in body['groups']}


def _to_user(user: dict[str, Any], asked: str) -> base.User:
    if user['id'] != asked:
        raise ValueError(asked)
    return base.User(
        asked, base.text(user['name']), base.text(user['domain_id'])
    )
