"""What a handler is given."""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import datetime
from typing import Any

from keymw import faults
from keymw.identity.base import Caller
from keymw.identity.base import Identity
from keymw.identity.base import User
from keymw.identity.transport import Origin
from keymw.negotiate import Format
from keymw.policy import Rules
from keymw.storage.base import CredentialStore
from keymw.vault import Vault


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a filter is made of, built once."""

    identity: Identity
    rules: Rules
    vault: Vault
    credentials: CredentialStore
    clock: Callable[[], float]

    def now(self) -> datetime.datetime:
        """The present time, in UTC."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Call:
    """One request that its caller may make in some case.

    caller is None where nobody needs to say who they are.
    """

    parts: Parts
    origin: Origin
    rule: str
    caller: Caller | None
    path: Mapping[str, str]
    body: Any = dataclasses.field(repr=False)
    format: Format

    def target(self) -> User:
        """The user in the path, on whom the caller may do this.

        :raises UserNotFound: the identity service knows no such user.
        :raises Forbidden: the caller may not on this user.
        """
        identity, caller = self.parts.identity, self.caller
        if caller is None:
            raise faults.Unauthorized()
        user_id = self.path['user_id']
        if user_id == caller.user_id:
            # The token has just told who the caller is.
            user = User(user_id, caller.name, caller.domain_id)
        else:
            user = identity.user(self.origin, user_id, caller)
        self.parts.rules.allow_on(
            self.rule,
            caller,
            user,
            lambda: identity.roles(self.origin, user_id, caller),
        )
        return user
