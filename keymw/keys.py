"""Make API keys."""

import uuid


def new_api_key() -> str:
    """A random key: 32 lower-case hex digits (contract, 1.9)."""
    return uuid.uuid4().hex
