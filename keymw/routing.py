"""How a request finds its route, and the gate around what we serve."""

from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import posixpath
import re
from typing import Any
from typing import TypeVar
from urllib.parse import unquote

from keymw import admin_faults
from keymw import faults
from keymw.bodies import fault as fault_bodies
from keymw.bodies.admin import View
from keymw.handlers.admin import AdminCall
from keymw.handlers.call import Call
from keymw.negotiate import Format


@dataclasses.dataclass(frozen=True)
class Route:
    """One operation: its method and path, and who does what with it.

    A name in braces stands for one segment of the path.
    rule        the policy rule; None where nobody needs to say who they are
    handler     takes a Call, returns what writes and merges take
    location    the path that a Location header of the reply names
    reads       makes Call.body of a body and its Content-Type
    check_query refuses a query that cannot be
    writes      makes the reply's body of what the handler returned
    is_ours     says of a body whether the request is ours at all
    otherwise   the route of a request whose body is not
    merges      adds ours to the body that the wrapped application answers;
                where it has none, writes makes one
    reads_headers, writes_headers
                the same as reads and writes, for what is in headers
    v3_only     there only before a service that speaks no v2.0
    guest       the URL is the wrapped application's: neither other methods
                nor a body that is longer than we read are ours
    tells       makes the body that tells a fault
    """

    method: str
    path: str
    rule: str | None
    handler: Callable[[Call], Any]
    status: int
    location: str | None = None
    writes: Callable[[Any, Format], bytes] | None = None
    reads: Callable[[bytes, str | None], Any] | None = None
    check_query: Callable[[Mapping[str, str]], None] | None = None
    is_ours: Callable[[bytes, str | None], bool] | None = None
    otherwise: 'Route | None' = None
    merges: Callable[[bytes, Any, Format], bytes | None] | None = None
    reads_headers: Callable[[Mapping[str, Any]], Any] | None = None
    writes_headers: Callable[[Any], Mapping[str, str]] | None = None
    v3_only: bool = False
    guest: bool = False
    tells: Callable[[faults.Fault, Format], fault_bodies.Told] = (
        fault_bodies.tell
    )


_V2 = '/v2.0'


@dataclasses.dataclass(frozen=True)
class Match:
    """The route of a request, None for a method the path lacks.

    v2_root is what a path of v2.0 starts with here; path holds the values
    of the names in the route's path. like is the route, or else another of
    the same path.
    """

    route: Route | None
    allow: tuple[str, ...]
    v2_root: str
    path: Mapping[str, str]
    suffix: str | None
    like: Route


@dataclasses.dataclass(frozen=True)
class AdminRoute:
    """One operation on global keys or on the access list.

    A name in braces stands for one segment of the path.
    rule      the policy rule for callers with a token
    handler   takes an AdminCall, returns what writes takes
    changes   whether it is for those who may write
    own       whether a key may do a part of it to itself nevertheless
    lists     whether the query says which page
    reads     makes AdminCall.body of a body and its Content-Type
    writes    makes plain data of what the handler returned
    """

    method: str
    path: str
    rule: str
    handler: Callable[[AdminCall], Any]
    status: int = 200
    changes: bool = False
    own: bool = False
    lists: bool = False
    reads: Callable[[bytes, str | None], Any] | None = None
    writes: Callable[[Any, View], object] | None = None

    @property
    def collection(self) -> str:
        """The path of all there are of the kind."""
        return '/'.join(self.path.split('/')[:_OF_COLLECTION])


_OF_COLLECTION = 6


@dataclasses.dataclass(frozen=True)
class AdminMatch:
    """The route of a request; None for a method or a path that is not there.

    allow is empty where the path is not there; path holds the values of the
    names in the route's path.
    """

    route: AdminRoute | None
    allow: tuple[str, ...]
    path: Mapping[str, str]


class Table:
    """Routes by path; everything else passes through.

    rest is the route of what is under /v2.0 and in no other. A path whose
    canon starts with what matches guarded is served in its plain spelling
    only.
    """

    def __init__(
        self, routes: Iterable[Route], rest: Route | None, guarded: str
    ) -> None:
        self._table = _by_path(routes)
        self._rest = rest
        self._guarded = re.compile(guarded)

    def find(self, environ: Mapping[str, Any]) -> Match | None:
        """What a request comes to; None: it is not ours.

        :raises BadRequest: its path is another spelling of one we guard, or
            is ours and not UTF-8.
        """
        if not self._table:
            return None
        told, method = environ.get('PATH_INFO', ''), environ['REQUEST_METHOD']
        plain = self._canon(told)
        root = _v2_root(environ)
        if root == '':
            told = _V2 + told
            plain = self._canon(told)
        if root is None:
            return None
        found = self._match(method, root, told) if told == plain else None
        if found is not None:
            return None if method == 'OPTIONS' else found
        if self._rest is not None and _is_v2(plain):
            return Match(self._rest, (), root, {}, None, self._rest)
        return None

    def _canon(self, path: str) -> str:
        """The plain spelling of a path.

        :raises BadRequest: it is another than this one, and guarded.
        """
        plain = canon(path)
        if plain != path and self._guarded.match(plain):
            raise faults.BadRequest('The path is not in its plain spelling.')
        return plain

    def _match(self, method: str, root: str, path: str) -> Match | None:
        for pattern, methods in self._table:
            found = pattern.fullmatch(path)
            if found is not None:
                names = found.groupdict()
                suffix = names.pop('suffix', None)
                allow = _allowed(methods)
                route = methods.get(method)
                any_route = route or methods[allow[0]]
                return Match(
                    route, allow, root, _to_text(names), suffix, any_route
                )
        return None


