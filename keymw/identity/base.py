"""The interface of an identity service, for both dialects, and its types."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import datetime
import hashlib
import logging
from typing import Any
from typing import TypeVar

from keymw.identity.access import Access
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.web import faults

LOG = logging.getLogger(__name__)
Found = TypeVar('Found')


@dataclasses.dataclass(frozen=True)
class Caller:
    """The owner and the properties of a request's token.

    domain_id  empty if the service has no domains
    delegated  as in is_delegated; such a token may not use a route of keys
    methods    the v3 methods of the login
    issued_at  None if the service does not show it
    audit_ids  that of the token itself first, that of its chain last
    project_id None for another scope
    """

    user_id: str
    name: str
    domain_id: str
    roles: frozenset[str]
    delegated: bool
    token: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime
    methods: frozenset[str]
    issued_at: datetime.datetime | None
    audit_ids: tuple[str, ...]
    project_id: str | None = None

    def with_token(self, token: str) -> Caller:
        """The same caller with a token."""
        # dataclasses.replace() takes ten times as long, on every request.
        made = object.__new__(Caller)
        made.__dict__.update(self.__dict__, token=token)
        return made

    @property
    def chain(self) -> str:
        """An id shared by this token and all tokens made from it.

        If the service shows no audit ids, it belongs to this token alone.
        """
        if self.audit_ids:
            return self.audit_ids[-1]
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class User:
    """A user of the identity service; domain_id as in Caller."""

    id: str
    name: str
    domain_id: str


@dataclasses.dataclass(frozen=True)
class Owner(User):
    """A user who may sign in: user and domain are enabled.

    domain_name is empty if the service has no domains.
    """

    domain_name: str


@dataclasses.dataclass(frozen=True)
class Tenant:
    """The project of a login, by id or by name."""

    id: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return self.id or self.name or ''


class UnexpectedResponse(Exception):  # noqa: N818, it says what happened
    """An unexpected response, described for the operator and the log."""

    def __init__(self, what: str, response: Response) -> None:
        super().__init__(
            f'the identity service responded with {response.status} to a '
            f'request {what}'
        )
        self.response = response


class UnknownDialect(faults.Unavailable):
    """The wrapped application speaks neither v2.0 nor v3."""

    def __init__(self) -> None:
        super().__init__('The identity service cannot answer now.')


class Identity(abc.ABC):
    """An identity service.

    Every method raises Unavailable if the service fails; a failure is never
    taken for a response. The cause of the exception is an UnexpectedResponse
    if there was one. With a caller of None, only service_user can send the
    request.
    """

    @abc.abstractmethod
    def caller(self, origin: Origin, token: str) -> Caller:
        """The caller to whom a token belongs.

        :raises Unauthorized: the token is not valid.
        :raises Forbidden: the token may not be used to validate itself.
        :raises UserDisabled: the user of the token is disabled.
        """

    @abc.abstractmethod
    def service(self, origin: Origin) -> Caller:
        """The caller that service_user is, from a newly issued token.

        :raises Unauthorized: the service rejects the token that it issued.
        """

    @abc.abstractmethod
    def user(
        self, origin: Origin, user_id: str, caller: Caller | None
    ) -> User:
        """The user with an id, read as service_user, else as the caller.

        :raises UserNotFound: no user has this id.
        :raises Forbidden: there is no service_user and the caller may not.
        """

    @abc.abstractmethod
    def owner(self, origin: Origin, user_id: str) -> Owner:
        """The owner of a key by user id, read as service_user.

        :raises UserNotFound: no user has this id.
        :raises UserDisabled: the user or the domain is disabled.
        """

    @abc.abstractmethod
    def issue(
        self, origin: Origin, owner: Owner, tenant: Tenant | None
    ) -> Access:
        """Issue a token for a user whose key was verified: the v2.0 "access".

        Without a tenant, the token is for the default tenant, else for the
        first by name; it is unscoped only if the user has no tenant
        (doc/contract/keystone 1.6).

        :raises WrongKey: no token is issued, or one of another user.
        :raises UserDisabled: the user's domain is disabled.
        :raises TenantNotValid: the user has no role on the tenant.
        """

    @abc.abstractmethod
    def revoke(self, origin: Origin, token: str) -> None:
        """Revoke a token that was issued but given to nobody.

        A token that has ended already is no error.
        """

    @abc.abstractmethod
    def roles(
        self, origin: Origin, user_id: str, caller: Caller | None
    ) -> frozenset[str]:
        """The names of all roles of a user anywhere; read as user() is.

        :raises Forbidden: there is no service_user and the caller may not.
        """


def refusal(user_id: str, reason: str) -> faults.WrongKey:
    """The fault for a right key that gets no token.

    The reason goes to the logs only.
    """
    LOG.warning('no token for user %s with the right key: %s', user_id, reason)
    return faults.WrongKey(reason)


def is_delegated(token: Mapping[str, Any]) -> bool:
    """Whether a token was made from a delegation of its user's rights.

    Also true for an unrestricted delegation: it is for one project, while a
    key is valid for all projects of the user.
    """
    return any(token.get(name) is not None for name in _DELEGATIONS) or bool(
        _DELEGATED_METHODS.intersection(token.get('methods') or ())
    )


_DELEGATIONS = (
    'application_credential',
    'OS-TRUST:trust',
    'OS-OAUTH1',
    'RAX-AUTH:impersonator',
)
_DELEGATED_METHODS = frozenset(
    ('application_credential', 'ec2credential', 'oauth1')
)


def understood(
    response: Response, what: str, read: Callable[[dict[str, Any]], Found]
) -> Found:
    """The result of read(body) for a successful response.

    what describes the request, for the log.

    :raises Unavailable: the response is an error, or its body does not have
        the expected members; with the Retry-After of the response.
    """
    try:
        if response.status < 300:
            return read(response.body)
    except (KeyError, TypeError, ValueError, AttributeError):
        LOG.debug('not understood', exc_info=True)
    instead = UnexpectedResponse(what, response)
    LOG.warning('%s', instead)
    raise faults.Unavailable(
        'The identity service cannot answer now.',
        response.headers.get('Retry-After', faults.DEFAULT_RETRY_AFTER),
    ) from instead


def is_segment(id_: str) -> bool:
    """Whether a path can name something with this id.

    Servers decode %2F, so an id with a slash leads to another resource.
    """
    return '/' not in id_ and id_ not in ('.', '..')


def text(value: object) -> str:
    """An id or a name of a response as text; old services have numeric ids.

    :raises ValueError: the value is neither text nor a number, or is empty.
    """
    if value == '' or isinstance(value, bool):
        raise ValueError('empty')
    if not isinstance(value, (str, int)):
        raise ValueError('not a text')
    return str(value)


def moment(text: str) -> datetime.datetime:
    """Parse an ISO 8601 time; without a zone it is UTC.

    :raises ValueError: the text is not such a time.
    """
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def issued_at(token: Mapping[str, Any]) -> datetime.datetime | None:
    """The time of issue of a token; None if the token does not show it."""
    said = token.get('issued_at')
    return None if said is None else moment(said)


def audit_ids(token: Mapping[str, Any]) -> tuple[str, ...]:
    """The audit ids of a token, in the order of Caller.audit_ids."""
    return tuple(map(text, token.get('audit_ids') or ()))
