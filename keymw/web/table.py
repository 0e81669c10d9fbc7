"""Routes, and the table that matches a request to them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import re
from typing import Any
from typing import NamedTuple
from typing import NoReturn
from typing import Protocol

import webob

from keymw.web import faults
from keymw.web.paths import V2
from keymw.web.paths import Guard
from keymw.web.request import Request

ANY = '*'
_METHODS = ('GET', 'HEAD', 'POST', 'PATCH', 'DELETE')


@dataclasses.dataclass(frozen=True, eq=False)
class Route:
    """One operation: a method and path, with its rule and functions.

    Routes are made at start. Each is equal to itself alone.
    A name in braces in the path matches one segment.
    rule        the policy rule; None: the route needs no token
    handler     (call) -> result
    read        (request) -> the body of the call
    write       (result, call) -> the response
    applies     (request) -> whether this route answers; None: always
    write_fault (fault, request) -> the response; None: that of the family
    """

    method: str
    path: str
    rule: str | None
    handler: Callable[[Any], Any]
    status: int
    read: Callable[[Request], Any] | None = None
    # Takes the result of the handler, and its call.
    write: Callable[[Any, Any], webob.Response] | None = None
    applies: Callable[[Request], bool] | None = None
    write_fault: Callable[[faults.Fault, Request], webob.Response] | None = (
        None
    )


class Answerable(Protocol):
    """The members of a call that a writer reads."""

    @property
    def request(self) -> Request:
        """The request."""

    @property
    def route(self) -> Route:
        """The route that answers it."""


def refusals(
    routes: Iterable[Route],
    rule: str | None = None,
    applies: Callable[[Request], bool] | None = None,
) -> Iterator[Route]:
    """Routes that answer 405 to all other methods on the same paths."""
    for route in {route.path: route for route in routes}.values():
        yield Route(
            ANY,
            route.path,
            rule,
            _refuse_method,
            405,
            applies=applies,
            write_fault=route.write_fault,
        )


def _refuse_method(call: Answerable) -> NoReturn:
    raise faults.MethodNotAllowed(call.request.allow)


Match = tuple[Route, ...]


class Table:
    """The routes of a family by path, and its guarded paths."""

    def __init__(
        self,
        routes: Iterable[Route],
        guarded: Iterable[str],
        rest: Route | None = None,
        *,
        is_versioned: bool = True,
        errors: str = 'strict',
    ) -> None:
        """Sort the routes by path.

        guarded       regular expressions of prefixes of guarded paths
        rest          the fallback route; its path is a regular expression
        is_versioned  a filter may have removed the version from the paths,
                      and OPTIONS goes to the wrapped application
        errors        the treatment of bytes that are not UTF-8, as in decode
        """
        by_path: dict[str, list[Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, []).append(route)
        self._rows = [
            _Row(_compile(path), row, _allowed(row))
            for path, row in by_path.items()
        ]
        self._guard = Guard(guarded)
        self._rest: Match = () if rest is None else (rest,)
        self._is_rest = re.compile(rest.path if rest else '(?!)', re.DOTALL)
        self._is_versioned = is_versioned
        self._errors = errors

    def find(self, request: Request) -> Match | None:
        """The candidate routes of a request, in order; None: no route.

        The last ones may be routes that only raise a fault. Sets names, suffix
        and allow of the request.

        :raises NotPlain: the path is a guarded one in another spelling.
        :raises BadRequest: a name in the path is not UTF-8.
        """
        place = request.place
        if place.version is not None and not self._is_versioned:
            return None
        path = self._guard.find(place)
        if path is None and place.is_of_another_version:
            return None
        is_plain = path is not None or place.is_plain
        path = path or place.canonical
        rest = self._rest if self._is_rest.fullmatch(path) else ()
        found = self._row(path) if is_plain else None
        if found is None:
            return rest or None
        if request.method == 'OPTIONS' and self._is_versioned:
            return None
        names, row = found
        self._set_names(request, names, row)
        return (*_of_method(row.routes, request.method), *rest)

    def _row(self, path: str) -> tuple[dict[str, str], _Row] | None:
        for row in self._rows:
            found = row.pattern.fullmatch(path)
            if found is not None:
                return found.groupdict(), row
        return None

    def _set_names(
        self, request: Request, names: dict[str, str], row: _Row
    ) -> None:
        request.suffix = names.pop('suffix', None)
        request.allow = row.allow
        try:
            request.names = {
                # WSGI decodes the bytes of a path as Latin-1.
                name: text.encode('latin-1').decode(errors=self._errors)
                for name, text in names.items()
            }
        except UnicodeDecodeError:
            raise faults.BadRequest('The path is not UTF-8.') from None


class _Row(NamedTuple):
    """The routes of a path, and the methods that a 405 names."""

    pattern: re.Pattern[str]
    routes: list[Route]
    allow: tuple[str, ...]


def _allowed(row: list[Route]) -> tuple[str, ...]:
    methods = {route.method for route in row}
    if 'GET' in methods:
        methods.add('HEAD')
    return tuple(m for m in _METHODS if m in methods)


def _of_method(row: list[Route], method: str) -> list[Route]:
    name = 'GET' if method == 'HEAD' else method
    found = [route for route in row if route.method == name]
    return found or [route for route in row if route.method == ANY]


def _compile(path: str) -> re.Pattern[str]:
    whole = re.sub(r'{(\w+)}', r'(?P<\1>[^/]+?)', path)
    # The dot of a version is a dot: /v2x0 is another path.
    whole = re.sub(r'(?<=\d)\.', r'\.', whole)
    if path.startswith(V2):
        # Only v2.0 has suffixes (doc/contract/rackspace-identity 1.2).
        whole += r'/?(?P<suffix>\.json|\.xml)?'
    return re.compile(f'{whole}/?')
