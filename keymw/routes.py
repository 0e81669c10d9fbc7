"""The table of what we serve, and the gate around it."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import posixpath
import re
from typing import Any
from urllib.parse import unquote

from keymw import faults
from keymw.bodies import credentials as credential_bodies
from keymw.bodies import extensions as extension_bodies
from keymw.handlers import credentials
from keymw.handlers import extensions
from keymw.handlers.call import Call
from keymw.negotiate import Format
from keymw.policies import credentials as rules


@dataclasses.dataclass(frozen=True)
class Route:
    """One operation: its method and path, and who does what with it.

    path is below /v2.0; a name in braces stands for one segment.
    rule        the policy rule; None where nobody needs to say who they are
    handler     takes a Call, returns what writes and merges take
    location    the path that a Location header of the reply names
    reads       makes Call.body of a body and its Content-Type
    check_query refuses a query that cannot be
    writes      makes the reply's body of what the handler returned
    is_ours     says of a body whether the request is ours at all
    merges      adds ours to the body that the wrapped application answers;
                where it has none, writes makes one
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
    merges: Callable[[bytes, Any, Format], bytes | None] | None = None


CREDENTIALS = '/users/{user_id}/OS-KSADM/credentials'
KEY = f'{CREDENTIALS}/RAX-KSKEY:apiKeyCredentials'

KSKEY_ROUTES = (
    Route(
        'GET',
        CREDENTIALS,
        rules.LIST,
        credentials.list_,
        200,
        writes=credential_bodies.write_list,
        check_query=credential_bodies.check_query,
    ),
    Route(
        'POST',
        CREDENTIALS,
        rules.ADD,
        credentials.put,
        201,
        location=KEY,
        writes=credential_bodies.write,
        reads=credential_bodies.read,
        is_ours=credential_bodies.is_ours,
    ),
    Route(
        'GET',
        KEY,
        rules.GET,
        credentials.get,
        200,
        writes=credential_bodies.write,
    ),
    Route(
        'POST',
        KEY,
        rules.UPDATE,
        credentials.put,
        200,
        writes=credential_bodies.write,
        reads=credential_bodies.read,
    ),
    Route('DELETE', KEY, rules.DELETE, credentials.delete, 204),
    Route(
        'POST',
        f'{KEY}/RAX-AUTH/reset',
        rules.RESET,
        credentials.reset,
        200,
        writes=credential_bodies.write,
    ),
    Route(
        'GET',
        '/extensions',
        None,
        extensions.list_,
        200,
        writes=extension_bodies.write_list,
        merges=extension_bodies.merge,
    ),
    Route(
        'GET',
        '/extensions/(?i:RAX-KSKEY)',
        None,
        extensions.get,
        200,
        writes=extension_bodies.write,
    ),
)

# A path whose canon starts like this is served in its plain spelling only.
_KSKEY_GUARDED = re.compile(
    r'/v2\.0/(users/[^/]+/OS-KSADM/credentials|extensions)'
)
_V2 = '/v2.0'


@dataclasses.dataclass(frozen=True)
class Match:
    """The route of a request, None for a method the path lacks.

    v2_root is what a path of v2.0 starts with here; path holds the values
    of the names in the route's path.
    """

    route: Route | None
    allow: tuple[str, ...]
    v2_root: str
    path: Mapping[str, str]
    suffix: str | None


class Table:
    """Routes by path; everything else passes through."""

    def __init__(self, routes: Iterable[Route]) -> None:
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        for methods in by_path.values():
            if 'GET' in methods:
                methods['HEAD'] = methods['GET']
        self._table = [
            (_compile(path), methods) for path, methods in by_path.items()
        ]

    def find(self, environ: Mapping[str, Any]) -> Match | None:
        """What a request comes to; None: it is not ours.

        :raises BadRequest: its path is another spelling of one we guard, or
            is ours and not UTF-8.
        """
        if not self._table:
            return None
        told, method = environ.get('PATH_INFO', ''), environ['REQUEST_METHOD']
        plain = _is_plain(told)
        root = _v2_root(environ)
        if root == '':
            told = _V2 + told
            plain = _is_plain(told)
        if root is None or not plain or not told.startswith(f'{_V2}/'):
            return None
        if method == 'OPTIONS':
            return None
        return self._match(method, root, told.removeprefix(_V2))

    def _match(self, method: str, root: str, path: str) -> Match | None:
        for pattern, methods in self._table:
            found = pattern.fullmatch(path)
            if found is not None:
                names = found.groupdict()
                suffix = names.pop('suffix')
                allow = tuple(m for m in _METHODS if m in methods)
                route = methods.get(method)
                return Match(route, allow, root, _to_text(names), suffix)
        return None


_METHODS = ('GET', 'HEAD', 'POST', 'DELETE')


def _compile(path: str) -> re.Pattern[str]:
    segment = re.sub(r'{(\w+)}', r'(?P<\1>[^/]+)', path)
    return re.compile(rf'{segment}/?(?P<suffix>\.json|\.xml)?/?')


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


def _is_plain(path: str) -> bool:
    """Whether a path is its own canon.

    :raises BadRequest: it is not, and its canon is one we guard.
    """
    plain = canon(path)
    if plain != path and _KSKEY_GUARDED.match(plain):
        raise faults.BadRequest('The path is not in its plain spelling.')
    return plain == path


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
