"""The redacted private key that responses show after the first one.

Source: doc/contract/ops-manager-global-keys 2.
"""

_MASK, _SHOWN = '********-****-****-', 12


def suffix(private_key: str) -> str:
    """Return the end of a private key, the part that stays visible."""
    return private_key[-_SHOWN:]


def redacted(end: str) -> str:
    """Return the redacted private key, from its suffix."""
    return _MASK + end
