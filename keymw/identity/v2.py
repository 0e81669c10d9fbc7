"""Identity v2.0, as old Keystones and Rackspace speak it (contract, 6)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from keymw import faults
from keymw.identity import base
from keymw.identity.service import Issued
from keymw.identity.service import Others
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline
from keymw.identity.transport import Question


class V2(base.Identity):
    """Asks GET /v2.0/tokens/{id}, /v2.0/users/{id} and its roles."""

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
        path = f'{origin.v2_root}/users/{quote(user_id, safe="")}'
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

    def roles(
        self, origin: Origin, user_id: str, caller: base.Caller | None
    ) -> frozenset[str]:
        path = f'{origin.v2_root}/users/{quote(user_id, safe="")}/roles'
        token = caller.token if caller else None
        answer = self._others.ask(origin, path, token)
        self._others.refuse(answer)
        return base.understood(
            answer,
            'for the roles of a user',
            lambda body: _names(body['roles']),
        )

    def _issue(self, origin: Origin) -> Issued:
        # A Keystone of 2013 takes REMOTE_USER where auth holds no credential.
        auth = {'tenantName': self._options.service_project}
        question = Question(
            'POST',
            f'{origin.v2_root}/tokens',
            body={'auth': auth},
            remote={'REMOTE_USER': self._options.service_user},
        )
        return base.understood(
            self._transport.ask(origin, question),
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


def _name(user: dict[str, Any]) -> str:
    # An old Keystone says it by another word.
    return base.text(user.get('name', user.get('username')))


def _names(roles: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(base.text(role['name']) for role in roles)
