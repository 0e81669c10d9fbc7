"""What a handler is given."""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import datetime
from typing import Any
from typing import TypeVar

from keymw import faults
from keymw.identity import base
from keymw.identity.base import Caller
from keymw.identity.base import User
from keymw.identity.cached import Cached
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline
from keymw.identity.transport import Question
from keymw.identity.v3 import V3
from keymw.negotiate import Format
from keymw.policy import Rules
from keymw.storage.base import CredentialStore
from keymw.vault import Vault

Found = TypeVar('Found')


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a filter is made of, built once.

    v1_services says for each URL header of a v1.0 login which service it is.
    """

    identity: Cached
    pipeline: Pipeline
    rules: Rules
    vault: Vault
    credentials: CredentialStore
    clock: Callable[[], float]
    default_domain: str
    v1_services: Mapping[str, str]

    def names_in(self, origin: Origin, domain_id: str) -> str:
        """The domain of a name in the store: v2.0 services know none.

        :raises Unavailable: it cannot be found out what the service speaks.
        """
        return domain_id if self.identity.has_domains(origin) else ''

    def now(self) -> datetime.datetime:
        """The present time, in UTC."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Call:
    """One request that its caller may make in some case.

    caller is None where nobody needs to say who they are; token is what the
    request came with, and is not validated then.
    """

    parts: Parts
    origin: Origin
    rule: str
    caller: Caller | None
    path: Mapping[str, str]
    body: Any = dataclasses.field(repr=False)
    format: Format
    token: str | None = dataclasses.field(repr=False)
    query: Mapping[str, str]

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

    def present(self, user: User) -> User:
        """A user as the identity service knows it just now.

        What is written must not be what was remembered: a name may have
        gone to somebody else meanwhile.
        """
        identity = self.parts.identity
        return identity.present(self.origin, user.id, self.caller)

    def own_token(self) -> str:
        """The token that the request came with.

        :raises Unauthorized: it came with none.
        """
        if not self.token:
            raise faults.Unauthorized()
        return self.token

    def keystone(self) -> V3:
        """The service behind us, on a route that is there for v3 alone."""
        found = self.parts.identity.v3(self.origin)
        if found is None:
            raise faults.Internal()
        return found

    def relay(self, question: Question) -> Answer:
        """The good answer to what the client itself asks in other words.

        :raises Relayed: it is a refusal, told as it is.
        :raises Unavailable: the identity service is out of order.
        """
        answer = self.parts.pipeline.ask(self.origin, question)
        error = answer.body.get('error')
        said = error if isinstance(error, dict) else {}
        if 'receipt' in answer.body:
            # A client of v2.0 cannot bring the other factors.
            raise faults.Relayed(401, 'Additional authentication is required.')
        if answer.status == 429 or (
            400 <= answer.status < 500 and isinstance(error, dict)
        ):
            raise faults.Relayed(
                413 if answer.status == 429 else answer.status,
                str(said.get('message', 'OverLimit Retry...')),
                answer.headers.get('Retry-After'),
            )
        base.understood(answer, 'what a v2.0 client asked', dict)
        return answer

    def read(
        self, answer: Answer, take: Callable[[dict[str, Any]], Found]
    ) -> Found:
        """What take makes of the body of a good answer.

        :raises Unavailable: it is not what was asked for.
        """
        return base.understood(answer, 'what a v2.0 client asked', take)
