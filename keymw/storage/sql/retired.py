"""The ids of dropped sealing keys, whose secrets other nodes cannot open."""

from collections.abc import Iterable
import functools
from typing import Any

import sqlalchemy as sa

from keymw import vault
from keymw.storage import base
from keymw.storage.sql.prepared import Statements
from keymw.storage.sql.tables import TURN


def add(connection: sa.Connection, key_id: bytes) -> None:
    """Record a dropped key, so that check refuses its secrets."""
    connection.execute(sa.delete(TURN).where(TURN.c.name == _name(key_id)))
    connection.execute(
        sa.insert(TURN).values(name=_name(key_id), number=1),
    )


def check(on: Statements, secrets: Iterable[bytes]) -> None:
    """Return if no secret was sealed with a dropped key.

    :raises Outage: one was; this node needs the repository of the others.
    """
    for key_id in {vault.sealed_by(sealed) for sealed in secrets}:
        if on.first(_of_name, {'wanted': _name(key_id)}) is not None:
            raise base.Outage(
                '[vault] key_repository: the key that seals here was dropped: '
                'copy the repository of the other nodes'
            )


@functools.cache
def _of_name(_dialect: str) -> sa.Select[Any]:
    wanted: sa.BindParameter[str] = sa.bindparam('wanted')
    return sa.select(TURN.c.name).where(TURN.c.name == wanted)


def _name(key_id: bytes) -> str:
    return f'dropped sealing key {key_id.hex()}'
