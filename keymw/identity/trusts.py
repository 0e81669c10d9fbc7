"""Trusts of Keystone for service_user (doc/contract/api-keys 2)."""

from collections.abc import Callable
import dataclasses
import datetime
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

from keymw.identity import base
from keymw.identity import external
from keymw.identity import v3_types
from keymw.identity.service import Others
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport
from keymw.web import faults

_TRUSTS = '/v3/OS-TRUST/trusts'
# Gets a token for a trust: (origin, trust id, query) -> Keystone's response.
Buy = Callable[[Origin, str, str], Response]


class EndTaken(Exception):  # noqa: N818, it says what is wrong
    """Keystone has a trust with the same parties, project and end.

    A deleted trust counts too.
    """


class RoleNotHeld(faults.Forbidden):
    """403: the owner lacks one of the roles on the project."""

    def __init__(self) -> None:
        super().__init__(
            'The user does not have all of these roles on the project.'
        )


class NoTrusts(faults.NotImplemented):
    """501: the policy of Keystone forbids trusts, or it has none."""

    def __init__(self) -> None:
        super().__init__('The identity service lets this user make no trust.')


class Refused(faults.WrongKey):
    """A trust that Keystone issues no token for; the reason is for logs."""


@dataclasses.dataclass(frozen=True)
class Grant:
    """What a trust gives: roles, by id, of a trustor on a project.

    expires_at has whole seconds, which is all that Keystone stores.
    """

    trustor_id: str
    trustee_id: str
    project_id: str
    roles: frozenset[str]
    expires_at: datetime.datetime


