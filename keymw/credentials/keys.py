"""Generation and comparison of API keys."""

import hmac
import uuid


def new_api_key() -> str:
    """A random key of 32 lower-case hex digits.

    Source: doc/contract/rackspace-identity 1.9.
    """
    return uuid.uuid4().hex


def are_equal(one: str, other: str) -> bool:
    """Compare two keys in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
