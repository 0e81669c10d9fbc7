"""The parts of the filter, and the call: the argument of every handler."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import datetime
import functools
from typing import Generic
from typing import TypeVar

from keymw.identity import transport
from keymw.identity.base import Caller
from keymw.identity.base import User
from keymw.identity.cached import Cached
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline
from keymw.limits.client_address import Clients
from keymw.limits.failures import Failures
from keymw.observe.audit import Audit
from keymw.policy.rules import Rules
from keymw.policy.stale import StaleTokens
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.base import CredentialStore
from keymw.vault import Vault
from keymw.web import faults
from keymw.web.negotiate import Format
from keymw.web.request import Request
from keymw.web.table import Route

_LookUp = Callable[[Origin, str, Caller | None], User]
_Body = TypeVar('_Body', covariant=True)
_Who = TypeVar('_Who', covariant=True)


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of a filter, built once at start.

    v1_services maps each URL header of a v1.0 login to the name of a service.
    api_keys is None where they are off.
    validate_with_catalog: a v2.0 validation shows the catalogue.
    login_names is a form of audited_names.
    """

    identity: Cached
    pipeline: Pipeline
    rules: Rules
    vault: Vault
    credentials: CredentialStore
    api_keys: ApiKeyStore | None
    stale: StaleTokens
    clients: Clients
    failures: Failures
    audit: Audit
    clock: Callable[[], float]
    default_domain: str
    v1_services: Mapping[str, str]
    validate_with_catalog: bool
    login_names: str

    def names_in(self, origin: Origin, domain_id: str) -> str:
        """The domain id to store beside a name: empty for a v2.0 service.

        :raises Unavailable: the dialect of the service cannot be determined.
        """
        return domain_id if self.identity.has_domains(origin) else ''

    def origin(self, request: Request) -> Origin:
        """The data of a client's request that our own requests carry on."""
        root = request.place.v2_root
        return transport.origin(request.environ, root, request.id)

    def now(self) -> datetime.datetime:
        """The present time, in UTC."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Call(Generic[_Who, _Body]):
    """One request that the rule permits for at least one type of target.

    caller  the result of the family's authorize; None if the route has no rule
    body    the result of route.read; None if the route reads nothing
    """

    request: Request
    route: Route
    parts: Parts
    caller: _Who
    body: _Body = dataclasses.field(repr=False)

    @functools.cached_property
    def origin(self) -> Origin:
        """The data of this request that our own requests carry on."""
        return self.parts.origin(self.request)

    @property
    def path(self) -> Mapping[str, str]:
        """The value of each name in the path of the route."""
        return self.request.names

    @property
    def rule(self) -> str:
        """The policy rule of the route."""
        return self.route.rule or ''

    @property
    def format(self) -> Format:
        """The format of the response."""
        return self.request.format

    @property
    def query(self) -> Mapping[str, str]:
        """The query of the request.

        :raises BadRequest: the query is not UTF-8.
        """
        return self.request.query()

    def target(self: Call[Caller, object]) -> User:
        """The user in the path, after the second policy check.

        :raises UserNotFound: the identity service has no such user.
        :raises Forbidden: the rule denies this target, or the caller must not
            learn that the user does not exist.
        """
        return self._target(self.parts.identity.user)

    def present_target(self: Call[Caller, object]) -> User:
        """The user in the path, as in target(), looked up for this request.

        For values to be stored: the name may belong to another user by now.
        """
        user = self._target(self.parts.identity.present)
        return self.present(user) if self.is_own else user

    @property
    def is_own(self: Call[Caller, object]) -> bool:
        """Whether the user in the path is the caller."""
        return self.path['user_id'] == self.caller.user_id

    def _target(self: Call[Caller, object], look_up: _LookUp) -> User:
        identity, caller = self.parts.identity, self.caller
        user_id = self.path['user_id']
        if self.is_own:
            # The token already identifies this user.
            user = User(user_id, caller.name, caller.domain_id)
        else:
            user = self._other(user_id, look_up)
        self.parts.rules.allow_on(
            self.rule,
            caller,
            user,
            lambda: identity.roles(self.origin, user_id, caller),
        )
        return user

    def _other(
        self: Call[Caller, object], user_id: str, look_up: _LookUp
    ) -> User:
        try:
            return look_up(self.origin, user_id, self.caller)
        except faults.UserNotFound:
            self.parts.rules.allow_on_nobody(self.rule, self.caller, user_id)
            raise

    def present(self: Call[Caller, object], user: User) -> User:
        """The user, read from the identity service and not from the cache."""
        identity, caller = self.parts.identity, self.caller
        try:
            return identity.present(self.origin, user.id, caller)
        except faults.Forbidden:
            if caller.user_id != user.id:
                raise
        # Old services show a user only to an admin, but a token to its owner.
        caller = identity.present_caller(self.origin, caller.token)
        return User(caller.user_id, caller.name, caller.domain_id)
