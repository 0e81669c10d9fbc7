"""An identity service with prepared responses that has trusts too."""

import json
from typing import Any
import uuid

from bench import identity

ROLE = {'id': 'r', 'name': 'member'}
_TRUSTS = '/v3/OS-TRUST/trusts'
_TOKEN = 'trust-'
_PROJECT = identity.PROJECT | {'domain_id': 'default', 'enabled': True}


class Trusting(identity.Instant):
    """Every user has one role on the one project, and may make trusts.

    The token of a trust is its id, after "trust-". The trustee of all trusts
    is the administrator.
    """

    def __init__(self, services: int = 3) -> None:
        super().__init__(services)
        self.trusts: dict[str, dict[str, Any]] = {}

    def _answer(
        self, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        path, method = environ['PATH_INFO'], environ['REQUEST_METHOD']
        if path.startswith(_TRUSTS):
            return self._of_trusts(method, path.rpartition('/')[2], environ)
        if path == '/v3/auth/tokens' and method == 'POST':
            return self._issued(environ)
        found = _about(path)
        return super()._answer(environ) if found is None else _reply(found)

    def _of_trusts(
        self, method: str, id_: str, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        if method == 'POST':
            made = {**_body(environ)['trust'], 'id': uuid.uuid4().hex}
            self.trusts[made['id']] = made
            return _reply({'trust': made}, '201 Created')
        if id_ == 'trusts':
            return _reply({'trusts': list(self.trusts.values())})
        if id_ not in self.trusts:
            return _reply({'error': {'code': 404}}, '404 Not Found')
        if method == 'DELETE':
            del self.trusts[id_]
            return '204 No Content', [], b''
        return _reply({'trust': self.trusts[id_]})

    def _issued(
        self, environ: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        scope = _body(environ)['auth'].get('scope')
        if not isinstance(scope, dict) or 'OS-TRUST:trust' not in scope:
            environ['wsgi.input'].seek(0)
            return super()._answer(environ)
        id_ = scope['OS-TRUST:trust']['id']
        if id_ not in self.trusts:
            return _reply({'error': {'code': 401}}, '401 Unauthorized')
        token = _TOKEN + id_
        body = self._token_of(token, True)
        return _reply(body, '201 Created', [('X-Subject-Token', token)])

    def _token_of(self, token: str, with_catalog: bool) -> dict[str, Any]:
        if not token.startswith(_TOKEN):
            return super()._token_of(token, with_catalog)
        trust = self.trusts[token.removeprefix(_TOKEN)]
        owner = f'key-{trust["trustor_user_id"]}'
        found = super()._token_of(owner, with_catalog)
        found['token']['OS-TRUST:trust'] = {
            'id': trust['id'],
            'trustee_user': {'id': trust['trustee_user_id']},
        }
        return found


def _body(environ: dict[str, Any]) -> Any:
    length = int(environ.get('CONTENT_LENGTH') or 0)
    return json.loads(environ['wsgi.input'].read(length))


def _about(path: str) -> Any:
    *_, kind, id_ = path.split('/')
    if id_ == 'role_assignments':
        return {'role_assignments': [{'role': ROLE, 'links': {}}]}
    if path == '/v3/roles':
        return {'roles': [ROLE]}
    if kind == 'roles':
        return {'role': ROLE}
    if kind == 'projects':
        return {'project': _PROJECT}
    return None


def _reply(
    body: Any,
    status: str = '200 OK',
    headers: list[tuple[str, str]] | None = None,
) -> tuple[str, list[tuple[str, str]], bytes]:
    return status, headers or [], json.dumps(body).encode()
