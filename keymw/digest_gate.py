"""Who answered a challenge: the way from a header to a global key."""

from collections.abc import Callable
import logging

from oslo_config import cfg

from keymw import digest
from keymw import global_key
from keymw import replays
from keymw.admin_faults import NotAuthenticated
from keymw.conf import ConfigError
from keymw.digest import Algorithm
from keymw.digest import Asked
from keymw.digest import Claim
from keymw.digest import Digest
from keymw.digest import Nonce
from keymw.digest import Nonces
from keymw.digest import Refused
from keymw.storage.base import GlobalKey
from keymw.storage.base import GlobalKeyStore
from keymw.vault import Vault

LOG = logging.getLogger(__name__)

_PURPOSE = 'digest nonces'
_LONGEST = 64


class SharedNonces(Nonces):
    """Nonces of all who have the keys of a vault.

    They are made with the key that seals, and known by any: after a rotation
    those of before serve on, and those of nodes that have it sooner or later
    do too, as the staged key is on all of them.
    """

    def __init__(
        self, vault: Vault, lifetime: int, clock: Callable[[], float]
    ) -> None:
        """lifetime is in seconds."""
        super().__init__(vault.derived(_PURPOSE)[0], lifetime, clock)
        self._vault = vault
        self._rest = (lifetime, clock)

    def _by(self, secret: bytes) -> Nonces:
        return Nonces(secret, *self._rest)

    def make(self, algorithm: Algorithm) -> str:
        return self._by(self._vault.derived(_PURPOSE)[0]).make(algorithm)

    def find(self, text: str, algorithm: Algorithm) -> Nonce | None:
        for secret in self._vault.derived(_PURPOSE):
            found = self._by(secret).find(text, algorithm)
            if found is not None:
                return found
        return None


class DigestGate:
    """Lets in who holds a global key."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        vault: Vault,
        keys: GlobalKeyStore,
        clock: Callable[[], float],
    ) -> None:
        """Read the options.

        :raises ConfigError: no algorithm is named, this Python lacks one, or
            replays cannot be used.
        """
        options = conf.global_keys
        lifetime = options.nonce_lifetime
        self._vault = vault
        self._keys = keys
        self._digest = Digest(
            SharedNonces(vault, lifetime, clock),
            _available(options.algorithms),
            options.public_prefix,
        )
        self._replays = replays.load(options.replays, lifetime)

    def admit(
        self, header: str | None, asked: Asked, request_id: str
    ) -> GlobalKey:
        """The key whose holder sent an Authorization header.

        :raises NotAuthenticated: nobody's; nothing tells why, but that a
            right answer came too late.
        :raises Outage: a store cannot answer.
        """
        try:
            claim = self._digest.read(header, asked)
            key = self._verified(claim)
            self._replays.remember(claim.nonce, claim.count)
        except Refused as refusal:
            LOG.info('request %s is challenged: %s', request_id, refusal)
            raise self.refusal(stale=refusal.stale) from None
        return key

    def refusal(self, *, stale: bool = False) -> NotAuthenticated:
        """What to raise where nobody is known.

        :raises Outage: the answers to it could not be remembered.
        """
        self._replays.begin()
        return NotAuthenticated(self._digest.challenges(stale=stale))

    def _verified(self, claim: Claim) -> GlobalKey:
        key = self._find(claim.username)
        if key is None:
            global_key.no_ha1(self._vault)
            self._digest.verify(claim, None)
            raise Refused('there is no such key')
        ha1 = global_key.ha1(self._vault, key, claim.algorithm)
        self._digest.verify(claim, ha1)
        return key

    def _find(self, public_key: str) -> GlobalKey | None:
        # Not each store can be asked for each text.
        plain = public_key.isascii() and public_key.isalnum()
        if not plain or len(public_key) > _LONGEST:
            return None
        return self._keys.find(public_key)


def _available(names: list[str]) -> list[Algorithm]:
    if not names:
        raise ConfigError('[global_keys] algorithms: none is named')
    found = [Algorithm(name) for name in names]
    for algorithm in found:
        if not digest.is_available(algorithm):
            raise ConfigError(
                f'[global_keys] algorithms: this Python has no {algorithm}, '
                'as where it is held to FIPS'
            )
    return found
