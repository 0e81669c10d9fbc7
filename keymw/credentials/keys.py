"""Generation and comparison of API keys."""

import hmac
import secrets


def new_api_key() -> str:
    """A random key of 32 lower-case hex digits.

    Source: doc/contract/rackspace-identity 1.9.
    """
    return secrets.token_hex(16)


def are_equal(one: str, other: str) -> bool:
    """Compare two keys in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
