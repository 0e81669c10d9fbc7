"""Doubled credentials and bodies that lie, as lines of a request."""

import dataclasses

from tests.support import lenient

LENGTH = len(lenient.LOGIN)
JSON = b'Content-Type: application/json'
BOTH = (
    b'{"auth": {"RAX-KSKEY:apiKeyCredentials": {"username": "u", "apiKey": '
    b'"k"}, "passwordCredentials": {"username": "u", "password": "k"}}}'
)
KEYS = 'GET /api/public/v1.0/admin/apiKeys'
CREDENTIALS = f'GET {lenient.CREDENTIALS}'
V1_0 = 'GET /v1.0'
LOGIN = 'POST /v2.0/tokens'
DIGEST = b'Authorization: Digest username="u", response="x"'


@dataclasses.dataclass(frozen=True)
class Attack:
    """A request: method and target, headers, body."""

    start: str
    headers: tuple[bytes, ...]
    body: bytes = b''


def _login(*headers: bytes, body: bytes = lenient.LOGIN) -> Attack:
    return Attack(LOGIN, (JSON, *headers), body)


def _chunk(body: bytes, size: str | None = None, after: bytes = b'') -> bytes:
    return b'%s%s\r\n%s\r\n' % (
        (size or f'{len(body):x}').encode(),
        after,
        body,
    )


WHOLE = _chunk(lenient.LOGIN) + b'0\r\n\r\n'
CHUNKED = b'Transfer-Encoding: chunked'
SMUGGLED = f'{V1_0} HTTP/1.1\r\nHost: x\r\nX-Direct: 1\r\n\r\n'.encode()

CREDENTIAL_ATTACKS = {
    'X-Auth-Key twice': Attack(
        V1_0, (b'X-Auth-User: u', b'X-Auth-Key: a', b'X-Auth-Key: b')
    ),
    'X-Auth-User twice': Attack(
        V1_0, (b'X-Auth-User: u', b'X-Auth-User: v', b'X-Auth-Key: b')
    ),
    'X-Auth-User and its twin X_Auth_User': Attack(
        V1_0, (b'X-Auth-User: u', b'X_Auth_User: v', b'X-Auth-Key: b')
    ),
    'X-Auth-* and X-Storage-*': Attack(
        V1_0,
        (
            *(b'X-Auth-User: u', b'X-Auth-Key: a'),
            *(b'X-Storage-User: v', b'X-Storage-Pass: b'),
        ),
    ),
    'X-Auth-Token twice': Attack(
        CREDENTIALS, (b'X-Auth-Token: a', b'X-Auth-Token: b')
    ),
    'X-Auth-Token and its twin X_Auth_Token': Attack(
        CREDENTIALS, (b'X_Auth_Token: a', b'X-Auth-Token: b')
    ),
    'X-Auth-Token and REMOTE_USER': Attack(
        CREDENTIALS, (b'Remote-User: admin', b'REMOTE_USER: admin')
    ),
    'X-Identity-Status and X-Roles': Attack(
        CREDENTIALS,
        (b'X-Identity-Status: Confirmed', b'X-Roles: admin'),
    ),
    'Authorization twice': Attack(KEYS, (DIGEST, DIGEST)),
    'X-Auth-Token and Authorization': Attack(
        KEYS, (b'X-Auth-Token: a', DIGEST)
    ),
    'key and password in one login': _login(
        b'Content-Length: %d' % len(BOTH), body=BOTH
    ),
}
BODY_ATTACKS = {
    'Content-Length and Transfer-Encoding': _login(
        b'Content-Length: %d' % LENGTH, CHUNKED, body=WHOLE
    ),
    'Content-Length 0 and Transfer-Encoding': _login(
        b'Content-Length: 0', CHUNKED, body=WHOLE
    ),
    'Transfer-Encoding with a space': _login(
        b'Transfer-Encoding : chunked', body=WHOLE
    ),
    'Transfer-Encoding twice': _login(CHUNKED, CHUNKED, body=WHOLE),
    'Transfer-Encoding: chunked, identity': _login(
        b'Transfer-Encoding: chunked, identity', body=WHOLE
    ),
    'Transfer-Encoding: xchunked': _login(
        b'Transfer-Encoding: xchunked', body=WHOLE
    ),
    'two lengths': _login(
        b'Content-Length: 1', b'Content-Length: %d' % LENGTH
    ),
    'length with a sign': _login(b'Content-Length: +%d' % LENGTH),
    'length in hexadecimal': _login(b'Content-Length: 0x%x' % LENGTH),
    'length below zero': _login(b'Content-Length: -1'),
    'length of 30 digits': _login(b'Content-Length: ' + b'9' * 30),
    'no length': _login(),
    'body shorter than its length': _login(
        b'Content-Length: %d' % (LENGTH + 50)
    ),
    'body longer than its length': _login(
        b'Content-Length: %d' % LENGTH, body=lenient.LOGIN + SMUGGLED
    ),
    'length 0 and a second request': _login(
        b'Content-Length: 0', body=SMUGGLED
    ),
    'chunked': _login(CHUNKED, body=WHOLE),
    'chunk with an extension': _login(
        CHUNKED, body=_chunk(lenient.LOGIN, after=b';a=b') + b'0\r\n\r\n'
    ),
    'chunk that is too short': _login(
        CHUNKED, body=_chunk(lenient.LOGIN, 'ff') + b'0\r\n\r\n'
    ),
    'chunk with a size that is none': _login(
        CHUNKED, body=_chunk(lenient.LOGIN, 'zz') + b'0\r\n\r\n'
    ),
    'chunk with a size below zero': _login(
        CHUNKED, body=_chunk(lenient.LOGIN, '-1') + b'0\r\n\r\n'
    ),
    'chunks without an end': _login(CHUNKED, body=_chunk(lenient.LOGIN)),
    'second request after the chunks': _login(CHUNKED, body=WHOLE + SMUGGLED),
}
