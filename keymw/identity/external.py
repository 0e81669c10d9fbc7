"""Tokens by Keystone's external method (doc/contract/keystone 1)."""

from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from keymw.identity import base
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport
from keymw.web import faults

# None: Keystone chooses; else the value of auth.scope in a v3 login.
Scope = object | None


class External:
    """Gets tokens from Keystone for users whose key was verified."""

    def __init__(self, transport: Transport, conf: cfg.ConfigOpts) -> None:
        self._transport = transport
        self._names_domains = conf.identity.external == 'Domain'
        self._default_domain = conf.identity.default_domain

    def send(
        self,
        origin: Origin,
        name: str,
        domain_name: str | None,
        scope: Scope,
        query: str = '',
    ) -> Response:
        """Keystone's response to a REMOTE_USER login, whatever its status.

        domain_name None: Keystone takes its default domain.
        """
        remote = {'REMOTE_USER': name}
        if self._names_domains and domain_name is not None:
            remote['REMOTE_DOMAIN'] = domain_name
        identity = {'methods': ['external'], 'external': {}}
        auth: dict[str, Any] = {'identity': identity}
        if scope is not None:
            auth['scope'] = scope
        sub_request = SubRequest(
            'POST',
            f'/v3/auth/tokens{query and "?"}{query}',
            body={'auth': auth},
            remote=remote,
        )
        return self._transport.send(origin, sub_request)

    def sign_in(
        self,
        origin: Origin,
        owner: base.Owner,
        scope: Scope,
        look_again: Callable[[], base.Owner],
        query: str = '',
    ) -> Response:
        """Keystone's token for the owner, or its refusal of the scope.

        look_again reads the owner without the cache. It is called after a
        refusal: the owner may have changed, and Keystone also sends 401 for
        some failures of its own.

        :raises WrongKey: Keystone issues no token, or one of another user.
        :raises UserDisabled: the user or the domain is disabled by now.
        :raises LoginRefused: Keystone issues a token, but not for this scope.
        """
        if not self._names_domains and owner.domain_id != self._default_domain:
            raise base.refusal(
                owner.id, 'its domain needs [identity] external = Domain'
            )
        response = self.send(
            origin, owner.name, owner.domain_name, scope, query
        )
        if response.status in (400, 403, 404) and 'error' in response.body:
            look_again()
            return response
        if response.status == 401:
            self._explain(origin, owner, scope, response)
            reason = 'Keystone refuses it'
        else:
            user_id = base.understood(response, _A_TOKEN, _user_id)
            if user_id == owner.id:
                return response
            reason = f'Keystone issued one of user {user_id}'
        fresh = look_again()
        if fresh == owner:
            raise base.refusal(owner.id, reason)
        return self.sign_in(origin, fresh, scope, look_again, query)

    def _explain(
        self,
        origin: Origin,
        owner: base.Owner,
        scope: Scope,
        response: Response,
    ) -> None:
        """Raise the fault that a 401 after a right key means, if it is clear.

        :raises Unavailable: Keystone's external method is not configured.
        """
        if 'receipt' in response.body:
            raise base.refusal(
                owner.id, 'its MFA rules have none of ["external"]'
            )
        if 'unsupported method' in message(response):
            base.understood(
                Response(500, response.headers, {}),
                'for a token; "external" must be in [auth] methods',
                dict,
            )
        if scope is None or scope == 'unscoped':
            return
        again = self.send(
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


def message(response: Response) -> str:
    """The message in Keystone's error response; empty if there is none."""
    error = response.body.get('error')
    return str(error.get('message')) if isinstance(error, dict) else ''
