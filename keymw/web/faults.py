"""Every fault that a client can see, named by meaning.

Source of statuses, names and messages: doc/contract/rackspace-identity 1.11
and 2.
"""

from collections.abc import Mapping

# Seconds; used if the identity service sends no Retry-After.
DEFAULT_RETRY_AFTER = '5'


class Fault(Exception):  # noqa: N818, the word of the wire
    """An error response: status, name and message; fault_shapes writes it.

    reason says why, and details are further fields, for the audit log only:
    no response has them. retry_at is the end of a limit, in seconds since the
    epoch.
    """

    status: int = 500
    name: str = 'identityFault'
    reason: str | None = None
    details: Mapping[str, str] | None = None
    retry_at: int | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Headers that this fault adds to the response."""
        return {}


class Internal(Fault):
    """500: a defect of keymw; the log has the traceback."""

    def __init__(self) -> None:
        super().__init__('The request could not be completed.')


class BadRequest(Fault):
    """400: the request is malformed, or has a value that is not valid."""

    status = 400
    name = 'badRequest'


class MalformedJson(BadRequest):
    """400: the body is not the JSON that this operation accepts."""

    reason = 'the JSON of the body is not valid'

    def __init__(self) -> None:
        super().__init__('Invalid json request body')


class MalformedXml(BadRequest):
    """400: the body is not the XML that this operation accepts."""

    reason = 'the XML of the body is not valid'

    def __init__(self) -> None:
        super().__init__('Invalid XML request body')


class NotPlain(BadRequest):
    """400: the path is not the canonical spelling of a guarded path."""

    def __init__(self) -> None:
        super().__init__('The path is not in its plain spelling.')


class AuthAdmin(Fault):
    """302: a v1.1 login of a kind that has another URL, auth-admin."""

    status = 302
    name = 'authFault'

    def __init__(self) -> None:
        super().__init__('Sign in at /v1.1/auth-admin.')

    @property
    def headers(self) -> dict[str, str]:
        # A relative URL: the service may be mounted anywhere.
        return {'Location': 'auth-admin'}


class NoAuthData(BadRequest):
    """400: a login without credentials."""

    def __init__(self) -> None:
        super().__init__(
            'Invalid request body: unable to parse Auth data. Please review '
            'XML or JSON formatting.'
        )


class TwoTenants(BadRequest):
    """400: a login that names two different tenants."""

    def __init__(self) -> None:
        super().__init__(
            'Invalid request. Specify tenantId OR tenantName, not both.'
        )


class NameMismatch(BadRequest):
    """400: the name in the body is not the name of the user in the path."""

    def __init__(self) -> None:
        super().__init__('User and UserId mis-matched')


class Unauthorized(Fault):
    """401: the token is missing, expired or unknown."""

    status = 401
    name = 'unauthorized'

    def __init__(self) -> None:
        super().__init__(
            "No valid token provided. Please use the 'X-Auth-Token' header "
            'with a valid token.'
        )


class LoginRefused(Fault):
    """401: a login that gets no token."""

    status = 401
    name = 'unauthorized'
    reason: str | None = 'the right key, but no such scope for the user'


class WrongKey(LoginRefused):
    """401: wrong name or key; the response does not reveal which."""

    def __init__(
        self, reason: str, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__('Username or api key is invalid.')
        self.reason = reason
        self.details = details


class BadUsername(Fault):
    """A refused v1.0 login; its status is all that differs."""

    name = 'unauthorized'

    def __init__(self, status: int) -> None:
        super().__init__('Bad username or password')
        self.status = status


class TenantNotValid(LoginRefused):
    """401: the key is right, but the user has no role on the tenant."""

    def __init__(self, tenant: str, username: str, user_id: str) -> None:
        super().__init__(
            f"Tenant with Name/Id: '{tenant}' is not valid for User "
            f"'{username}' (id: '{user_id}')"
        )


class NotInV2(Fault):
    """401: a user or scope that v2.0 cannot show: its names have no domain.

    The message is the one that Keystone's own v2.0 had.
    """

    status = 401
    name = 'unauthorized'
    reason = 'v2.0 cannot show this user or scope'


class NonDefaultDomain(NotInV2):
    """401: a user or project outside the default domain."""

    def __init__(self) -> None:
        super().__init__('Non-default domain is not supported')


class NotForProject(NotInV2):
    """401: a token whose scope is a domain or the system."""

    def __init__(self) -> None:
        super().__init__('Domain scoped token is not supported')


class Forbidden(Fault):
    """403: the token is valid, but the caller may not do this."""

    status = 403
    name = 'forbidden'

    def __init__(self, message: str = 'Not Authorized') -> None:
        super().__init__(message)


class SignInAgain(Forbidden):
    """403: the token was bought with a key that has changed since."""

    def __init__(self) -> None:
        super().__init__(
            'The API key of this user was changed after this token was '
            'issued: sign in again.'
        )


class UserDisabled(Fault):
    """403: the user is disabled in the identity service."""

    status = 403
    name = 'userDisabled'
    reason = 'the user or the domain is disabled'

    def __init__(self, username: str | None = None) -> None:
        who = 'User' if username is None else f"User '{username}'"
        super().__init__(f'{who} is disabled.')


class NotFound(Fault):
    """404: the object in the path does not exist."""

    status = 404
    name = 'itemNotFound'


class TooMany(Fault):
    """413: the list is longer than one response can show."""

    status = 413
    name = 'overLimit'


class UserNotFound(NotFound):
    """404: the identity service has no such user."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f'User {user_id} not found')


