"""Seals for rows, which bind their content to the keys of the vault.

A seal is the digest of the content, sealed for the id of the row. A person who
can write to the database but has no key of the vault cannot make a seal for
other content. Two attacks remain: a former row put back with its own seal,
and the deletion of a row.
"""

import hashlib
import hmac
import json

from keymw.vault import CannotOpen
from keymw.vault import Vault


def make(vault: Vault, kind: str, row_id: str, content: list[str]) -> bytes:
    """The seal for a row id and its content; kind as in Vault.seal."""
    return vault.seal(kind, row_id, _digest(content))


def check(
    vault: Vault,
    kind: str,
    row_id: str,
    content: list[str],
    seal: bytes | None,
) -> None:
    """Verify the seal of a row.

    :raises KeyMissing: the sealing key is not in the vault.
    :raises CannotOpen: the seal does not fit the content or is missing; the
        message names the remedy.
    """
    if seal is None:
        raise CannotOpen(
            f'the {kind} {row_id}: it was written without a seal, by an older '
            'keymw or in the database; see "keymw-manage vault migrate -h"'
        )
    found = vault.open(kind, row_id, seal)
    if not hmac.compare_digest(found, _digest(content)):
        raise CannotOpen(
            f'the {kind} {row_id}: it was changed in the database; delete it'
        )


def _digest(content: list[str]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
