"""Tokens for trusts where the external method is not to be had.

Source: doc/contract/api-keys 2.
"""

from collections.abc import Callable

from keymw.identity.service import Issued
from keymw.identity.service import OwnToken
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport


class TrustBuyer:
    """Gets tokens for trusts with an unscoped token of our own user.

    The token method is much cheaper than the password. The unscoped token is
    kept until a quarter of its life is left, and is never revoked: Keystone
    would revoke the tokens that were made from it too.
    """

    def __init__(
        self,
        transport: Transport,
        issue: Callable[[Origin], Issued],
        clock: Callable[[], float],
    ) -> None:
        """issue returns a new unscoped token of our own user."""
        self._transport = transport
        self._own = OwnToken(issue, clock, lambda life: life / 4)

    def buy(self, origin: Origin, trust_id: str, query: str) -> Response:
        """Keystone's response to a login for a trust, whatever its status.

        :raises Unavailable: our own user gets no token.
        """
        token = self._own.get(origin).token
        response = self._ask(origin, token, trust_id, query)
        if response.status != 401 or self._is_valid(origin, token):
            return response
        self._own.forget()
        token = self._own.get(origin).token
        return self._ask(origin, token, trust_id, query)

    def _ask(
        self, origin: Origin, token: str, trust_id: str, query: str
    ) -> Response:
        identity = {'methods': ['token'], 'token': {'id': token}}
        scope = {'OS-TRUST:trust': {'id': trust_id}}
        sub_request = SubRequest(
            'POST',
            f'/v3/auth/tokens{query and "?"}{query}',
            body={'auth': {'identity': identity, 'scope': scope}},
        )
        return self._transport.send(origin, sub_request)

    def _is_valid(self, origin: Origin, token: str) -> bool:
        sub_request = SubRequest(
            'GET', '/v3/auth/tokens?nocatalog', token, token
        )
        return self._transport.send(origin, sub_request).status == 200
