"""Authentication by HTTP Digest: from the header to a global key."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import logging
from typing import Any

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.global_keys import digest
from keymw.global_keys import keys as global_key
from keymw.global_keys import replays
from keymw.global_keys.digest import Algorithm
from keymw.global_keys.digest import Claim
from keymw.global_keys.digest import Digest
from keymw.global_keys.digest import Nonce
from keymw.global_keys.digest import Nonces
from keymw.global_keys.digest import Refused
from keymw.global_keys.digest import RequestLine
from keymw.global_keys.faults import NotAuthenticated
from keymw.global_keys.faults import RateLimited
from keymw.limits.failures import Failures
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.vault import CannotOpen
from keymw.vault import KeyMissing
from keymw.vault import Vault

LOG = logging.getLogger(__name__)

_PURPOSE = 'digest nonces'
_LONGEST = 64
# The resource in the fault of the limit, which is one for all routes.
_RESOURCE = 'apiKeys'


class SharedNonces(Nonces):
    """Nonces that all nodes with the keys of a vault share.

    Nonces are signed with the current sealing key and accepted if any key of
    the vault verifies them. So nonces survive a rotation, also between nodes:
    every node has the staged key before it becomes the current one.
    """

    def __init__(
        self, vault: Vault, lifetime: int, clock: Callable[[], float]
    ) -> None:
        """Take the vault, the lifetime in seconds and the clock."""
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
    """Authenticates holders of a global key."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        vault: Vault,
        keys: GlobalKeyStore,
        failures: Failures,
        clock: Callable[[], float],
    ) -> None:
        """Read the options.

        :raises ConfigError: no algorithm is set, this Python lacks one of
            them, or [global_keys] replays is not usable.
        """
        options = conf.global_keys
        lifetime = options.nonce_lifetime
        self._vault = vault
        self._keys = keys
        self._failures = failures
        self._digest = Digest(
            SharedNonces(vault, lifetime, clock),
            _available(options.algorithms),
            options.public_prefix,
        )
        self._replays = replays.of(conf, clock)

    def admit(
        self, environ: Mapping[str, Any], line: RequestLine, request_id: str
    ) -> GlobalKey:
        """Return the key that an Authorization header proves.

        :raises RateLimited: too many wrong responses came from the address.
        :raises NotAuthenticated: the header proves no key. The response gives
            no reason, except that a right response came too late.
        :raises Outage: a store cannot answer.
        """
        self._check_limit(environ)
        claim, header = None, environ.get('HTTP_AUTHORIZATION')
        try:
            claim = self._digest.read(header, line)
            key = self._verified(claim)
            memory = self._replays.of(line.method)
            memory.remember(claim.nonce, claim.count)
        except Refused as refusal:
            LOG.info('request %s is challenged: %s', request_id, refusal)
            fault = self.refusal(str(refusal), stale=refusal.stale)
            if is_digest(header) and not refusal.stale:
                name = '' if claim is None else claim.username
                fault.details = self._failures.count(environ, name)
            raise fault from None
        return key

    def _check_limit(self, environ: Mapping[str, Any]) -> None:
        excess = self._failures.excess(environ)
        if excess is not None:
            raise RateLimited(_RESOURCE, excess.limit, excess.headers)

    def refusal(self, reason: str, *, stale: bool = False) -> NotAuthenticated:
        """Return the fault with new challenges for a caller without a key.

        The reason is for the audit log.

        :raises Outage: the replay cache is not available, so a response to
            the challenge could not be accepted.
        """
        self._replays.begin()
        challenges = self._digest.challenges(stale=stale)
        return NotAuthenticated(challenges, reason)

    def _verified(self, claim: Claim) -> GlobalKey:
        key = self._find(claim.username)
        if key is None:
            global_key.no_ha1(self._vault)
            self._digest.verify(claim, None)
            raise Refused('there is no such key')
        with _only_ours():
            ha1 = global_key.ha1(self._vault, key, claim.algorithm)
        self._digest.verify(claim, ha1)
        with _only_ours():
            global_key.check(self._vault, key)
        return key

    def _find(self, public_key: str) -> GlobalKey | None:
        # Not every store takes every text; a public key is alphanumeric.
        plain = public_key.isascii() and public_key.isalnum()
        if not plain or len(public_key) > _LONGEST:
            return None
        return self._keys.find(public_key)


@contextlib.contextmanager
def _only_ours() -> Iterator[None]:
    """Refuse a key that somebody changed in the database."""
    try:
        yield
    except KeyMissing:
        # This node lacks the sealing key; the global key may be valid.
        raise
    except CannotOpen as error:
        LOG.error('a global key is refused: cannot open %s', error)
        raise Refused('the key was changed in the database') from None


def is_digest(header: str | None) -> bool:
    """Whether an Authorization header is one of HTTP Digest."""
    return (header or '').lstrip().lower().startswith('digest')


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
