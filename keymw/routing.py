"""How a request finds its route, and the gate around what we serve."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import posixpath
import re
from typing import Any
from urllib.parse import unquote

from keymw import faults
from keymw.bodies import fault as fault_bodies
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


class Table:
    """Routes by path; everything else passes through.

    rest is the route of what is under /v2.0 and in no other. A path whose
    canon starts with what matches guarded is served in its plain spelling
    only.
    """

    def __init__(
        self, routes: Iterable[Route], rest: Route | None, guarded: str
    ) -> None:
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for methods in by_path.values():
            if 'GET' in methods:
                methods['HEAD'] = methods['GET']
        self._table = [
            (_compile(path), methods) for path, methods in by_path.items()
        ]
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
                allow = tuple(m for m in _METHODS if m in methods)
                route = methods.get(method)
                any_route = route or methods[allow[0]]
                return Match(
                    route, allow, root, _to_text(names), suffix, any_route
                )
        return None


def _is_v2(path: str) -> bool:
    return path == _V2 or path.startswith(f'{_V2}/')


_METHODS = ('GET', 'HEAD', 'POST', 'DELETE')


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
