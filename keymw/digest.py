"""HTTP Digest: challenges, and the answers to them (contract, 3; RFC 7616).

Nothing is stored. A nonce is the time it was made (8 bytes), random (8) and
an HMAC-SHA-256 (32) over both and the algorithm, in hex. Text of a request
is as WSGI has it: a character for each byte.
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
# Longer than any server takes a header to be by default.
_MAX_HEADER = 8192
_ID_BYTES = 16
_NONCE = re.compile(f'[0-9a-f]{{{2 * (_ID_BYTES + 32)}}}')

_SCHEME = re.compile(r'digest[ \t]++', re.IGNORECASE)
# Never tries a character twice: the time is linear whatever is sent.
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
_AUTHORITY = re.compile(r'https?://[^/?#]*+', re.IGNORECASE)


class Algorithm(enum.StrEnum):
    """What both sides hash with; challenges are sent in this order."""

    MD5 = 'MD5'
    SHA256 = 'SHA-256'


_NAMES = {Algorithm.MD5: 'md5', Algorithm.SHA256: 'sha256'}
_REQUIRED = frozenset(
    ('username', 'realm', 'nonce', 'uri', 'response', 'cnonce', 'nc', 'qop')
)


class Refused(Exception):  # noqa: N818, it says what was done
    """There is no right answer to a challenge of ours; it says why."""

    stale: ClassVar[bool] = False


class Stale(Refused):
    """The answer is right, but its nonce serves no more."""

    stale = True


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request: path is SCRIPT_NAME and PATH_INFO, query QUERY_STRING."""

    method: str
    path: str
    query: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """What an Authorization header says, word for word."""

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
    """A nonce of ours; no two ids are alike, and an older one is lower."""

    id: bytes

    @property
    def made_at(self) -> int:
        """When it was made, as microseconds() tells it."""
        return int.from_bytes(self.id[:8])


@dataclasses.dataclass(frozen=True)
class Claim:
    """An answer to a challenge of ours, about this request, not yet proved."""

    answer: Answer
    method: str
    nonce: Nonce

    @property
    def username(self) -> str:
        """The public key it is made with."""
        return self.answer.username

    @property
    def algorithm(self) -> Algorithm:
        """Whose HA1 proves it."""
        return self.answer.algorithm

    @property
    def count(self) -> int:
        """Which use of the nonce this is."""
        return int(self.answer.nc, 16)


