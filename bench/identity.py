"""An identity service with prepared JSON responses and no delay."""

from collections.abc import Callable
from collections.abc import Iterable
import json
from typing import Any

from tests.support import pass_through

EXPIRES = '2099-01-01T00:00:00.000000Z'
ISSUED = '2098-01-01T00:00:00.000000Z'
ADMIN = 'a' * 32
DOMAIN = {'id': 'default', 'name': 'Default'}
PROJECT: dict[str, Any] = {
    'id': 'p' * 32,
    'name': 'demo',
    'domain': DOMAIN,
}


def user_id(number: int) -> str:
    """Return the id of a numbered user: 32 hex digits, in no order."""
    return f'{number * _SCATTER % 2**128:032x}'


# Odd, so that no two numbers have the same id; and far from a round number.
_SCATTER = 0x9E3779B97F4A7C15F39CC0605CEDC835


def token_of(user_id: str) -> dict[str, Any]:
    """Return the document of a valid token of a user."""
    return Instant()._token_of(user_id, True)


class Instant:
    """A v3 service with numbered users and one administrator.

    A token is the id of its user, after "key-" if it was issued for a key.
    What follows a question mark makes another token of the same user.
    """

    def __init__(self, services: int = 3) -> None:
        self._catalog = [_service(number) for number in range(services)]
        self._tokens: dict[tuple[str, bool], bytes] = {}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        status, headers, body = self._answer(environ)
        kind = ('Content-Type', 'application/json')
        length = ('Content-Length', str(len(body)))
        start_response(status, [kind, length, *headers])
        return [body]

    def forget(self) -> None:
        """Drop the responses that were prepared for tokens."""
        self._tokens.clear()

    def _answer(
        self, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        path, method = environ['PATH_INFO'], environ['REQUEST_METHOD']
        if path == '/v3/auth/tokens' and method == 'POST':
            id_ = environ['REMOTE_USER']
            id_ = ADMIN if id_ == 'admin' else id_
            with_catalog = 'nocatalog' not in environ['QUERY_STRING']
            body = self._token(f'key-{id_}', with_catalog)
            return '201 Created', [('X-Subject-Token', f'key-{id_}')], body
        if path == '/v3/auth/tokens':
            token = environ['HTTP_X_SUBJECT_TOKEN']
            return '200 OK', [], self._token(token, False)
        return '200 OK', [], json.dumps(_about(path)).encode()

    def _token(self, token: str, with_catalog: bool) -> bytes:
        known = self._tokens.get((token, with_catalog))
        if known is None:
            known = json.dumps(self._token_of(token, with_catalog)).encode()
            self._tokens[token, with_catalog] = known
        return known

    def _token_of(self, token: str, with_catalog: bool) -> dict[str, Any]:
        id_ = token.removeprefix('key-').partition('?')[0]
        is_admin = id_ == ADMIN
        members: dict[str, Any] = {
            'methods': ['external' if 'key-' in token else 'password'],
            'user': {
                'id': id_,
                'name': _name(id_),
                'domain': DOMAIN,
            },
            'roles': [{'id': 'r', 'name': 'admin' if is_admin else 'member'}],
            'project': PROJECT,
            'audit_ids': [id_],
            'issued_at': ISSUED,
            'expires_at': EXPIRES,
        }
        if with_catalog:
            members['catalog'] = self._catalog
        return {'token': members}


def _about(path: str) -> Any:
    """Return the response about the last segment of a path."""
    *_, kind, id_ = path.split('/')
    if path == '/v3':
        return {'version': {'id': 'v3.14', 'status': 'stable'}}
    if kind == 'domains':
        return {'domain': {**DOMAIN, 'enabled': True}}
    if id_ in ('groups', 'role_assignments', 'roles'):
        return {id_: []}
    return {
        'user': {
            'id': id_,
            'name': _name(id_),
            'domain_id': 'default',
            'enabled': True,
        }
    }


def _name(user_id: str) -> str:
    return 'admin' if user_id == ADMIN else user_id


def _service(number: int) -> Any:
    url = f'http://service-{number}.example/v1/{PROJECT["id"]}'
    return {
        'id': f's{number}',
        'type': f'kind-{number}',
        'name': f'service-{number}',
        'endpoints': [
            {
                'id': f'e{number}-{interface}',
                'interface': interface,
                'region': 'RegionOne',
                'region_id': 'RegionOne',
                'url': url,
            }
            for interface in ('public', 'internal', 'admin')
        ],
    }


def ask(app: Any, method: str, path: str, **environ: Any) -> Any:
    """Return the response to one request; it must be a success."""
    body = environ.pop('body', b'')
    reply = pass_through.ask(
        app, pass_through.environ_of(method, path, body, **environ)
    )
    if not 200 <= reply.status < 300:
        raise SystemExit(f'{method} {path}: {reply.status} {reply.body!r}')
    return reply