class AdminTable:
    """Routes below those whose paths have no names; all else passes through.

    What is not in its plain spelling is refused, as Table does it.
    """

    def __init__(self, routes: Iterable[AdminRoute]) -> None:
        self._table = _by_path(routes)
        roots = {route.collection for route in routes}
        whole = '|'.join(map(re.escape, sorted(roots)))
        self._guarded = re.compile(f'(?:{whole})(?![^/])')

    def find(self, environ: Mapping[str, Any]) -> AdminMatch | None:
        """What a request comes to; None: it is not ours.

        :raises NotPlain: its path is another spelling of one we guard.
        """
        path = environ.get('PATH_INFO', '')
        plain = canon(path)
        # Under an API version, mounted or cut off, the same path is another.
        if not self._guarded.match(plain) or _is_of_a_version(environ):
            return None
        if plain != path:
            raise admin_faults.NotPlain()
        for pattern, methods in self._table:
            found = pattern.fullmatch(path)
            if found is not None:
                route = methods.get(environ['REQUEST_METHOD'])
                names = found.groupdict()
                told = {name: to_text(text) for name, text in names.items()}
                return AdminMatch(route, _allowed(methods), told)
        return AdminMatch(None, (), {})


def to_text(path: str) -> str:
    """A path, or a part of it, to be told again."""
    # WSGI hands over the bytes of a path as if they were Latin-1.
    return path.encode('latin-1').decode(errors='replace')


def _is_of_a_version(environ: Mapping[str, Any]) -> bool:
    mount = environ.get('SCRIPT_NAME', '')
    return 'KEYSTONE_API_VERSION' in environ or mount.endswith(
        ('/v2.0', '/v3')
    )


_R = TypeVar('_R', Route, AdminRoute)


def _by_path(
    routes: Iterable[_R],
) -> list[tuple[re.Pattern[str], dict[str, _R]]]:
    by_path: dict[str, dict[str, _R]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    for methods in by_path.values():
        if 'GET' in methods:
            methods['HEAD'] = methods['GET']
    return [(_compile(path), methods) for path, methods in by_path.items()]


def _allowed(methods: Container[str]) -> tuple[str, ...]:
    return tuple(m for m in _METHODS if m in methods)


def _is_v2(path: str) -> bool:
    return path == _V2 or path.startswith(f'{_V2}/')


_METHODS = ('GET', 'HEAD', 'POST', 'PATCH', 'DELETE')


def _compile(path: str) -> re.Pattern[str]:
    whole = re.sub(r'{(\w+)}', r'(?P<\1>[^/]+?)', path)
    if path.startswith(_V2):
        # Only v2.0 has them (contract, 1.2).
        whole += r'/?(?P<suffix>\.json|\.xml)?'
    return re.compile(f'{whole}/?')


def _to_text(names: dict[str, str]) -> dict[str, str]:
    # WSGI hands over the bytes of a path as if they were Latin-1.
    try:
        return {k: v.encode('latin-1').decode() for k, v in names.items()}
    except UnicodeDecodeError:
        raise faults.BadRequest('The path is not UTF-8.') from None


def _v2_root(environ: Mapping[str, Any]) -> str | None:
    """What a v2.0 path starts with here: "/v2.0", or nothing.

    Nothing where the application is mounted under /v2.0, or where a filter
    before us took it away and left KEYSTONE_API_VERSION; None where that
    says that the path is one of another version (contract, 1.2).
    """
    if environ.get('SCRIPT_NAME', '').endswith(_V2):
        return ''
    if environ.get('PATH_INFO', '').startswith(_V2):
        return _V2
    version = environ.get('KEYSTONE_API_VERSION')
    if version is None:
        return _V2
    return '' if version == '2.0' else None


def canon(path: str) -> str:
    """The plain spelling that a lenient server might take a path for.

    A backslash is a slash, ";…" is cut from each segment, control bytes and
    trailing spaces are dropped, one more %XX is decoded, // is collapsed and
    dots are resolved.
    """
    once = '/'.join(map(_plain, path.replace('\\', '/').split('/')))
    more = unquote(once, encoding='latin-1').replace('\\', '/')
    whole = '/'.join(map(_plain, more.split('/')))
    resolved = posixpath.normpath(f'/{whole.lstrip("/")}')
    ends_in_slash = whole.endswith('/') and resolved != '/'
    return f'{resolved}/' if ends_in_slash else resolved


def _plain(segment: str) -> str:
    return _CONTROL.sub('', segment.partition(';')[0]).rstrip(' ')


_CONTROL = re.compile('[\x00-\x1f\x7f]')
