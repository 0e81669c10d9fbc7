"""The plain user alice, made over HTTP as an admin would."""

import http.client
import json
import sys
from typing import Any
import urllib.parse

DOMAIN = {'id': 'default'}
ADMIN = {'name': 'admin', 'domain': DOMAIN, 'password': 'demo'}
SIGN_IN = {
    'auth': {
        'identity': {'methods': ['password'], 'password': {'user': ADMIN}},
        'scope': {'project': {'name': 'admin', 'domain': DOMAIN}},
    }
}
PROJECT = {'name': 'demo', 'domain_id': 'default'}
ALICE = {'name': 'alice', 'domain_id': 'default', 'password': 'demo'}


def user_id(port: int) -> str:
    """Return the id of alice, who is made where there is none."""
    keystone = Keystone(port)
    role = keystone.find_or_make('role', {'name': 'member'})
    project = keystone.find_or_make('project', PROJECT)
    alice = {**ALICE, 'default_project_id': project}
    user = keystone.find_or_make('user', alice)
    keystone.ask('PUT', f'/v3/projects/{project}/users/{user}/roles/{role}')
    return user


class Keystone:
    """The Keystone of the demo, asked as admin."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._headers = {'Content-Type': 'application/json'}
        headers, _token = self.ask('POST', '/v3/auth/tokens', SIGN_IN)
        self._headers['X-Auth-Token'] = headers['X-Subject-Token']

    def find_or_make(self, kind: str, wanted: dict[str, str]) -> str:
        """Return the id of what has the wanted name and domain."""
        known = {'name', 'domain_id'} & wanted.keys()
        query = urllib.parse.urlencode({key: wanted[key] for key in known})
        _headers, found = self.ask('GET', f'/v3/{kind}s?{query}')
        if found[f'{kind}s']:
            return str(found[f'{kind}s'][0]['id'])
        _headers, made = self.ask('POST', f'/v3/{kind}s', {kind: wanted})
        return str(made[kind]['id'])

    def ask(
        self, method: str, path: str, body: object = None
    ) -> tuple[http.client.HTTPMessage, Any]:
        link = http.client.HTTPConnection('127.0.0.1', self._port, timeout=30)
        content = json.dumps(body) if body else None
        link.request(method, path, content, self._headers)
        reply = link.getresponse()
        if reply.status >= 400:
            sys.exit(
                f'Keystone answers {method} {path} with {reply.status}: '
                'see demo.log, or begin anew without DEMO_DIR.'
            )
        return reply.headers, json.loads(reply.read() or b'null')
