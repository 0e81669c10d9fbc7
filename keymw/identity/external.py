"""Tokens through Keystone's external method (contract keystone, 1)."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from keymw import faults
from keymw.identity import base
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Question
from keymw.identity.transport import Transport

# What to ask for is left to Keystone, or is a member "scope" of v3.
Scope = object | None


class External:
    """Asks Keystone for tokens of users whom we have verified."""

    def __init__(self, transport: Transport, conf: cfg.ConfigOpts) -> None:
        self._transport = transport
        self._names_domains = conf.identity.external == 'Domain'
        self._default_domain = conf.identity.default_domain

    def ask(
        self,
        origin: Origin,
        name: str,
        domain_name: str,
        scope: Scope,
        query: str = '',
    ) -> Answer:
        """What Keystone answers, whatever it is."""
        remote = {'REMOTE_USER': name}
        if self._names_domains:
            remote['REMOTE_DOMAIN'] = domain_name
        identity = {'methods': ['external'], 'external': {}}
        auth: dict[str, Any] = {'identity': identity}
        if scope is not None:
            auth['scope'] = scope
        question = Question(
            'POST',
            f'/v3/auth/tokens{query and "?"}{query}',
            body={'auth': auth},
            remote=remote,
        )
        return self._transport.ask(origin, question)

    def sign_in(
        self,
        origin: Origin,
        owner: base.Owner,
        scope: Scope,
        look_again: Callable[[], base.Owner],
        query: str = '',
    ) -> Answer:
        """A token of its owner, or what Keystone says of this scope.

        look_again asks for the owner anew: it may have changed since, and
        Keystone takes what fails on its side for a user it does not know.

        :raises WrongKey: Keystone issues none, or one of somebody else.
        :raises UserDisabled: the user or the domain is, by now.
        :raises LoginRefused: it issues one, but not for this scope.
        """
        if not self._names_domains and owner.domain_id != self._default_domain:
            raise base.refusal(
                owner.id, 'its domain needs [identity] external = Domain'
            )
        answer = self.ask(origin, owner.name, owner.domain_name, scope, query)
        if answer.status in (400, 403, 404) and 'error' in answer.body:
            look_again()
            return answer
        if answer.status == 401:
            self._explain(origin, owner, scope, answer)
            reason = 'Keystone does not let it in'
        else:
            user_id = base.understood(answer, _A_TOKEN, _user_id)
            if user_id == owner.id:
                return answer
            reason = f'Keystone issued one of user {user_id}'
        fresh = look_again()
        if fresh == owner:
            raise base.refusal(owner.id, reason)
        return self.sign_in(origin, fresh, scope, look_again, query)

    def _explain(
        self, origin: Origin, owner: base.Owner, scope: Scope, answer: Answer
    ) -> None:
        """Raise what a 401 after the right key means, where it says.

        :raises Unavailable: Keystone is not set up for logins.
        """
        if 'receipt' in answer.body:
            raise base.refusal(
                owner.id, 'its MFA rules have none of ["external"]'
            )
        if 'unsupported method' in message(answer):
            base.understood(
                Answer(500, answer.headers, {}),
                'for a token; "external" must be in [auth] methods',
                dict,
            )
        if scope is None or scope == 'unscoped':
            return
        again = self.ask(
            origin, owner.name, owner.domain_name, 'unscoped', 'nocatalog'
        )
        if again.status in (401, 403, 404):
            return
        if base.understood(again, _A_TOKEN, _user_id) == owner.id:
            raise _scope_not_valid(scope, owner)


_A_TOKEN = 'for a token of the owner of a key'  # noqa: S105, no secret


def _user_id(body: dict[str, Any]) -> str:
    return base.text(body['token']['user']['id'])


def _scope_not_valid(scope: Scope, owner: base.Owner) -> faults.LoginRefused:
    project = scope.get('project') if isinstance(scope, dict) else None
    if not isinstance(project, dict):
        return faults.LoginRefused('The scope is not valid for the user.')
    named = project.get('id') or project.get('name') or ''
    return faults.TenantNotValid(str(named), owner.name, owner.id)


def message(answer: Answer) -> str:
    """What Keystone says of a refusal, if it says so as it does."""
    error = answer.body.get('error')
    return str(error.get('message')) if isinstance(error, dict) else ''
