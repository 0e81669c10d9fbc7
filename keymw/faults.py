"""Every fault a client can see, named by meaning.

Statuses, names and messages: contract rackspace-identity, 1.11 and 2.
"""

from typing import ClassVar


class Fault(Exception):  # noqa: N818, the word of the wire
    """What a client is told; bodies.fault makes bytes of it."""

    status: ClassVar[int] = 500
    name: ClassVar[str] = 'identityFault'

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


class Forbidden(Fault):
    """The caller is the problem."""

    status = 403
    name = 'forbidden'

    def __init__(self, message: str = 'Not Authorized') -> None:
        super().__init__(message)


class UserDisabled(Fault):
    """The identity service says that the caller is disabled."""

    status = 403
    name = 'userDisabled'

    def __init__(self) -> None:
        super().__init__('User is disabled.')


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
