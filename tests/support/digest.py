"""HTTP Digest by hand, correct or changed by a test (contract, 3)."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

REALM = 'MMS Public API'
_HASHES = {'MD5': 'md5', 'SHA-256': 'sha256'}


def challenges(response: Any) -> list[dict[str, str]]:
    """The challenges of a 401, one for each header."""
    told = response.headers.getall('WWW-Authenticate')
    return [
        {
            k: v.strip('"')
            for k, v in re.findall(r'(\w+)=("[^"]*"|\S+?)(?=,|$)', one)
        }
        for one in told
    ]


def answer(
    challenge: dict[str, str],
    method: str,
    uri: str,
    user: str,
    password: str,
    **changes: str,
) -> str:
    """An Authorization header; changes are made after all is worked out.

    nc and cnonce are known before.
    """
    algorithm = challenge['algorithm']

    def hashed(text: str) -> str:
        return hashlib.new(_HASHES[algorithm], text.encode()).hexdigest()

    nc = changes.pop('nc', '00000001')
    cnonce = changes.pop('cnonce', '0a4f113b')
    ha1 = hashed(f'{user}:{challenge["realm"]}:{password}')
    ha2 = hashed(f'{method}:{uri}')
    whole = f'{ha1}:{challenge["nonce"]}:{nc}:{cnonce}:auth:{ha2}'
    quoted = {
        'username': user,
        'realm': challenge['realm'],
        'nonce': challenge['nonce'],
        'uri': uri,
        'cnonce': cnonce,
        'response': hashed(whole),
        'algorithm': algorithm,
    } | changes
    said = ', '.join(f'{name}="{text}"' for name, text in quoted.items())
    return f'Digest {said}, qop=auth, nc={nc}'


class Client:
    """Holds a key, and answers each challenge once."""

    def __init__(self, web: Any, user: str, password: str) -> None:
        self.web = web
        self.user = user
        self.password = password

    def challenge(self, method: str = 'GET', url: str = '/') -> dict[str, str]:
        """The first challenge that a request without a response gets."""
        response = self.web.request(url, method=method, status=401)
        return challenges(response)[0]

    def ask(self, method: str, url: str, body: Any = None, **more: Any) -> Any:
        """The response to a request, with a body of JSON or of bytes."""
        environ = more.pop('environ', None)
        headers = more.pop('headers', {})
        first = self.challenge(method, url)
        parts = urlsplit(url)
        uri = parts.path + (f'?{parts.query}' if parts.query else '')
        headers['Authorization'] = answer(
            first, method, uri, self.user, self.password, **more
        )
        return send(self.web, method, url, body, headers, environ)


def send(
    web: Any,
    method: str,
    url: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
) -> Any:
    """A request of JSON or of bytes; every status is a response."""
    headers = dict(headers or {})
    more: dict[str, Any] = {}
    if body is not None:
        more['body'] = (
            body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        headers.setdefault('Content-Type', 'application/json')
    return web.request(
        url,
        method=method,
        headers=headers,
        environ=environ or {},
        expect_errors=True,
        **more,
    )
