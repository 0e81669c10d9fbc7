"""Logins with an API key (doc/contract/api-keys 4)."""

from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import dataclasses
import ipaddress
import logging
from typing import Any

from keymw.api_keys import handlers
from keymw.api_keys import keys
from keymw.api_keys import trusts
from keymw.api_keys.service import ApiKeys
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.trusts import Refused
from keymw.limits.client_address import Unreadable
from keymw.observe import audit
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Use
from keymw.web import faults

LOG = logging.getLogger(__name__)
METHOD = 'api_key'


@dataclasses.dataclass(frozen=True)
class Verified:
    """A key of which the client has a secret that may log in."""

    key: ApiKey
    was_previous: bool
    text: str = dataclasses.field(repr=False)


class KeyLogin:
    """Verifies keys, and gets tokens for the trusts behind them."""

    def __init__(self, api_keys: ApiKeys) -> None:
        self._keys = api_keys
        self._parts = api_keys.parts

    def has_form(self, text: str) -> bool:
        """Whether a text has the form of an API key."""
        return keys.has_form(self._keys.options.prefix, text)

    def verify(
        self,
        origin: Origin,
        environ: Mapping[str, Any],
        text: str,
        entry: audit.Entry,
    ) -> Verified:
        """The key with a secret, if it may log in; entry gets its ids.

        :raises WrongKey: it is unknown or may not; the reason is for logs.
        """
        key, was_previous = self._keys.find(text)
        if key is None:
            raise faults.WrongKey('unknown or wrong API key')
        entry.target = f'{key.user_id}/{key.id}'
        why = self._why_not(key, was_previous)
        if why == 'ended':
            self._end(origin, key)
        why = why or self._why_not_from(key, environ)
        if why is not None:
            raise faults.WrongKey(why)
        entry.caller = key.user_id
        return Verified(key, was_previous, text)

    def _why_not(self, key: ApiKey, was_previous: bool) -> str | None:
        """The reason why a key may not log in now; None: it may."""
        now = self._keys.now
        if not key.enabled:
            return 'disabled'
        if trusts.is_over(key, now):
            return 'ended'
        if was_previous and handlers.is_past(key.previous, now):
            return 'previous_over'
        if key.unrestricted and not self._keys.options.allow_unrestricted:
            return 'unrestricted_not_allowed'
        return None

    def _why_not_from(
        self, key: ApiKey, environ: Mapping[str, Any]
    ) -> str | None:
        if key.allowed_cidrs is None:
            return None
        try:
            address = self._parts.clients.find(environ)
        except Unreadable:
            return 'network'
        networks = map(ipaddress.ip_network, key.allowed_cidrs)
        is_in = any(address in network for network in networks)
        return None if is_in else 'network'

    def _end(self, origin: Origin, key: ApiKey) -> None:
        """Delete the trust of a key that has ended.

        Before Keystone 30, a token outlives the end of its trust.
        """
        try:
            self._keys.trusts.end(origin, key)
        except Exception as error:  # the login is refused all the same
            LOG.warning('key %s: its trust is not deleted: %s', key.id, error)

    def token(self, origin: Origin, key: ApiKey, query: str = '') -> Response:
        """Keystone's response with a token for a key; its method is ours.

        :raises WrongKey: Keystone issues none.
        """
        of = self._keys.trusts.of(origin)
        of.trustee(origin)
        if key.trust_id is None:
            raise faults.WrongKey('trust_gone')
        try:
            response = of.sign_in(origin, key.trust_id, key.user_id, query)
        except Refused:
            if not of.exists(origin, key.trust_id):
                raise faults.WrongKey('trust_gone') from None
            raise
        token = response.body['token'] | {'methods': [METHOD]}
        return dataclasses.replace(
            response, body={**response.body, 'token': token}
        )

    @contextlib.contextmanager
    def kept(
        self, origin: Origin, verified: Verified, token: str
    ) -> Iterator[None]:
        """Revoke a token unless the block accepts it and the key is unchanged.

        :raises WrongKey: the key was changed during the login.
        """
        try:
            yield
            self._require_unchanged(verified)
        except faults.Fault:
            self._revoke(origin, verified.key, token)
            raise
        self._keys.last_used.mark(
            Use(
                verified.key.id,
                self._keys.now,
                self._parts.clients.shown(origin.environ),
                verified.was_previous,
            )
        )

    def _require_unchanged(self, verified: Verified) -> None:
        key, was_previous = self._keys.find(verified.text)
        if (
            key is None
            or self._why_not(key, was_previous) is not None
            or key.trust_id != verified.key.trust_id
        ):
            raise faults.WrongKey('it was changed during the login')

    def _revoke(self, origin: Origin, key: ApiKey, token: str) -> None:
        try:
            if key.unrestricted:
                self._parts.identity.revoke(origin, token)
            else:
                self._keys.trusts.of(origin).revoke(origin, token)
        except faults.Fault as fault:
            LOG.warning(
                'the token of a refused login is not revoked: %s', fault
            )
