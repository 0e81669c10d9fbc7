"""Names and wrong keys of logins, in the audit log."""

import hashlib
import hmac

from keymw.conf import audit
from keymw.vault import Vault

_NAMES = 'audit login names'
_KEYS = 'audit wrong keys'
_HASH_DIGITS = 12
_CUT = 3
_LONGEST = 255


def show(name: str, form: str, vault: Vault) -> str:
    """A name in one of the forms of [audit] login_names."""
    if form == audit.CLEAR:
        return name[:_LONGEST]
    if form == audit.CUT:
        # The dots do not depend on the length, which stays hidden.
        return f'{name[:_CUT]}...'
    return hash_of(name, vault)


def hash_of(name: str, vault: Vault) -> str:
    """A keyed hash of a name, in 12 hexadecimal digits."""
    return _hash(name, _NAMES, vault)


def hash_of_key(secret: str, vault: Vault) -> str:
    """A keyed hash of a wrong key, in 12 hexadecimal digits."""
    return _hash(secret, _KEYS, vault)


def _hash(text: str, purpose: str, vault: Vault) -> str:
    # Without the key of the vault, a list of texts would reveal this one.
    key = vault.derived(purpose)[0]
    data = text.encode(errors='backslashreplace')
    return hmac.new(key, data, hashlib.sha256).hexdigest()[:_HASH_DIGITS]
