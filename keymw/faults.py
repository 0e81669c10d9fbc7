"""Every fault a client can see, named by meaning.

Statuses, names and messages: contract rackspace-identity, 1.11 and 2.
"""


class Fault(Exception):  # noqa: N818, the word of the wire
    """What a client is told; bodies.fault makes bytes of it."""

    status: int = 500
    name: str = 'identityFault'

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Headers this fault adds to the reply."""
        return {}


class Internal(Fault):
    """A defect of ours; the log has the traceback."""

    def __init__(self) -> None:
        super().__init__('The request could not be completed.')


class BadRequest(Fault):
    """The request cannot be understood."""

    status = 400
    name = 'badRequest'


class MalformedJson(BadRequest):
    """A JSON body that is not the one this call takes."""

    def __init__(self) -> None:
        super().__init__('Invalid json request body')


class MalformedXml(BadRequest):
    """An XML body that is not the one this call takes."""

    def __init__(self) -> None:
        super().__init__('Invalid XML request body')


class AuthAdmin(Fault):
    """A v1.1 login of a kind that has a URL of its own."""

    status = 302
    name = 'authFault'

    def __init__(self) -> None:
        super().__init__('Sign in at /v1.1/auth-admin.')

    @property
    def headers(self) -> dict[str, str]:
        # Relative, as the service may be mounted anywhere.
        return {'Location': 'auth-admin'}


class NoAuthData(BadRequest):
    """A login that holds nothing to sign in with."""

    def __init__(self) -> None:
        super().__init__(
            'Invalid request body: unable to parse Auth data. Please review '
            'XML or JSON formatting.'
        )


class TwoTenants(BadRequest):
    """A login for one tenant and for another."""

    def __init__(self) -> None:
        super().__init__(
            'Invalid request. Specify tenantId OR tenantName, not both.'
        )


class NameMismatch(BadRequest):
    """The name in the body is not the name of the user in the path."""

    def __init__(self) -> None:
        super().__init__('User and UserId mis-matched')


class Unauthorized(Fault):
    """The token is the problem."""

    status = 401
    name = 'unauthorized'

    def __init__(self) -> None:
        super().__init__(
            "No valid token provided. Please use the 'X-Auth-Token' header "
            'with a valid token.'
        )


class LoginRefused(Fault):
    """No token for this login."""

    status = 401
    name = 'unauthorized'


class WrongKey(LoginRefused):
    """Nobody of this name has this key; which of the two is not told."""

    def __init__(self) -> None:
        super().__init__('Username or api key is invalid.')


class BadUsername(Fault):
    """A v1.0 login is refused; its status alone says a little more."""

    name = 'unauthorized'

    def __init__(self, status: int) -> None:
        super().__init__('Bad username or password')
        self.status = status


class TenantNotValid(LoginRefused):
    """The key is right, and the user has no part in the tenant."""

    def __init__(self, tenant: str, username: str, user_id: str) -> None:
        super().__init__(
            f"Tenant with Name/Id: '{tenant}' is not valid for User "
            f"'{username}' (id: '{user_id}')"
        )


class Forbidden(Fault):
    """The caller is the problem."""

    status = 403
    name = 'forbidden'

    def __init__(self, message: str = 'Not Authorized') -> None:
        super().__init__(message)


class UserDisabled(Fault):
    """The identity service says that the user is disabled."""

    status = 403
    name = 'userDisabled'

    def __init__(self, username: str | None = None) -> None:
        who = 'User' if username is None else f"User '{username}'"
        super().__init__(f'{who} is disabled.')


class NotFound(Fault):
    """What the path names is not there."""

    status = 404
    name = 'itemNotFound'


class UserNotFound(NotFound):
    """The identity service knows no such user."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f'User {user_id} not found')


class NoCredential(NotFound):
    """The user is there and has no key to show."""

    def __init__(self) -> None:
        super().__init__("User doesn't have api key credentials")


class NothingToDelete(NotFound):
    """The user is there and has no key to delete."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            'Credential type RAX-KSKEY:apiKeyCredentials was not found for '
            f'User with Id: {user_id}'
        )


class MethodNotAllowed(Fault):
    """The path is ours, the method is not."""

    status = 405
    name = 'badMethod'

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__('Method not allowed')
        self._allow = allow

    @property
    def headers(self) -> dict[str, str]:
        return {'Allow': ', '.join(self._allow)}


class BodyTooLarge(Fault):
    """The body is longer than [limits] max_body_size."""

    status = 413
    name = 'overLimit'

    def __init__(self, limit: int) -> None:
        super().__init__(f'The request body is longer than {limit} bytes.')


class BadMediaType(Fault):
    """A body of a type we do not read."""

    status = 415
    name = 'badMediaType'

    def __init__(self) -> None:
        super().__init__("I don't understand the content type")


class NotImplemented(Fault):  # noqa: A001, the word of HTTP
    """What this service could do, and is not set up for."""

    status = 501


class Relayed(Fault):
    """What the identity service answered, told in the words of v2.0."""

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
    """Something we need is down or limits us; nothing was changed."""

    status = 503
    name = 'serviceUnavailable'

    def __init__(self, message: str, retry_after: str = '5') -> None:
        super().__init__(message)
        self._retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {'Retry-After': self._retry_after}
