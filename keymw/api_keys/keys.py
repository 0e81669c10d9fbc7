"""The form of an API key, its secret at rest, and the seal of its row.

Source: doc/contract/api-keys 1.
"""

import dataclasses
import datetime
import hashlib
import hmac
import re
import secrets
import string
import zlib

from keymw import row_seal
from keymw.storage.api_keys import ApiKey
from keymw.vault import Vault

KIND = 'api_key'
ROW = 'row of the API key'
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID, _SECRET, _CHECKSUM = 16, 32, 6


@dataclasses.dataclass(frozen=True)
class Parts:
    """The id and the secret of a key with a valid checksum."""

    id: str
    secret: str = dataclasses.field(repr=False)


def new_id() -> str:
    """Return a random id."""
    return _random(_ID)


def is_id(text: str) -> bool:
    """Whether text has the form of an id."""
    return len(text) == _ID and text.isascii() and text.isalnum()


def new_secret() -> str:
    """Return a random secret."""
    return _random(_SECRET)


def _random(length: int) -> str:
    return ''.join(secrets.choice(ALPHABET) for _ in range(length))


def make(prefix: str, key_id: str, secret: str) -> str:
    """Return the whole key, which is shown once and not stored."""
    start = f'{prefix}_{key_id}_{secret}'
    return start + checksum(start)


def checksum(text: str) -> str:
    """Return the CRC-32 of ASCII text in base62, 6 characters."""
    rest, digits = zlib.crc32(text.encode()), ''
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def has_form(prefix: str, text: str) -> bool:
    """Whether text has the form of a key, whatever its checksum."""
    return _form(prefix, text) is not None


def parse(prefix: str, text: str) -> Parts | None:
    """Return the parts of a key; None without the form or the checksum."""
    found = _form(prefix, text)
    if found is None or checksum(text[:-_CHECKSUM]) != found['checksum']:
        return None
    return Parts(found['id'], found['secret'])


def _form(prefix: str, text: str) -> re.Match[str] | None:
    return (
        _FORM.fullmatch(text.removeprefix(prefix))
        if (text.startswith(f'{prefix}_'))
        else None
    )


_FORM = re.compile(
    f'_(?P<id>[0-9A-Za-z]{{{_ID}}})'
    f'_(?P<secret>[0-9A-Za-z]{{{_SECRET}}})'
    f'(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM}}})'
)


def seal_secret(vault: Vault, user_id: str, key_id: str, secret: str) -> bytes:
    """Return the SHA-256 of a secret, sealed for a key of a user."""
    return vault.seal(KIND, _owner(user_id, key_id), _hash(secret))


def matches(vault: Vault, key: ApiKey, sealed: bytes, secret: str) -> bool:
    """Whether a sealed value of a key is that of a secret, in constant time.

    :raises CannotOpen: the value was not sealed for this key.
    """
    found = vault.open(KIND, _owner(key.user_id, key.id), sealed)
    return hmac.compare_digest(found, _hash(secret))


def resealed(vault: Vault, key: ApiKey, sealed: bytes) -> bytes:
    """Return a sealed value of a key, sealed anew by the current key.

    :raises CannotOpen: the value was not sealed for this key.
    """
    owner = _owner(key.user_id, key.id)
    return vault.seal(KIND, owner, vault.open(KIND, owner, sealed))


def no_match(vault: Vault, secret: str) -> None:
    """Do the work of matches for an unknown key, so that timing is equal."""
    hmac.compare_digest(vault.open_decoy(), _hash(secret))


def _owner(user_id: str, key_id: str) -> str:
    return f'{user_id}/{key_id}'


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def bound(vault: Vault, key: ApiKey) -> ApiKey:
    """Return a key with the seal of its row; to do before each write."""
    seal = row_seal.make(vault, ROW, key.id, _content(key))
    return dataclasses.replace(key, seal=seal)


def check(vault: Vault, key: ApiKey) -> None:
    """Return if the seal of a key is valid.

    :raises CannotOpen: see row_seal.check.
    """
    row_seal.check(vault, ROW, key.id, _content(key), key.seal)


def _content(key: ApiKey) -> list[str]:
    """Return all that a change in the database must not alter.

    The last use is written without the vault. revision is the store's. Lists
    carry their length, so that no text moves from one to another.
    """
    texts = [
        *(key.user_id, key.name, key.description, _text(key.project_id)),
        *(key.state, str(key.unrestricted), str(key.enabled)),
        *(_text(key.disabled_by), _text(key.trust_id), _text(key.trustee_id)),
        *(_text(key.former_trust_id), key.secret.hex(), *_previous(key)),
    ]
    times = [
        *(key.created_at, key.updated_at, key.rotated_at, key.expires_at),
        key.trust_expires_at,
    ]
    cidrs = key.allowed_cidrs
    return [
        *texts,
        *map(_time, times),
        *(str(len(key.roles)), *sorted(key.roles)),
        *(['any'] if cidrs is None else [str(len(cidrs)), *cidrs]),
    ]


def _previous(key: ApiKey) -> tuple[str, str]:
    if key.previous is None:
        return '', ''
    return key.previous.secret.hex(), _time(key.previous.expires_at)


def _text(value: str | None) -> str:
    # Ids from Keystone are never empty.
    return value or ''


def _time(moment: datetime.datetime | None) -> str:
    return (
        '' if moment is None else moment.astimezone(datetime.UTC).isoformat()
    )
