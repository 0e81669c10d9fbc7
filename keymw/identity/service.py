"""Requests about other users, sent with a token of our own user."""

from collections.abc import Callable
import dataclasses
import datetime
import threading

from keymw.identity import base
from keymw.identity import external
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.transport import Transport
from keymw.web import faults

MARGIN = datetime.timedelta(seconds=60)


@dataclasses.dataclass(frozen=True)
class Issued:
    """A token, its time of expiry and its user."""

    token: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime
    user_id: str


class OwnToken:
    """A token of our own user, cached until margin before it expires.

    issue gets a new one from the identity service.
    """

    def __init__(
        self,
        issue: Callable[[Origin], Issued],
        clock: Callable[[], float],
        margin: Callable[[datetime.timedelta], datetime.timedelta],
    ) -> None:
        """margin takes the life of a new token."""
        self._issue = issue
        self._clock = clock
        self._margin = margin
        self._kept: Issued | None = None
        self._end = 0.0
        self._failure: faults.Unavailable | None = None
        self._lock = threading.Lock()

    def get(self, origin: Origin) -> Issued:
        """The cached token, else a new one.

        :raises Unavailable: the identity service issues none.
        """
        failure = self._failure
        # One thread gets a new token, all others wait for it.
        with self._lock:
            kept = self._kept
            if kept is None or self._end <= self._clock():
                self._check(failure)
                kept = self._kept = self._issued(origin)
            return kept

    def forget(self) -> None:
        """Get a new token next time."""
        self._kept = None

    def _check(self, former: faults.Unavailable | None) -> None:
        """Raise the failure that came while this thread waited for the lock.

        Otherwise each waiting thread would repeat the failed request.
        """
        failure = self._failure
        if failure is not None and failure is not former:
            raise _same(failure)

    def _issued(self, origin: Origin) -> Issued:
        try:
            made = self._issue(origin)
        except faults.Unavailable as failure:
            self._failure = _same(failure)
            raise
        now = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
        margin = self._margin(made.expires_at - now)
        self._end = (made.expires_at - margin).timestamp()
        return made


class Others:
    """Sends requests about other users to the identity service.

    issue returns a token of our own user. It is never used for a client's own
    request. If issue is None, the caller's token is used, with the caller's
    rights.
    """

    def __init__(
        self,
        transport: Transport,
        issue: Callable[[Origin], Issued] | None,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._own = issue and OwnToken(issue, clock, lambda _life: MARGIN)

    def send(
        self,
        origin: Origin,
        path: str,
        caller_token: str | None,
        method: str = 'GET',
        subject: str | None = None,
    ) -> Response:
        """The response to a request for path, whatever its status.

        subject is the token that the request is about. If the token of our
        own user is not valid any more, one retry uses a new token.

        :raises Forbidden: there is neither our own user nor a caller.
        :raises Unavailable: the identity service failed, or no token was
            issued for our own user.
        """
        own = self._own
        if own is None:
            if caller_token is None:
                raise faults.Forbidden()
            sub_request = SubRequest(method, path, caller_token, subject)
            return self._transport.send(origin, sub_request)
        used = own.get(origin)
        sub_request = SubRequest(method, path, used.token, subject)
        response = self._transport.send(origin, sub_request)
        if not _is_over(used, response):
            return response
        own.forget()
        sub_request = SubRequest(method, path, own.get(origin).token, subject)
        return self._transport.send(origin, sub_request)

    def user_id(self, origin: Origin) -> str:
        """The id of our own user.

        :raises Forbidden: there is none.
        :raises Unavailable: no token was issued for it.
        """
        if self._own is None:
            raise faults.Forbidden()
        return self._own.get(origin).user_id

    def refuse(self, response: Response) -> None:
        """Raise the fault for a 401 or 403, depending on whose token it was.

        :raises Unauthorized: the caller's own token was rejected.
        :raises Forbidden: the caller may not read this.
        :raises Unavailable: our own user may not read this, which says nothing
            about the caller.
        """
        if response.status not in (401, 403):
            return
        if self._own is not None:
            base.understood(
                response,
                'as [identity] service_user or the user of auth_type',
                dict,
            )
        if response.status == 401:
            raise faults.Unauthorized()
        raise faults.Forbidden()


def _is_over(used: Issued, response: Response) -> bool:
    """Whether a response says that the token of the request is not valid.

    To every request with the token of a deleted user Keystone responds with
    404 and the id of this user.
    """
    if response.status == 404:
        return used.user_id in external.message(response)
    return response.status == 401


def _same(failure: faults.Unavailable) -> faults.Unavailable:
    # A raised exception keeps its traceback and the request's data alive;
    # raise a fresh copy.
    made = faults.Unavailable(failure.message, failure.headers['Retry-After'])
    made.__cause__ = failure.__cause__
    return made
