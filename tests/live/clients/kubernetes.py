"""A client by hand, with the ways of the Kubernetes operator.

It finds fields of the challenge by name wherever they stand, counts "1" and
nothing else, and asks for the challenge with each request, without the body.
"""

import contextlib
from email.message import Message
import hashlib
import http.client
import secrets
import urllib.parse

from tests.live.clients import asked

# Status, headers and body.
Response = tuple[int, Message, str]
HEADERS = {'Content-Type': 'application/json; charset=UTF-8'}


def client(public_key: str, private_key: str) -> asked.Ask:
    """Ask with a connection of its own for each."""

    def ask(method: str, url: str, body: str | None) -> asked.Answer:
        status, _, told = asks(public_key, private_key, method, url, body)
        return status, told

    return ask


def asks(
    public_key: str,
    private_key: str,
    method: str,
    url: str,
    body: str | None = None,
) -> Response:
    """The responses to a client with a key."""
    place = urllib.parse.urlsplit(url)
    uri = place._replace(scheme='', netloc='').geturl()
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    with contextlib.closing(connection):
        status, headers, _ = sent(connection, method, uri, None, HEADERS)
        assert status == 401
        words = answer(
            *(public_key, private_key, method, uri),
            challenge=headers['WWW-Authenticate'],
        )
        more = {**HEADERS, 'Authorization': words}
        return sent(connection, method, uri, body, more)


def sent(
    connection: http.client.HTTPConnection,
    method: str,
    uri: str,
    body: str | None,
    headers: dict[str, str],
) -> Response:
    """Ask over a connection, which is made anew when it was closed."""
    connection.request(method, uri, body, headers)
    with connection.getresponse() as response:
        return response.status, response.headers, response.read().decode()


def answer(
    public_key: str, private_key: str, method: str, uri: str, challenge: str
) -> str:
    """An Authorization header."""
    realm, nonce, qop = (
        field(challenge, name) for name in ('realm', 'nonce', 'qop')
    )
    cnonce = secrets.token_hex(8)
    response = hashed(
        hashed(public_key, realm, private_key),
        *(nonce, '1', cnonce, qop),
        hashed(method, uri),
    )
    return (
        f'Digest username="{public_key}", realm="{realm}", nonce="{nonce}", '
        f'uri="{uri}", cnonce="{cnonce}", nc=1, qop={qop}, '
        f'response="{response}", algorithm="MD5"'
    )


def field(challenge: str, name: str) -> str:
    """The text after the first quote behind a name."""
    return challenge.partition(name)[2].split('"')[1]


def hashed(*parts: str) -> str:
    """Parts, with colons between them, in MD5."""
    text = ':'.join(parts).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


if __name__ == '__main__':
    asked.run(client)
