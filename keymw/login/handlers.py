"""Logins that exchange an API key for a token.

Source: doc/contract/rackspace-identity 6 and 8, doc/contract/keystone 1.
"""

import logging
from typing import NoReturn

from keymw.call import Call
from keymw.credentials import keys
from keymw.credentials.handlers import KIND
from keymw.credentials.handlers import bring_up_to_date
from keymw.identity import access
from keymw.identity import base
from keymw.identity import external
from keymw.identity.access import Access
from keymw.identity.access import Service
from keymw.identity.transport import Response
from keymw.identity.v3 import V3
from keymw.limits import audited_names
from keymw.login import audit_line
from keymw.login.key_logins import KeyLogins
from keymw.login.v1_bodies import SignedIn
from keymw.login.v2_body import Auth
from keymw.login.v2_body import Kind
from keymw.login.v3_body import KeyAuth
from keymw.observe import audit
from keymw.storage.base import Credential
from keymw.storage.base import Outage
from keymw.web import faults

LOG = logging.getLogger(__name__)
Login = audit_line.Login


class Logins:
    """Logins with credentials, with API keys, or with both.

    A secret with the form of an API key is one; every other is a credential.
    """

    def __init__(
        self, keys: KeyLogins | None, *, has_credentials: bool
    ) -> None:
        self._keys = keys
        self._has_credentials = has_credentials

    def token(self, call: Call[None, Auth]) -> Access:
        """The v2.0 access for a login with a name and a key.

        :raises WrongKey: the name or the key is wrong.
        """
        with audit_line.operation(call) as entry:
            made = self._access(call, entry)
        access.add_method(made, 'APIKEY')
        return made

    def _access(self, call: Call[None, Auth], entry: audit.Entry) -> Access:
        if call.body.kind is not Kind.KEY:
            LOG.info(
                'a password with the shape of a key is refused: see [kskey] '
                'forward_key_like_passwords'
            )
            reason = 'a password with the shape of a key'
            raise _wrong_key(call, call.body.secret, reason)
        keys = self._of(call.body.secret)
        return keys.access(call, entry) if keys else _access(call, entry)

    def _of(self, secret: str) -> KeyLogins | None:
        """The logins that a secret is for; None: those with credentials.

        :raises WrongKey: there are none with credentials here.
        """
        if self._keys is not None and self._keys.has_form(secret):
            return self._keys
        if not self._has_credentials:
            raise faults.WrongKey('no API key, and credentials are off')
        return None

    def legacy(self, call: Call[None, Auth]) -> SignedIn:
        """The token and URLs of a v1.0 login.

        :raises BadUsername: the login is refused; the reason is not revealed.
        """
        try:
            return _legacy(call, self.token(call))
        except (
            faults.LoginRefused,
            faults.NotInV2,
            faults.UserDisabled,
        ) as fault:
            raise faults.BadUsername(fault.status) from None

    def v3(self, call: Call[None, KeyAuth]) -> Response:
        """Keystone's own response to a v3 login with a key.

        :raises WrongKey: the user or the key is wrong.
        :raises Relayed: Keystone refuses the scope.
        """
        query = 'nocatalog' if 'nocatalog' in call.query else ''
        with audit_line.operation(call, faults.OverLimitV3) as entry:
            keys = self._of(call.body.secret)
            if keys is not None:
                return keys.response(call, entry, query)
            if call.body.user_id is None and call.body.username is None:
                raise faults.WrongKey('no API key, and no user')
            return _answer(call, entry, query)


def refuse_password(call: Call[None, KeyAuth]) -> NoReturn:
    """Refuse a v3 login whose password has the form of an API key.

    :raises WrongKey: always.
    """
    with audit_line.operation(call, faults.OverLimitV3):
        raise faults.WrongKey('a password with the shape of a key')


def _access(call: Call[None, Auth], entry: audit.Entry) -> Access:
    """The v2.0 access for a login with a credential."""
    auth = call.body
    domain_id = call.parts.names_in(call.origin, call.parts.default_domain)
    found = _named(call, domain_id, auth)
    key, owner = _verified(call, entry, found, auth.secret)
    made = call.parts.identity.issue(call.origin, owner, auth.tenant)
    _require_unchanged(call, key, auth.secret, made['token']['id'])
    _rename(call, key, made['user'].get('name', owner.name))
    return made


def _legacy(call: Call[None, Auth], made: Access) -> SignedIn:
    catalogue = made.get('serviceCatalog') or []
    urls = {
        header: url
        for header, service in call.parts.v1_services.items()
        if (url := _public_url(catalogue, service)) is not None
    }
    return SignedIn(made['token']['id'], urls)


