"""A key buys a token (contract, 6 and 8; contract keystone, 1)."""

from collections.abc import Iterator
import contextlib
import datetime
import logging
from typing import Any

from keymw import audit
from keymw import faults
from keymw import keys
from keymw.bodies.auth import Auth
from keymw.bodies.auth import Kind
from keymw.bodies.legacy import SignedIn
from keymw.handlers.call import Call
from keymw.handlers.credentials import KIND
from keymw.handlers.credentials import bring_up_to_date
from keymw.identity import access
from keymw.identity import base
from keymw.identity import external
from keymw.identity.transport import Answer
from keymw.identity.v3 import V3
from keymw.storage.base import Credential
from keymw.storage.base import Outage

LOG = logging.getLogger(__name__)
LOGIN = 'login'


def token(call: Call) -> dict[str, Any]:
    """The v2.0 access that a name and a key buy.

    :raises WrongKey: they do not fit, whichever of them is wrong.
    """
    auth: Auth = call.body
    with _operation(call) as entry:
        if auth.kind is not Kind.KEY:
            LOG.info(
                'a password with the shape of a key is refused: see [kskey] '
                'forward_key_like_passwords'
            )
            raise faults.WrongKey()
        domain_id = call.parts.names_in(call.origin, call.parts.default_domain)
        found = call.parts.credentials.find(domain_id, auth.username or '')
        key, owner = _verified(call, entry, found, auth.secret)
        made = call.parts.identity.issue(call.origin, owner, auth.tenant)
        _rename(call, key, made['user'].get('name', owner.name))
    access.add_method(made, 'APIKEY')
    return made


def legacy(call: Call) -> SignedIn:
    """What a v1.0 login answers; why one is refused is not told."""
    try:
        made = token(call)
    except (faults.LoginRefused, faults.UserDisabled) as fault:
        raise faults.BadUsername(fault.status) from None
    expires = base.moment(made['token']['expires'])
    left = (expires - call.parts.now()) // datetime.timedelta(seconds=1)
    catalogue = made.get('serviceCatalog') or []
    urls = {
        header: url
        for header, service in call.parts.v1_services.items()
        if (url := _public_url(catalogue, service)) is not None
    }
    return SignedIn(made['token']['id'], max(left, 0), urls)


def _public_url(catalogue: list[dict[str, Any]], wanted: str) -> str | None:
    for service in catalogue:
        if wanted in (service.get('type'), service.get('name')):
            for endpoint in service.get('endpoints') or ():
                url = str(endpoint.get('publicURL', ''))
                # Keystone lets others in, and a header cannot hold them.
                if url and url.isascii() and url.isprintable():
                    return url
    return None


def v3(call: Call) -> Answer:
    """Keystone's own answer to a v3 login with a key.

    :raises WrongKey: user and key do not fit, whichever is wrong.
    :raises Relayed: Keystone cannot read the scope, or refuses it.
    """
    keystone = call.parts.identity.v3(call.origin)
    if keystone is None:
        raise faults.WrongKey()
    query = 'nocatalog' if 'nocatalog' in call.query else ''
    with _operation(call) as entry:
        found = _found(call, keystone)
        key, owner = _verified(call, entry, found, call.body.secret)
        answer = keystone.authenticate(
            call.origin, owner, call.body.scope, query
        )
        if answer.status >= 400:
            raise faults.Relayed(answer.status, external.message(answer))
        _rename(call, key, answer.body['token']['user'].get('name'))
    return answer


def _rename(call: Call, key: Credential, name: object) -> None:
    """Bring a name up to date; a login that bought a token stands anyway."""
    try:
        bring_up_to_date(call, key, base.text(name))
    except (Outage, ValueError) as error:
        LOG.warning('the name of a key stays as it was: %s', error)


def _found(call: Call, keystone: V3) -> Credential | None:
    store, body = call.parts.credentials, call.body
    if body.user_id is not None:
        return store.get(body.user_id)
    domain_id = body.domain.id
    if domain_id is None:
        domain_id = keystone.domain_id(call.origin, body.domain.name)
    return store.find(domain_id or '', body.username)


@contextlib.contextmanager
def _operation(call: Call) -> Iterator[audit.Entry]:
    # A name is no id, and may be a key that was put in the wrong place.
    with audit.operation(LOGIN, '-', call.origin.request_id) as entry:
        yield entry


def _verified(
    call: Call, entry: audit.Entry, found: Credential | None, secret: str
) -> tuple[Credential, base.Owner]:
    """A key that is right, and its owner, who may sign in.

    Whether there is no such user, no key, or another one, the same work is
    done and Keystone is not asked (contract, 6.2).
    """
    vault = call.parts.vault
    if found is None:
        known = vault.open_decoy()
    else:
        entry.target = found.user_id
        known = vault.open(KIND, found.user_id, found.secret)
    if not keys.are_equal(known, secret) or found is None:
        raise faults.WrongKey()
    entry.caller = found.user_id
    try:
        return found, call.parts.identity.owner(call.origin, found.user_id)
    except faults.UserNotFound:
        raise base.refusal(found.user_id, 'there is no such user') from None