class Nonces:
    """Makes nonces, and knows again what holders of the secret have made."""

    def __init__(
        self,
        secret: bytes,
        lifetime: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """lifetime is in seconds.

        :raises ValueError: the secret is shorter than SECRET_BYTES.
        """
        if len(secret) < SECRET_BYTES:
            raise ValueError(f'a secret of {SECRET_BYTES} bytes is needed')
        self._secret = secret
        self._lifetime = microseconds(lifetime)
        self._clock = clock

    def make(self, algorithm: Algorithm) -> str:
        """A new nonce for answers by one algorithm."""
        made_at = microseconds(self._clock())
        id_ = made_at.to_bytes(8) + secrets.token_bytes(_ID_BYTES - 8)
        # Some look for names such as qop wherever they stand, in here too.
        return (id_ + self._seal(id_, algorithm)).hex()

    def find(self, text: str, algorithm: Algorithm) -> Nonce | None:
        """The nonce, if it is ours and made for this algorithm."""
        if not _NONCE.fullmatch(text):
            return None
        found = binascii.unhexlify(text)
        id_, seal = found[:_ID_BYTES], found[_ID_BYTES:]
        is_ours = hmac.compare_digest(seal, self._seal(id_, algorithm))
        return Nonce(id_) if is_ours else None

    def is_stale(self, nonce: Nonce) -> bool:
        """Whether it is too old, or of a clock too far ahead of ours."""
        age = microseconds(self._clock()) - nonce.made_at
        return not -microseconds(SKEW) <= age <= self._lifetime

    def _seal(self, id_: bytes, algorithm: Algorithm) -> bytes:
        return hmac.digest(self._secret, id_ + algorithm.encode(), 'sha256')


class Digest:
    """Challenges, and what answers to them are worth.

    Clients may know a path by public_prefix before it, where a proxy takes
    that off.
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
        """The values of WWW-Authenticate, a header for each (contract, 3.1).

        Clients read them by hand: each space and the order are needed.
        """
        return [
            f'Digest realm="{REALM}", domain="", '
            f'nonce="{self._nonces.make(algorithm)}", algorithm={algorithm}, '
            f'qop="auth", stale={str(stale).lower()}'
            for algorithm in self._algorithms
        ]

    def read(self, header: str | None, asked: Asked) -> Claim:
        """What an Authorization header claims, before any key is looked up.

        :raises Refused: it is no answer to a challenge of ours about what
            was asked.
        """
        answer = parse(header or '')
        if answer.algorithm not in self._algorithms:
            raise Refused(f'{answer.algorithm} is not offered')
        nonce = self._nonces.find(answer.nonce, answer.algorithm)
        if nonce is None:
            raise Refused('the nonce is not ours')
        if not names(answer.uri, asked, self._public_prefix):
            raise Refused('the uri is that of another request')
        return Claim(answer, asked.method, nonce)

    def verify(self, claim: Claim, ha1: str | None) -> None:
        """Return when the key with this HA1 made the answer.

        None is for a key that is not there, and takes the same time.

        :raises Refused: it did not.
        :raises Stale: it did, with a nonce that is too old.
        """
        if not is_right(claim.answer, claim.method, ha1):
            raise Refused('the public or the private key is wrong')
        if self._nonces.is_stale(claim.nonce):
            raise Stale('the nonce is too old')


def microseconds(seconds: float) -> int:
    """The unit of the times here."""
    return int(seconds * 1_000_000)


def parse(header: str) -> Answer:
    """The answer in an Authorization header, every member quoted or not.

    :raises Refused: there is none, or not all of it.
    """
    said = _parameters(header)
    if not said.keys() >= _REQUIRED:
        raise Refused('the answer is not whole')
    if said['realm'] != REALM or said['qop'] != 'auth':
        raise Refused('the answer is to another challenge')
    if _COUNT.fullmatch(said['nc']) is None:
        raise Refused('nc is no number')
    return Answer(
        algorithm=_algorithm(said.get('algorithm', Algorithm.MD5)),
        **{name: said[name] for name in _REQUIRED - {'realm'}},
    )


def _algorithm(name: str) -> Algorithm:
    try:
        return Algorithm(name.upper())
    except ValueError:
        raise Refused('the algorithm is not known') from None


def _parameters(header: str) -> dict[str, str]:
    scheme = _SCHEME.match(header)
    if scheme is None or len(header) > _MAX_HEADER:
        raise Refused('there is no answer')
    text = header.rstrip(' \t,')
    place = scheme.end()
    found: dict[str, str] = {}
    while place < len(text):
        one = _PARAMETER.match(text, place)
        if one is None or one['name'].lower() in found:
            raise Refused('the answer is malformed')
        found[one['name'].lower()] = _value(one)
        place = one.end()
    return found


def _value(parameter: re.Match[str]) -> str:
    bare, quoted = parameter['bare'], parameter['quoted']
    return bare if quoted is None else _ESCAPED.sub(r'\1', quoted)


def names(uri: str, asked: Asked, public_prefix: str = '') -> bool:
    """Whether a uri is that of a request; its host is not looked at."""
    authority = _AUTHORITY.match(uri)
    target = uri[authority.end() :] if authority else uri
    path, _, query = target.partition('?')
    path = urllib.parse.unquote(path, 'latin-1')
    known = (asked.path, public_prefix + asked.path)
    return path in known and query == asked.query


def is_right(answer: Answer, method: str, ha1: str | None) -> bool:
    """Whether a key with this HA1 made the answer; None is never right."""
    ha2 = _hash(answer.algorithm, f'{method}:{answer.uri}')
    # Where there is no key, anything as long as one takes the same time.
    key = ha2 if ha1 is None else ha1
    parts = (key, answer.nonce, answer.nc, answer.cnonce, answer.qop, ha2)
    expected = _hash(answer.algorithm, ':'.join(parts))
    said = answer.response.lower().encode('latin-1')
    same = hmac.compare_digest(expected.encode(), said)
    return same and ha1 is not None


def ha1(
    public_key: str, realm: str, private_key: str, algorithm: Algorithm
) -> str:
    """What stands for a key in a realm: as good as the key itself there."""
    return _hash(algorithm, f'{public_key}:{realm}:{private_key}')


def is_available(algorithm: Algorithm) -> bool:
    """Whether this Python can hash so: one held to FIPS may have no MD5."""
    try:
        _hash(algorithm, '')
    except ValueError:
        return False
    return True


def _hash(algorithm: Algorithm, text: str) -> str:
    name, octets = _NAMES[algorithm], text.encode('latin-1')
    return hashlib.new(name, octets, usedforsecurity=False).hexdigest()
