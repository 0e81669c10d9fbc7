"""HTTP Digest: challenges and responses to them.

Sources: doc/contract/ops-manager-global-keys 3; RFC 7616.

Nothing is stored. A nonce is its creation time (8 bytes), random bytes (8)
and an HMAC-SHA-256 (32 bytes) over both and the algorithm, in hex. Text of
a request is in WSGI form: one character per byte.
"""

import binascii
from collections.abc import Callable
from collections.abc import Collection
import dataclasses
import enum
import hashlib
import hmac
import re
import secrets
import time
from typing import ClassVar
import urllib.parse

REALM = 'MMS Public API'
SECRET_BYTES = 32
SKEW = 10  # seconds that the clocks of two nodes may differ
# Servers accept no longer header by default.
_MAX_HEADER = 8192
_ID_BYTES = 16
_NONCE = re.compile(f'[0-9a-f]{{{2 * (_ID_BYTES + 32)}}}')

_SCHEME = re.compile(r'digest[ \t]++', re.IGNORECASE)
# Possessive quantifiers: matching takes linear time for every input.
_PARAMETER = re.compile(
    r"""
    [ \t,]*+
    (?P<name> [!#$%&'*+.^_`|~0-9A-Za-z-]++ )
    [ \t]*+ = [ \t]*+
    (?: " (?P<quoted> (?: [\t !#-\[\]-~\x80-\xff]++
                      | \\ [\t -~\x80-\xff] )*+ ) "
      | (?P<bare> [!#-+\--\[\]-~\x80-\xff]++ ) )
    [ \t]*+ (?= , | \Z )
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r'\\(.)')
_COUNT = re.compile(r'[0-9A-Fa-f]{1,8}')
# Methods that change nothing.
READS = frozenset(('GET', 'HEAD'))
_AUTHORITY = re.compile(r'https?://[^/?#]*+', re.IGNORECASE)


class Algorithm(enum.StrEnum):
    """A hash algorithm. Challenges are sent in this order."""

    MD5 = 'MD5'
    SHA256 = 'SHA-256'


_NAMES = {Algorithm.MD5: 'md5', Algorithm.SHA256: 'sha256'}
_REQUIRED = frozenset(
    ('username', 'realm', 'nonce', 'uri', 'response', 'cnonce', 'nc', 'qop')
)
_KEPT = _REQUIRED - {'realm'}


class Refused(Exception):  # noqa: N818, it says what was done
    """The response to a challenge is missing or wrong; the text says why."""

    stale: ClassVar[bool] = False


class Stale(Refused):
    """The response is right, but its nonce is too old."""

    stale = True


@dataclasses.dataclass(frozen=True)
class RequestLine:
    """A request. path is SCRIPT_NAME + PATH_INFO, query is QUERY_STRING."""

    method: str
    path: str
    query: str


@dataclasses.dataclass(frozen=True)
class Authorization:
    """The members of an Authorization header, unchanged."""

    username: str
    nonce: str
    uri: str
    nc: str
    cnonce: str
    qop: str
    response: str = dataclasses.field(repr=False)
    algorithm: Algorithm


@dataclasses.dataclass(frozen=True)
class Nonce:
    """A nonce made by keymw. Ids are unique and sort by creation time."""

    id: bytes

    @property
    def made_at(self) -> int:
        """The creation time in microseconds since the epoch."""
        return int.from_bytes(self.id[:8])


@dataclasses.dataclass(frozen=True)
class Claim:
    """A response to our challenge for this request, not yet verified."""

    authorization: Authorization
    method: str
    nonce: Nonce

    @property
    def username(self) -> str:
        """The public key that the response names."""
        return self.authorization.username

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the HA1 that verifies the response."""
        return self.authorization.algorithm

    @property
    def count(self) -> int:
        """The number of this use of the nonce."""
        return int(self.authorization.nc, 16)


class Nonces:
    """Makes nonces, and recognizes nonces made with the same secret."""

    def __init__(
        self,
        secret: bytes,
        lifetime: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the secret, the lifetime in seconds and the clock.

        :raises ValueError: the secret is shorter than SECRET_BYTES.
        """
        if len(secret) < SECRET_BYTES:
            raise ValueError(f'a secret of {SECRET_BYTES} bytes is needed')
        self._secret = secret
        self._lifetime = microseconds(lifetime)
        self._clock = clock

    def make(self, algorithm: Algorithm) -> str:
        """Return a new nonce for responses with one algorithm."""
        made_at = microseconds(self._clock())
        id_ = made_at.to_bytes(8) + secrets.token_bytes(_ID_BYTES - 8)
        # Hex: some clients search the whole header for names such as qop.
        return (id_ + self._seal(id_, algorithm)).hex()

    def find(self, text: str, algorithm: Algorithm) -> Nonce | None:
        """Return the nonce if keymw made it for this algorithm, else None."""
        if not _NONCE.fullmatch(text):
            return None
        parsed = binascii.unhexlify(text)
        id_, seal = parsed[:_ID_BYTES], parsed[_ID_BYTES:]
        is_ours = hmac.compare_digest(seal, self._seal(id_, algorithm))
        return Nonce(id_) if is_ours else None

    def is_stale(self, nonce: Nonce) -> bool:
        """Whether a nonce is too old, or too far in the future."""
        age = microseconds(self._clock()) - nonce.made_at
        return not -microseconds(SKEW) <= age <= self._lifetime

    def _seal(self, id_: bytes, algorithm: Algorithm) -> bytes:
        return hmac.digest(self._secret, id_ + algorithm.encode(), 'sha256')


class Digest:
    """Writes challenges and verifies responses to them.

    public_prefix is a path prefix that a proxy removes; clients may hash a
    path with it.
    """

    def __init__(
        self,
        nonces: Nonces,
        algorithms: Collection[Algorithm],
        public_prefix: str = '',
    ) -> None:
        self._nonces = nonces
        self._algorithms = [a for a in Algorithm if a in algorithms]
        self._public_prefix = public_prefix.rstrip('/')

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Return the values of WWW-Authenticate, one header for each.

        Some clients parse them with string searches, so spaces and order are
        fixed. Source: doc/contract/ops-manager-global-keys 3.1.
        """
        return [
            f'Digest realm="{REALM}", domain="", '
            f'nonce="{self._nonces.make(algorithm)}", algorithm={algorithm}, '
            f'qop="auth", stale={str(stale).lower()}'
            for algorithm in self._algorithms
        ]

    def read(self, header: str | None, line: RequestLine) -> Claim:
        """Parse an Authorization header. No key is looked up yet.

        :raises Refused: the header is no response to a challenge of ours for
            this request.
        """
        authorization = parse(header or '')
        if authorization.algorithm not in self._algorithms:
            raise Refused(f'{authorization.algorithm} is not offered')
        nonce = self._nonces.find(authorization.nonce, authorization.algorithm)
        if nonce is None:
            raise Refused('the nonce was not made here')
        if not names(authorization.uri, line, self._public_prefix):
            raise Refused('the uri is that of another request')
        return Claim(authorization, line.method, nonce)

    def verify(self, claim: Claim, ha1: str | None) -> None:
        """Return if the key with this HA1 made the response.

        ha1 is None for an unknown key; the timing is the same.

        :raises Refused: the response is wrong.
        :raises Stale: the response is right, but its nonce is too old.
        """
        if not is_right(claim.authorization, claim.method, ha1):
            raise Refused('the public or the private key is wrong')
        if self._nonces.is_stale(claim.nonce):
            raise Stale('the nonce is too old')


def microseconds(seconds: float) -> int:
    """Convert seconds to microseconds, the unit of this module."""
    return int(seconds * 1_000_000)


def parse(header: str) -> Authorization:
    """Return the members of an Authorization header, quoted or not.

    :raises Refused: the header is missing, malformed or incomplete.
    """
    sent = _parameters(header)
    if not sent.keys() >= _REQUIRED:
        raise Refused('the response is incomplete')
    if sent['realm'] != REALM or sent['qop'] != 'auth':
        raise Refused('the response is to another challenge')
    if _COUNT.fullmatch(sent['nc']) is None:
        raise Refused('nc is no number')
    return Authorization(
        algorithm=_algorithm(sent.get('algorithm', Algorithm.MD5)),
        **{name: sent[name] for name in _KEPT},
    )


def _algorithm(name: str) -> Algorithm:
    try:
        return Algorithm(name.upper())
    except ValueError:
        raise Refused('the algorithm is not known') from None


def _parameters(header: str) -> dict[str, str]:
    scheme = _SCHEME.match(header)
    if scheme is None or len(header) > _MAX_HEADER:
        raise Refused('there is no response')
    text = header.rstrip(' \t,')
    place = scheme.end()
    parsed: dict[str, str] = {}
    while place < len(text):
        one = _PARAMETER.match(text, place)
        if one is None or one['name'].lower() in parsed:
            raise Refused('the response is malformed')
        parsed[one['name'].lower()] = _value(one)
        place = one.end()
    return parsed


def _value(parameter: re.Match[str]) -> str:
    bare, quoted = parameter['bare'], parameter['quoted']
    if quoted is None:
        return bare
    return _ESCAPED.sub(r'\1', quoted) if '\\' in quoted else quoted


def names(uri: str, line: RequestLine, public_prefix: str = '') -> bool:
    """Whether a uri names a request; the host is not compared.

    Some clients leave out the query. That is accepted for reads. In a write
    it would let somebody on the way replace the query.
    """
    authority = _AUTHORITY.match(uri)
    target = uri[authority.end() :] if authority else uri
    path, mark, query = target.partition('?')
    path = urllib.parse.unquote(path, 'latin-1')
    if path not in (line.path, public_prefix + line.path):
        return False
    left_out = not mark and line.method in READS
    return left_out or query == line.query


def is_right(
    authorization: Authorization, method: str, ha1: str | None
) -> bool:
    """Whether a key with this HA1 made the response; never for None."""
    ha2 = _hash(authorization.algorithm, f'{method}:{authorization.uri}')
    # For an unknown key hash a text of the same length: equal timing.
    key = ha2 if ha1 is None else ha1
    parts = (
        key,
        authorization.nonce,
        authorization.nc,
        authorization.cnonce,
        authorization.qop,
        ha2,
    )
    expected = _hash(authorization.algorithm, ':'.join(parts))
    sent = authorization.response.lower().encode('latin-1')
    same = hmac.compare_digest(expected.encode(), sent)
    return same and ha1 is not None


def ha1(
    public_key: str, realm: str, private_key: str, algorithm: Algorithm
) -> str:
    """Return the HA1 in hex. In its realm it is as secret as the key."""
    return _hash(algorithm, f'{public_key}:{realm}:{private_key}')


def is_available(algorithm: Algorithm) -> bool:
    """Whether this Python has the algorithm; under FIPS MD5 is missing."""
    try:
        _hash(algorithm, '')
    except ValueError:
        return False
    return True


def _hash(algorithm: Algorithm, text: str) -> str:
    name, octets = _NAMES[algorithm], text.encode('latin-1')
    return hashlib.new(name, octets, usedforsecurity=False).hexdigest()