def _public_url(catalogue: list[Service], wanted: str) -> str | None:
    for service in catalogue:
        if wanted in (service.get('type'), service.get('name')):
            for endpoint in service.get('endpoints') or ():
                url = str(endpoint.get('publicURL', ''))
                # Keystone allows other URLs, which do not fit in a header.
                if url and url.isascii() and url.isprintable():
                    return url
    return None


def _answer(
    call: Call[None, KeyAuth], entry: audit.Entry, query: str
) -> Response:
    """Keystone's own response to a v3 login with a credential."""
    keystone = call.parts.identity.v3(call.origin)
    if keystone is None:
        raise faults.WrongKey('there is no v3')
    found = _found(call, keystone)
    key, owner = _verified(call, entry, found, call.body.secret)
    response = keystone.authenticate(
        call.origin, owner, call.body.scope, query
    )
    if response.status >= 400:
        raise faults.Relayed(response.status, external.message(response))
    issued = response.headers['X-Subject-Token']
    _require_unchanged(call, key, call.body.secret, issued)
    _rename(call, key, response.body['token']['user'].get('name'))
    return response


def _rename(call: Call[None, Login], key: Credential, name: object) -> None:
    """Update the stored name; a failure does not fail the login."""
    try:
        bring_up_to_date(call, key, base.text(name))
    except (Outage, ValueError) as error:
        LOG.warning('the name of a key stays as it was: %s', error)


def _found(call: Call[None, KeyAuth], keystone: V3) -> Credential | None:
    store, body = call.parts.credentials, call.body
    if body.user_id is not None:
        return store.get(body.user_id)
    domain_id = body.domain.id
    if domain_id is None:
        domain_id = keystone.domain_id(call.origin, body.domain.name or '')
    return store.find(domain_id or _NO_DOMAIN, body.username or '')


# An unknown domain costs the same look-up. An empty id would be wrong: it is
# the domain of users of a v2.0 service.
_NO_DOMAIN = 'no such domain'


def _named(
    call: Call[None, Login], domain_id: str, auth: Auth
) -> Credential | None:
    names = [auth.username or '', *auth.spellings]
    # Look up all names, so that timing does not reveal which one exists.
    found = [call.parts.credentials.find(domain_id, name) for name in names]
    return next((key for key in found if key is not None), None)


def _verified(
    call: Call[None, Login],
    entry: audit.Entry,
    found: Credential | None,
    secret: str,
) -> tuple[Credential, base.Owner]:
    """The credential and its owner, if the secret is right.

    An unknown user, a user without a key and a wrong key cost the same work
    and no request to Keystone (doc/contract/rackspace-identity 6.2).

    :raises WrongKey: the secret is wrong, or the user is gone.
    :raises UserDisabled: the user or the domain is disabled.
    """
    vault = call.parts.vault
    if found is None:
        known = vault.open_decoy()
    else:
        entry.target = found.user_id
        known = vault.open(KIND, found.user_id, found.secret)
    is_right = keys.are_equal(known, secret)
    if found is None or not is_right:
        reason = 'unknown name or no key' if found is None else 'wrong key'
        raise _wrong_key(call, secret, reason)
    entry.caller = found.user_id
    call.parts.stale.wait(found.user_id)
    try:
        return found, call.parts.identity.owner(call.origin, found.user_id)
    except faults.UserNotFound:
        raise base.refusal(found.user_id, 'there is no such user') from None


def _wrong_key(
    call: Call[None, Login], secret: str, reason: str
) -> faults.WrongKey:
    """The fault for a wrong key; the audit event gets the key's hash.

    The same hash many times is a client with an old key; many hashes are
    guesses.
    """
    hashed = audited_names.hash_of_key(secret, call.parts.vault)
    return faults.WrongKey(reason, {'key': hashed})


def _require_unchanged(
    call: Call[None, Login], key: Credential, secret: str, token: str
) -> None:
    """Check that the key of a login is still right after the login.

    Another request may have changed the key meanwhile. Once it has, the old
    key must not get a token any more.

    :raises WrongKey: the key has changed; the token is revoked.
    """
    if _is_right_now(call, key, secret):
        return
    try:
        call.parts.identity.revoke(call.origin, token)
    except faults.Fault as fault:
        LOG.warning('the token of a refused login is not revoked: %s', fault)
    raise base.refusal(key.user_id, 'it was changed during the login')


def _is_right_now(
    call: Call[None, Login], key: Credential, secret: str
) -> bool:
    now = call.parts.credentials.get(key.user_id)
    if now is None or now.secret == key.secret:
        return now is not None
    # The name changed, or the secret was sealed with a new key.
    known = call.parts.vault.open(KIND, now.user_id, now.secret)
    return keys.are_equal(known, secret)
