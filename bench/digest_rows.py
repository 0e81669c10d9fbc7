"""Rows of global keys: a Digest response checked, and a whole request."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import functools
import pathlib
import time
from typing import Any

from bench import identity
from bench.measure import LIMIT
from bench.measure import OURS
from bench.measure import Row
from keymw.global_keys.digest import RequestLine
from keymw.global_keys.digest_login import DigestGate
from keymw.limits.client_address import Clients
from keymw.limits.failures import Failures
from tests.support import digest
from tests.support import pass_through
from tests.support.admin import KEYS
from tests.support.admin import Office

# So many requests of a client, with one nonce.
_REQUESTS = 5000


def rows(home: pathlib.Path) -> Iterator[Row]:
    """Yield the rows; the identity service takes no time."""
    cached = {'token_cache_ttl': '3600', 'api_version': 'v3'}
    office = Office(home, identity.Instant(), {'identity': cached})
    app = office.deployment.load(identity.Instant())
    # The vault reads its keys anew for a second after they were made.
    time.sleep(1)
    by_token = functools.partial(
        identity.ask, app, 'GET', KEYS, HTTP_X_AUTH_TOKEN=identity.ADMIN
    )
    yield Row(
        'Digest verify',
        {OURS: _verifying(office), LIMIT: _bare(office)},
        calls=100,
        most=120,
    )
    yield Row(
        'GET apiKeys by Digest',
        {OURS: _getting(office, app), 'by token': by_token},
        calls=100,
        most=350,
    )


def _headers(office: Office) -> Iterator[str]:
    """Yield responses to one challenge, each with the next count."""
    user, password = office.owner.user, office.owner.password
    challenge = office.owner.challenge('GET', KEYS)
    made = [
        digest.answer(challenge, 'GET', KEYS, user, password, nc=f'{n:08x}')
        for n in range(1, _REQUESTS)
    ]
    return iter(made)


def _verifying(office: Office) -> Callable[[], object]:
    """Return the steps of a request that check its Authorization."""
    conf, sealing = office.conf, office.vault
    failures = Failures(conf, Clients(conf), sealing, time.time)
    gate = DigestGate(conf, sealing, office.keys, failures, time.time)
    line = RequestLine('GET', KEYS, '')
    headers = _headers(office)
    environ = pass_through.environ_of('GET', KEYS)

    def verify() -> object:
        environ['HTTP_AUTHORIZATION'] = next(headers)
        return gate.admit(environ, line, 'req-1')

    return verify


def _bare(office: Office) -> Callable[[], object]:
    """Return the least of it: a read, an opening, and the hashes."""
    user, password = office.owner.user, office.owner.password
    challenge = office.owner.challenge('GET', KEYS)
    stored = office.keys.find(user)
    assert stored is not None

    def check() -> object:
        found = office.keys.find(user)
        assert found is not None
        return digest.answer(challenge, 'GET', KEYS, user, password)

    return check


def _getting(office: Office, app: Any) -> Callable[[], object]:
    headers = _headers(office)
    return lambda: identity.ask(
        app, 'GET', KEYS, HTTP_AUTHORIZATION=next(headers)
    )
