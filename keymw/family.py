"""The interface of a family to the filter, and the families of tokens."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING
from typing import Any

import webob

from keymw.call import Call
from keymw.call import Parts
from keymw.identity.base import Caller
from keymw.web import faults
from keymw.web import reply
from keymw.web.request import Request
from keymw.web.table import Match
from keymw.web.table import Route
from keymw.web.table import Table

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Family(abc.ABC):
    """A family of routes.

    table   the routes, and the guarded paths
    words   each guarded path contains one of them (see paths.Search)
    shared  URLs of the wrapped application; keymw answers some POSTs to them.
            Each has a cheap test of the body: false for all but a few of the
            other POSTs
    written the paths whose writes keymw judges contain one of these words

    Callers are Any here: each family has its own type of caller.
    """

    table: Table
    words: Sequence[str]
    shared: Mapping[str, Callable[[bytes], bool]] = MappingProxyType({})
    written: Sequence[str] = ()

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @abc.abstractmethod
    def identify(self, request: Request) -> Any:
        """The caller of a request.

        :raises Fault: the caller cannot be identified.
        """

    @abc.abstractmethod
    def name(self, caller: Any) -> str:
        """The id of a caller, for the audit log."""

    @abc.abstractmethod
    def target(self, request: Request, result: object = None) -> str:
        """The id of a request's target, for the audit log.

        result is the return value of the handler, which may have made it.
        """

    @abc.abstractmethod
    def authorize(self, route: Route, caller: Any, request: Request) -> Any:
        """The caller, if the rule permits the route for some target.

        This check looks nothing up.

        :raises Fault: the rule denies it for every target.
        """

    @abc.abstractmethod
    def write_fault(
        self, fault: faults.Fault, request: Request
    ) -> webob.Response:
        """The response for a fault."""

    def call(
        self, route: Route, request: Request, caller: Any
    ) -> Call[Any, Any]:
        """The call that the handler gets, with the body that route.read reads.

        :raises Fault: the query, a header or the body is not valid.
        """
        body = None if route.read is None else route.read(request)
        return Call(request, route, self._parts, caller, body)

    def otherwise(
        self,
        _match: Match,
        _request: Request,
        app: WSGIApplication,
        _ours: Callable[..., WSGIApplication],
        /,
    ) -> WSGIApplication:
        """The WSGI application for a request to which no route applies.

        ours(environ, probe=True) is Filter.answer.
        """
        return app


class ByToken(Family):
    """A family of callers with a token; the target is the user in the path."""

    def __init__(
        self,
        table: Table,
        parts: Parts,
        write_fault: reply.FaultWriter,
        *,
        words: Sequence[str],
        shared: Mapping[str, Callable[[bytes], bool]] | None = None,
    ) -> None:
        super().__init__(parts)
        self.table = table
        self.words = words
        self.shared = shared or {}
        self._write_fault = write_fault

    def identify(self, request: Request) -> Caller:
        """The caller of a request, by its token.

        :raises Unauthorized: the token is missing or not valid.
        """
        if not request.token:
            raise faults.Unauthorized()
        origin = self._parts.origin(request)
        return self._parts.identity.caller(origin, request.token)

    def name(self, caller: Caller) -> str:
        """The user id of a caller."""
        return caller.user_id

    def target(self, request: Request, _result: object = None) -> str:
        """The id of the user in the path."""
        return request.names.get('user_id', '-')

    def authorize(
        self, route: Route, caller: Caller, request: Request
    ) -> Caller:
        """The caller, if the rule permits the route for some type of target.

        :raises SignInAgain: the token was bought with a key that has changed.
        :raises Forbidden: the rule denies every type of target.
        """
        self._parts.stale.refuse(caller)
        user_id = request.names['user_id']
        self._parts.rules.allow(route.rule or '', caller, user_id)
        return caller

    def call(
        self, route: Route, request: Request, caller: Caller | None
    ) -> Call[Caller | None, Any]:
        """As for every family; the query is read even where a route has none.

        :raises BadRequest: the query is not UTF-8.
        """
        made = super().call(route, request, caller)
        request.query()
        return made

    def write_fault(
        self, fault: faults.Fault, request: Request
    ) -> webob.Response:
        """The response for a fault, in the negotiated format."""
        return self._write_fault(fault, request)
