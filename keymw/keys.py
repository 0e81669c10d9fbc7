"""Make, redact and compare API keys and the ids of what guards them."""

import datetime
import hmac
import secrets
import string
import uuid

_REDACTED = '********-****-****-'
_SUFFIX = 12


def new_api_key() -> str:
    """A random key: 32 lower-case hex digits (contract, 1.9)."""
    return uuid.uuid4().hex


def new_id(now: datetime.datetime) -> str:
    """An id of a global key or of an entry: 24 lower-case hex digits.

    The first 8 are the time, the rest is random (contract ops-manager, 2).
    """
    return int(now.timestamp()).to_bytes(4).hex() + secrets.token_hex(8)


def new_public_key() -> str:
    """The 8 letters that a global key is called by; they may be taken."""
    return ''.join(secrets.choice(string.ascii_lowercase) for _ in range(8))


def new_private_key() -> str:
    """The secret of a global key: a random UUID in lower case."""
    return str(uuid.uuid4())


def suffix(private_key: str) -> str:
    """The end of a private key that may be kept and shown."""
    return private_key[-_SUFFIX:]


def redacted(suffix: str) -> str:
    """A private key as it is shown ever after (contract ops-manager, 2)."""
    return _REDACTED + suffix


def are_equal(one: str, other: str) -> bool:
    """Whether two keys are the same, in a time that tells nothing of them."""
    return hmac.compare_digest(one.encode(), other.encode())
