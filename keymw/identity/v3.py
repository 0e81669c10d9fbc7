"""Identity v3, as stock Keystone speaks it (contract keystone, 1)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from keymw import faults
from keymw.identity import base
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline
from keymw.identity.transport import Question

_DELEGATIONS = ('OS-TRUST:trust', 'OS-OAUTH1', 'RAX-AUTH:impersonator')


class V3(base.Identity):
    """Asks GET /v3/auth/tokens, /v3/users and /v3/role_assignments."""

    def __init__(
        self,
        transport: Pipeline,
        conf: cfg.ConfigOpts,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._options = conf.identity
        issue = self._issue if self._options.service_user else None
        self._others = Others(transport, issue, clock)

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

    def _issue(self, origin: Origin) -> Issued:
        options = self._options
        remote = {'REMOTE_USER': options.service_user}
        if options.external == 'Domain':
            remote['REMOTE_DOMAIN'] = options.service_domain
        question = Question(
            'POST',
            '/v3/auth/tokens?nocatalog',
            body=_external(_scope(options)),
            remote=remote,
        )
        answer = self._transport.ask(origin, question)

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


def _external(scope: dict[str, Any]) -> dict[str, Any]:
    identity = {'methods': ['external'], 'external': {}}
    return {'auth': {'identity': identity, 'scope': scope}}


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