class Trusts:
    """Makes and deletes trusts, and gets tokens for them.

    Every method raises Unavailable if Keystone fails or service_user is out
    of order.
    """

    def __init__(
        self,
        transport: Transport,
        others: Others,
        buy: Buy,
        name: str | None,
    ) -> None:
        """name is that of service_user if buy signs in with it, else None."""
        self._name = name
        self._transport = transport
        self._others = others
        self._buy = buy

    def trustee(self, origin: Origin) -> str:
        """The user id of service_user, which is looked up and can sign in.

        Keystone issues tokens to a disabled user, but rejects them later. Its
        401 for a name that is nobody's is the same as for a wrong key.
        """
        user_id, response = self._look_up(origin)
        if user_id != self._others.user_id(origin):
            # The user of the last token was deleted: there is another now.
            user_id, response = self._look_up(origin)

        def check(body: dict[str, Any]) -> None:
            user = body['user']
            if not user['enabled'] or self._name not in (None, user['name']):
                raise ValueError('disabled, or renamed')

        base.understood(response, 'for [identity] service_user', check)
        return user_id

    def _look_up(self, origin: Origin) -> tuple[str, Response]:
        user_id = self._others.user_id(origin)
        path = f'/v3/users/{quote(user_id)}'
        return user_id, self._ask(origin, 'GET', path)

    def create(self, origin: Origin, grant: Grant, token: str) -> str:
        """Make a trust with a token of the trustor; return its id.

        :raises EndTaken: another trust has the same end.
        :raises RoleNotHeld: the trustor lacks a role, or the project.
        :raises NoTrusts: Keystone's policy forbids it.
        :raises Unauthorized: the token is not valid.
        """
        sub_request = SubRequest('POST', _TRUSTS, token, body=_to_body(grant))
        response = self._transport.send(origin, sub_request)
        if response.status == 409:
            raise EndTaken()
        if response.status == 401:
            raise faults.Unauthorized()
        if response.status == 403 and 'create_trust' in external.message(
            response
        ):
            raise NoTrusts()
        if response.status == 404 and 'error' not in response.body:
            raise NoTrusts()
        if response.status in (403, 404):
            raise RoleNotHeld()
        return base.understood(
            response,
            'for a trust',
            lambda body: base.text(body['trust']['id']),
        )

    def delete(self, origin: Origin, trust_id: str) -> None:
        """Delete a trust; one that is gone already is no error."""
        response = self._ask(origin, 'DELETE', _path(trust_id))
        if response.status != 404:
            base.understood(response, 'to delete a trust', dict)

    def exists(self, origin: Origin, trust_id: str) -> bool:
        """Whether a trust is there; an ended one is not."""
        response = self._ask(origin, 'GET', _path(trust_id))
        if response.status == 404 and 'error' in response.body:
            return False
        base.understood(response, 'for a trust', lambda body: body['trust'])
        return True

    def ids(self, origin: Origin, trustor_id: str) -> frozenset[str]:
        """The ids of all trusts of a trustor for service_user."""
        return frozenset(
            base.text(trust['id']) for trust in self._list(origin, trustor_id)
        )

    def made(
        self, origin: Origin, trustor_id: str, end: datetime.datetime
    ) -> list[str]:
        """The ids of the trusts of a trustor with an end, however made."""
        return [
            base.text(trust['id'])
            for trust in self._list(origin, trustor_id)
            if trust.get('expires_at')
            and base.moment(trust['expires_at']) == end
        ]

    def _list(self, origin: Origin, trustor_id: str) -> list[dict[str, Any]]:
        query = urlencode(
            {
                'trustor_user_id': trustor_id,
                'trustee_user_id': self._others.user_id(origin),
            }
        )
        response = self._ask(origin, 'GET', f'{_TRUSTS}?{query}')
        return base.understood(
            response,
            'for the trusts of a user',
            lambda body: [*body['trusts']],
        )

    def sign_in(
        self, origin: Origin, trust_id: str, owner_id: str, query: str = ''
    ) -> Response:
        """Keystone's response with a token for a trust.

        Call trustee() before: it tells a disabled service_user.

        :raises Refused: Keystone issues none, or one of another user.
        """
        response = self._buy(origin, trust_id, query)
        said = external.message(response)
        if response.status in (401, 403, 404) and not _is_ours(response, said):
            raise Refused(f'no token for the trust: {said}')
        user_id = base.understood(
            response,
            'for a token for a trust',
            lambda body: _trustor(body['token'], trust_id),
        )
        if user_id != owner_id:
            raise Refused(f'the token is of user {user_id}')
        return response

    def revoke(self, origin: Origin, token: str) -> None:
        """Revoke a token for a trust, which may not revoke itself."""
        response = self._others.send(
            origin, '/v3/auth/tokens', None, 'DELETE', token
        )
        if response.status != 404:
            base.understood(response, 'to revoke a token', dict)

    def token_of_key(
        self, origin: Origin, token: str, query: str = 'nocatalog'
    ) -> v3_types.Token | None:
        """Keystone's body of a token for a trust with service_user, or None.

        Such a token may not validate itself. None is also for a token that is
        not valid: Keystone rejects it itself.
        """
        path = f'/v3/auth/tokens{query and "?"}{query}'
        response = self._others.send(origin, path, None, 'GET', token)
        if response.status == 404 and 'error' in response.body:
            return None
        found, trustee = base.understood(
            response, 'to validate a token', _with_trustee
        )
        is_ours = trustee == self._others.user_id(origin)
        return found if is_ours else None

    def _ask(self, origin: Origin, method: str, path: str) -> Response:
        response = self._others.send(origin, path, None, method)
        self._others.refuse(response)
        return response


def _path(trust_id: str) -> str:
    return f'{_TRUSTS}/{quote(trust_id, safe="")}'


def _to_body(grant: Grant) -> dict[str, Any]:
    return {
        'trust': {
            'trustor_user_id': grant.trustor_id,
            'trustee_user_id': grant.trustee_id,
            'impersonation': True,
            'project_id': grant.project_id,
            'roles': [{'id': role} for role in sorted(grant.roles)],
            'expires_at': grant.expires_at.strftime('%Y-%m-%dT%H:%M:%S.%fZ'),
            'allow_redelegation': False,
        }
    }


def _is_ours(response: Response, said: str) -> bool:
    """Whether a refusal is about our own sign-in, and not about the trust."""
    return (
        'receipt' in response.body
        or 'unsupported method' in said
        or 'error' not in response.body
    )


def _trustor(token: dict[str, Any], trust_id: str) -> str:
    if token['OS-TRUST:trust']['id'] != trust_id:
        raise ValueError(trust_id)
    return base.text(token['user']['id'])


def _with_trustee(body: dict[str, Any]) -> tuple[v3_types.Token, str | None]:
    """A token, and the id of the trustee if it is for a trust."""
    token: v3_types.Token = body['token']
    trust = body['token'].get('OS-TRUST:trust')
    if trust is None:
        return token, None
    return token, base.text(trust['trustee_user']['id'])
