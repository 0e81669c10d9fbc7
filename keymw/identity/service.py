"""Questions about others, asked as a user of our own."""

from collections.abc import Callable
import dataclasses
import datetime
import threading

from keymw import faults
from keymw.identity import base
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Question
from keymw.identity.transport import Transport

MARGIN = datetime.timedelta(seconds=60)


@dataclasses.dataclass(frozen=True)
class Issued:
    """A token and its end."""

    token: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime


class Others:
    """Gets what a path under the identity service says of somebody.

    issue makes a token of a user of our own, which is kept until shortly
    before it expires and never serves a client's own request; with None the
    caller asks, and sees what it may see.
    """

    def __init__(
        self,
        transport: Transport,
        issue: Callable[[Origin], Issued] | None,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._issue = issue
        self._clock = clock
        self._kept: Issued | None = None
        self._failure: faults.Unavailable | None = None
        self._lock = threading.Lock()

    def ask(
        self, origin: Origin, path: str, caller_token: str | None
    ) -> Answer:
        """The answer to GET path, whatever it is.

        :raises Forbidden: there is no one to ask as.
        :raises Unavailable: the identity service or our own token cannot be
            had.
        """
        if self._issue is None:
            if caller_token is None:
                raise faults.Forbidden()
            return self._get(origin, path, caller_token)
        answer = self._get(origin, path, self._token(origin, self._issue))
        if answer.status != 401:
            return answer
        self._kept = None
        return self._get(origin, path, self._token(origin, self._issue))

    def refuse(self, answer: Answer) -> None:
        """Raise what 401 and 403 mean, depending on who asked.

        :raises Unauthorized: the caller's own token was not taken.
        :raises Forbidden: the caller may not ask.
        :raises Unavailable: our own user may not: that is no word on the
            caller.
        """
        if answer.status not in (401, 403):
            return
        if self._issue is not None:
            base.understood(
                answer,
                'as [identity] service_user or the user of auth_type',
                dict,
            )
        if answer.status == 401:
            raise faults.Unauthorized()
        raise faults.Forbidden()

    def _get(self, origin: Origin, path: str, token: str) -> Answer:
        return self._transport.ask(origin, Question('GET', path, token))

    def _token(self, origin: Origin, issue: Callable[[Origin], Issued]) -> str:
        failure = self._failure
        # One thread asks for a new token, the others wait for it.
        with self._lock:
            kept = self._kept
            if kept is None or self._near_end(kept):
                self._check(failure)
                kept = self._kept = self._issued(origin, issue)
            return kept.token

    def _check(self, former: faults.Unavailable | None) -> None:
        """Refuse who has waited in vain with another, not to wait again."""
        failure = self._failure
        if failure is not None and failure is not former:
            raise _same(failure)

    def _issued(
        self, origin: Origin, issue: Callable[[Origin], Issued]
    ) -> Issued:
        try:
            return issue(origin)
        except faults.Unavailable as failure:
            self._failure = _same(failure)
            raise

    def _near_end(self, kept: Issued) -> bool:
        end = (kept.expires_at - MARGIN).timestamp()
        return end <= self._clock()


def _same(failure: faults.Unavailable) -> faults.Unavailable:
    # One that was raised holds on to the request it was raised in.
    made = faults.Unavailable(failure.message, failure.headers['Retry-After'])
    made.__cause__ = failure.__cause__
    return made
