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


class Identity(abc.ABC):
    """What may be asked of an identity service.

    Every question raises Unavailable when the service is out of order,
    which is never taken for an answer.
    """

    @abc.abstractmethod
    def caller(self, origin: Origin, token: str) -> Caller:
        """Whose token this is.

        :raises Unauthorized: it is no valid token.
        :raises Forbidden: it may not even ask whose it is.
        :raises UserDisabled: its user is disabled.
        """

    @abc.abstractmethod
    def user(self, origin: Origin, user_id: str, caller: Caller) -> User:
        """The user with an id, asked as service_user, else as the caller.

        :raises UserNotFound: there is none.
        :raises Forbidden: there is no service_user and the caller may not.
        """

    @abc.abstractmethod
    def roles(
        self, origin: Origin, user_id: str, caller: Caller
    ) -> frozenset[str]:
        """The names of all roles a user has anywhere, asked likewise.

        :raises Forbidden: there is no service_user and the caller may not.
        """


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
    LOG.warning(
        'the identity service answered %d when asked %s',
        answer.status,
        question,
    )
    raise faults.Unavailable(
        'The identity service cannot answer now.',
        answer.headers.get('Retry-After', '5'),
    )


def moment(text: str) -> datetime.datetime:
    """An ISO 8601 time; one without a zone is UTC.

    :raises ValueError: it is none.
    """
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