class NoCredential(NotFound):
    """404: the user exists but has no key to show."""

    def __init__(self) -> None:
        super().__init__("User doesn't have api key credentials")


class NothingToDelete(NotFound):
    """404: the user exists but has no key to delete."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            'Credential type RAX-KSKEY:apiKeyCredentials was not found for '
            f'User with Id: {user_id}'
        )


class MethodNotAllowed(Fault):
    """405: keymw owns the path but has no such method on it."""

    status = 405
    name = 'badMethod'

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__('Method not allowed')
        self._allow = allow

    @property
    def headers(self) -> dict[str, str]:
        return {'Allow': ', '.join(self._allow)}


class BodyTooLarge(Fault):
    """413: the body is longer than [limits] max_body_size bytes."""

    status = 413
    name = 'overLimit'
    reason = 'the body is too long'

    def __init__(self, limit: int) -> None:
        super().__init__(f'The request body is longer than {limit} bytes.')


class OverLimit(Fault):
    """413, 429 in v3: too many wrong keys came from the client's address.

    headers are those of the limit.
    """

    status = 413
    name = 'overLimit'
    reason = 'too many wrong keys from this address'

    def __init__(self, headers: dict[str, str], retry_at: int) -> None:
        super().__init__('OverLimit Retry...')
        self._headers = headers
        self.retry_at = retry_at

    @property
    def headers(self) -> dict[str, str]:
        return self._headers


class OverLimitV3(OverLimit):
    """429: OverLimit, on the URLs of v3."""

    status = 429


class BadMediaType(Fault):
    """415: the Content-Type of the body is not supported."""

    status = 415
    name = 'badMediaType'

    def __init__(self) -> None:
        super().__init__("I don't understand the content type")


class NotImplemented(Fault):  # noqa: A001, the word of HTTP
    """501: an operation that this service has not switched on."""

    status = 501


class Relayed(Fault):
    """An error response of the identity service, in the shape of v2.0."""

    reason = 'the identity service refuses it'

    def __init__(
        self, status: int, message: str, retry_after: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.name = _NAMES.get(status, 'identityFault')
        self._retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {'Retry-After': self._retry_after} if self._retry_after else {}


_NAMES = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    405: 'badMethod',
    413: 'overLimit',
    415: 'badMediaType',
    503: 'serviceUnavailable',
}


class Unavailable(Fault):
    """503: a service that keymw needs failed; nothing was changed."""

    status = 503
    name = 'serviceUnavailable'
    reason = 'a service that keymw needs failed'

    def __init__(
        self, message: str, retry_after: str = DEFAULT_RETRY_AFTER
    ) -> None:
        super().__init__(message)
        self._retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {'Retry-After': self._retry_after}


class NoStore(Unavailable):
    """503: the store of keys failed."""

    reason = 'the key store failed'

    def __init__(self) -> None:
        super().__init__('The key store cannot answer now.')


class NotOpened(Unavailable):
    """503: the vault cannot open a stored key."""

    reason = 'the stored key cannot be opened'

    def __init__(self) -> None:
        super().__init__('The key cannot be read now.')
