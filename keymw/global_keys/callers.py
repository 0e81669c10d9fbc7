"""The rights of a caller of global keys."""

import dataclasses

from keymw.storage.global_keys import Address


@dataclasses.dataclass(frozen=True)
class KeyCaller:
    """The caller: a global key, or a user with the rights of an owner.

    id is that of the key or the user. writes: the caller may change keys and
    entries. kept is the address that the access list must still admit after
    a change; None: any change is allowed.
    """

    id: str
    owner: bool
    writes: bool
    kept: Address | None = None
