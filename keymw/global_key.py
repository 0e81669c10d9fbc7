"""Global API keys: how one is made, and what opens its Digest secrets."""

from collections.abc import Collection
import datetime
import json

from keymw import digest
from keymw import keys
from keymw.digest import Algorithm
from keymw.storage.base import OWNER
from keymw.storage.base import GlobalKey
from keymw.storage.base import GlobalKeyStore
from keymw.storage.base import Taken
from keymw.vault import Vault

KIND = 'global_key'
USER_ADMIN = 'GLOBAL_USER_ADMIN'
# The union of what the sources list, sorted (contract ops-manager, 1.4).
ROLES = (
    'GLOBAL_AUTOMATION_ADMIN',
    'GLOBAL_BACKUP_ADMIN',
    'GLOBAL_BILLING_ADMIN',
    'GLOBAL_MONITORING_ADMIN',
    OWNER,
    'GLOBAL_READ_ONLY',
    USER_ADMIN,
)
# Two of 26**8 public keys hardly ever meet, ten times in a row never.
_TRIES = 10


def new(
    vault: Vault,
    description: str,
    roles: Collection[str],
    now: datetime.datetime,
) -> tuple[GlobalKey, str]:
    """A key, sealed, and its private key, which is kept nowhere."""
    id_, public_key = keys.new_id(now), keys.new_public_key()
    private_key = keys.new_private_key()
    made = GlobalKey(
        id=id_,
        public_key=public_key,
        description=description,
        roles=frozenset(roles),
        ha1=vault.seal(KIND, id_, _ha1s(public_key, private_key)),
        suffix=keys.suffix(private_key),
        created_at=now,
        updated_at=now,
    )
    return made, private_key


def _ha1s(public_key: str, private_key: str) -> str:
    # All of them: an algorithm that is switched on later cannot be caught up.
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
    """Write a new key, by another public key where one is taken.

    :raises Taken: it was taken each time.
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
    """What Digest needs of a key; None: not kept for this algorithm.

    :raises CannotOpen: it is not what was sealed for this key.
    """
    found: str | None
    found = json.loads(vault.open(KIND, key.id, key.ha1)).get(algorithm)
    return found


def no_ha1(vault: Vault) -> None:
    """Do the work of ha1, for a key that is not there."""
    vault.open_decoy()
