"""Checks and seals the rows of global keys and of the access list."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import sys
from typing import Any

from oslo_config import cfg

from keymw.global_keys import keys as global_key
from keymw.global_keys import networks as access_entry
from keymw.storage import load as storage_load
from keymw.vault import CannotOpen
from keymw.vault import Vault


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of rows: how to list, check and write them."""

    name: str
    seal_kind: str
    every: Callable[[], Iterable[Any]]
    update: Callable[[str, Callable[[Any], Any]], Any]
    check: Callable[[Vault, Any], None]
    bound: Callable[[Vault, Any], Any]

    def changed(self, vault: Vault) -> list[str]:
        """Return the ids of rows whose seal is missing or wrong.

        A row whose sealing key is missing is not included: it may be valid.
        """
        return [
            row.id
            for row in self.every()
            if type(self._fault(vault, row)) is CannotOpen
        ]

    def _fault(self, vault: Vault, row: Any) -> CannotOpen | None:
        try:
            self.check(vault, row)
        except CannotOpen as error:
            return error
        return None

    def bind(self, vault: Vault, *, unsealed_only: bool = False) -> int:
        """Seal rows that have no seal or, unless unsealed_only, a wrong one.

        Their present content is sealed. Return the number of rows.
        """
        rows = [
            row
            for row in self.every()
            if row.seal is None
            or not (unsealed_only or self._fault(vault, row) is None)
        ]
        for row in rows:
            self.update(row.id, lambda row: self.bound(vault, row))
        return len(rows)

    def seals(self) -> Iterable[tuple[str, bytes]]:
        """Yield id and seal of each row that has a seal."""
        return (
            (row.id, row.seal) for row in self.every() if row.seal is not None
        )

    def reseal(self, row_id: str, old: bytes, new: bytes) -> bool:
        """Replace a seal if it still equals old."""

        def change(row: Any) -> Any:
            is_old = row.seal == old
            return dataclasses.replace(row, seal=new) if is_old else row

        found = self.update(row_id, change)
        return found is not None and found.seal == new


def kinds(conf: cfg.ConfigOpts) -> list[Kind]:
    """Return both kinds of rows of the configured stores."""
    keys = storage_load.global_keys(conf)
    entries = storage_load.access_list(conf)
    return [
        Kind(
            'Key Rows',
            global_key.ROW,
            lambda: keys.page(0, sys.maxsize),
            keys.update,
            global_key.check,
            global_key.bound,
        ),
        Kind(
            'Access List',
            access_entry.ROW,
            entries.all,
            lambda row_id, change: entries.update(row_id, change, None),
            access_entry.check,
            access_entry.bound,
        ),
    ]


def bind(
    conf: cfg.ConfigOpts, vault: Vault, *, unsealed_only: bool = False
) -> int:
    """Call bind on each kind; return the number of rows sealed."""
    return sum(
        kind.bind(vault, unsealed_only=unsealed_only) for kind in kinds(conf)
    )
