"""A client of the demo's Keystone, with the rights of an admin."""

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


class Keystone:
    """A session as admin with the Keystone of the demo."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._headers = {'Content-Type': 'application/json'}
        # Keystone caches a catalogue for some seconds.
        headers, _token = self.ask(
            'POST', '/v3/auth/tokens?nocatalog', SIGN_IN
        )
        self._headers['X-Auth-Token'] = headers['X-Subject-Token']

    def find_or_make(self, kind: str, wanted: dict[str, str]) -> str:
        """Return the id of the object with this name and domain, or type."""
        known = {'name', 'domain_id', 'type'} & wanted.keys()
        found = self.find(kind, **{key: wanted[key] for key in known})
        if found:
            return str(found[0]['id'])
        _headers, made = self.ask('POST', f'/v3/{kind}s', {kind: wanted})
        return str(made[kind]['id'])

    def find(self, kind: str, **wanted: str) -> list[dict[str, Any]]:
        """Return all objects of a kind with the wanted values."""
        query = urllib.parse.urlencode(wanted)
        _headers, found = self.ask('GET', f'/v3/{kind}s?{query}')
        return list(found[f'{kind}s'])

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
