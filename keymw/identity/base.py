"""The questions keymw asks, whatever dialect they are asked in."""

import abc
from collections.abc import Callable
import dataclasses
import datetime
import logging
from typing import Any
from typing import TypeVar

from keymw import faults
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin

LOG = logging.getLogger(__name__)
Found = TypeVar('Found')


@dataclasses.dataclass(frozen=True)
class Caller:
    """Whose token a request came with.

    domain_id is empty where the service has no domains. A delegated token
    carries only a part of its user's rights.
    """

    user_id: str
    name: str
    domain_id: str
    roles: frozenset[str]
    delegated: bool
    token: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class User:
    """A user that the identity service knows; domain_id as in Caller."""

    id: str
    name: str
    domain_id: str


@dataclasses.dataclass(frozen=True)
class Owner(User):
    """A user who may sign in: enabled, and so is the domain.

    domain_name is what a token can be issued for; empty without domains.
    """

    domain_name: str


@dataclasses.dataclass(frozen=True)
class Tenant:
    """The project that a login asks for, by its id or by its name."""

    id: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return self.id or self.name or ''


class NotAnswered(Exception):  # noqa: N818, it says what happened
    """What came in place of an answer: for the operator, not for clients."""

    def __init__(self, question: str, answer: Answer) -> None:
        super().__init__(
            f'the identity service answered {answer.status} when asked '
            f'{question}'
        )
        self.answer = answer


class SpeaksNeither(faults.Unavailable):
    """The wrapped application speaks no dialect that we know."""

    def __init__(self) -> None:
        super().__init__('The identity service cannot answer now.')


class Identity(abc.ABC):
    """What may be asked of an identity service.

    Every question raises Unavailable when the service is out of order,
    which is never taken for an answer; its cause says what happened, as a
    NotAnswered where the service said something. A caller of None stands for
    nobody: only service_user can ask then.
    """

    @abc.abstractmethod
    def caller(self, origin: Origin, token: str) -> Caller:
        """Whose token this is.

        :raises Unauthorized: it is no valid token.
        :raises Forbidden: it may not even ask whose it is.
        :raises UserDisabled: its user is disabled.
        """

    @abc.abstractmethod
    def service(self, origin: Origin) -> Caller:
        """Who service_user is, by a token issued for this question.

        :raises Unauthorized: the token that was issued is not taken.
        """

    @abc.abstractmethod
    def user(
        self, origin: Origin, user_id: str, caller: Caller | None
    ) -> User:
        """The user with an id, asked as service_user, else as the caller.

        :raises UserNotFound: there is none.
        :raises Forbidden: there is no service_user and the caller may not.
        """

    @abc.abstractmethod
    def owner(self, origin: Origin, user_id: str) -> Owner:
        """The user with an id, asked as service_user: one who may sign in.

        :raises UserNotFound: there is none.
        :raises UserDisabled: the user or the domain is disabled.
        """

    @abc.abstractmethod
    def issue(
        self, origin: Origin, owner: Owner, tenant: Tenant | None
    ) -> dict[str, Any]:
        """A token for a user whose key was verified: the v2.0 "access".

        Without a tenant it is for the default one, else for the first by
        name, and unscoped only where there is none (contract keystone, 1.6).

        :raises WrongKey: no token is issued, or only one of somebody else.
        :raises UserDisabled: the domain is disabled.
        :raises TenantNotValid: it is not theirs.
        """

    @abc.abstractmethod
    def roles(
        self, origin: Origin, user_id: str, caller: Caller | None
    ) -> frozenset[str]:
        """The names of all roles a user has anywhere, asked likewise.

        :raises Forbidden: there is no service_user and the caller may not.
        """


def refusal(user_id: str, reason: str) -> faults.WrongKey:
    """What a client is told when its right key buys no token.

    The reason is for the operator alone.
    """
    LOG.warning('no token for user %s with the right key: %s', user_id, reason)
    return faults.WrongKey()


def understood(
    answer: Answer, question: str, read: Callable[[dict[str, Any]], Found]
) -> Found:
    """What read makes of the body of a good answer.

    :raises Unavailable: it is not a good one, or not what was asked for;
        with the Retry-After of the answer.
    """
    try:
        if answer.status < 300:
            return read(answer.body)
    except (KeyError, TypeError, ValueError, AttributeError):
        LOG.debug('not understood', exc_info=True)
    instead = NotAnswered(question, answer)
    LOG.warning('%s', instead)
    raise faults.Unavailable(
        'The identity service cannot answer now.',
        answer.headers.get('Retry-After', '5'),
    ) from instead


def text(value: object) -> str:
    """An id or a name out of an answer; old services have numbers for ids.

    :raises ValueError: it is neither text nor a number, or is empty.
    """
    if value == '' or isinstance(value, bool):
        raise ValueError('empty')
    if not isinstance(value, (str, int)):
        raise ValueError('no text')
    return str(value)


def moment(text: str) -> datetime.datetime:
    """An ISO 8601 time; one without a zone is UTC.

    :raises ValueError: it is none.
    """
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
