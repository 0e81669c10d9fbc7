"""Global API keys: making them, sealing them, opening their HA1."""

from collections.abc import Collection
import dataclasses
import datetime
import json
import re
import secrets
import string
import uuid

from keymw import row_seal
from keymw.global_keys import digest
from keymw.global_keys import redaction
from keymw.global_keys.digest import Algorithm
from keymw.storage.base import Taken
from keymw.storage.global_keys import OWNER
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.vault import Vault

KIND = 'global_key'
ROW = 'row of the global key'
USER_ADMIN = 'GLOBAL_USER_ADMIN'
# All roles that the sources list, sorted
# (doc/contract/ops-manager-global-keys 1.4).
ROLES = (
    'GLOBAL_AUTOMATION_ADMIN',
    'GLOBAL_BACKUP_ADMIN',
    'GLOBAL_BILLING_ADMIN',
    'GLOBAL_MONITORING_ADMIN',
    OWNER,
    'GLOBAL_READ_ONLY',
    USER_ADMIN,
)
# A collision among 26**8 public keys is rare; ten in a row do not occur.
_TRIES = 10
_ID = re.compile('[0-9A-Fa-f]{24}', re.ASCII)


def new(
    vault: Vault,
    description: str,
    roles: Collection[str],
    now: datetime.datetime,
) -> tuple[GlobalKey, str]:
    """Return a sealed key and its private key, which is not stored."""
    id_, public_key = new_id(now), _new_public_key()
    private_key = str(uuid.uuid4())
    made = GlobalKey(
        id=id_,
        public_key=public_key,
        description=description,
        roles=frozenset(roles),
        ha1=vault.seal(KIND, id_, _ha1s(public_key, private_key)),
        suffix=redaction.suffix(private_key),
        created_at=now,
        updated_at=now,
    )
    return bound(vault, made), private_key


def bound(vault: Vault, key: GlobalKey) -> GlobalKey:
    """Return a key with the seal of its content and roles."""
    seal = row_seal.make(vault, ROW, key.id, _content(key))
    return dataclasses.replace(key, seal=seal)


def check(vault: Vault, key: GlobalKey) -> None:
    """Return if the seal of a key is valid.

    :raises CannotOpen: see row_seal.check.
    """
    row_seal.check(vault, ROW, key.id, _content(key), key.seal)


def _content(key: GlobalKey) -> list[str]:
    roles = sorted(key.roles)
    return [key.public_key, key.description, key.suffix, *roles]


def _ha1s(public_key: str, private_key: str) -> str:
    # One per algorithm: the private key is not stored, so an algorithm that
    # is enabled later would find no HA1.
    return json.dumps(
        {
            algorithm: digest.ha1(
                public_key, digest.REALM, private_key, algorithm
            )
            for algorithm in Algorithm
            if digest.is_available(algorithm)
        }
    )


def add(
    store: GlobalKeyStore,
    vault: Vault,
    description: str,
    roles: Collection[str],
    now: datetime.datetime,
) -> tuple[GlobalKey, str]:
    """Store a new key; try other public keys if one is taken.

    :raises Taken: every public key was taken.
    """
    for _ in range(_TRIES - 1):
        try:
            return _added(store, *new(vault, description, roles, now))
        except Taken:
            continue
    return _added(store, *new(vault, description, roles, now))


def _added(
    store: GlobalKeyStore, key: GlobalKey, private_key: str
) -> tuple[GlobalKey, str]:
    store.add(key)
    return key, private_key


def ha1(vault: Vault, key: GlobalKey, algorithm: Algorithm) -> str | None:
    """Return the HA1 of a key in hex, or None if it lacks this algorithm.

    :raises CannotOpen: the sealed value was not sealed for this key.
    """
    value: str | None
    value = json.loads(vault.open(KIND, key.id, key.ha1)).get(algorithm)
    return value


def no_ha1(vault: Vault) -> None:
    """Do the work of ha1 for an unknown key, so that timing is equal."""
    vault.open_decoy()


def new_id(now: datetime.datetime) -> str:
    """Return an id of a global key or an entry: 24 lower-case hex digits.

    The first 8 are the time in seconds, the rest is random
    (doc/contract/ops-manager-global-keys 2).
    """
    return int(now.timestamp()).to_bytes(4).hex() + secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether a text has the shape of an id."""
    return _ID.fullmatch(text) is not None


def _new_public_key() -> str:
    return ''.join(secrets.choice(string.ascii_lowercase) for _ in range(8))
