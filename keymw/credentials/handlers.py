"""Operations on the API keys of users.

Source: doc/contract/rackspace-identity 1.4 to 1.9.
"""

import dataclasses

from keymw.call import Call
from keymw.credentials import keys
from keymw.credentials.bodies import ApiKey
from keymw.identity.base import Caller
from keymw.identity.base import User
from keymw.storage.base import Credential
from keymw.web import faults
from keymw.web import media
from keymw.web.negotiate import Format

KIND = 'credential'


def list_(call: Call[Caller, None]) -> list[ApiKey]:
    """The keys of a user: a list of one or none."""
    user = _target(call)
    key = _stored(call, user)
    return [] if key is None else [key]


def get(call: Call[Caller, None]) -> ApiKey:
    """The key of a user.

    :raises NoCredential: the user has no key.
    """
    key = _stored(call, _target(call))
    if key is None:
        raise faults.NoCredential()
    return key


def put(call: Call[Caller, ApiKey]) -> ApiKey:
    """Set the key of a user to the key in the body: add and update.

    :raises NameMismatch: the name in the body is not the user's.
    """
    user = call.present_target()
    if call.body.username != user.name:
        raise faults.NameMismatch()
    _check_name(user)
    return _store(call, user, call.body.api_key)


def delete(call: Call[Caller, None]) -> None:
    """Delete the key of a user.

    :raises NothingToDelete: the user has no key.
    """
    user = call.target()
    if not call.parts.credentials.delete(user.id, chain=call.caller.chain):
        raise faults.NothingToDelete(user.id)


def reset(call: Call[Caller, None]) -> ApiKey:
    """Set a new random key; the user may or may not have one already."""
    secret = keys.new_api_key()
    renewed = _renewed(call, secret) if call.is_own else None
    if renewed is not None:
        return renewed
    return _store(call, _checked(call, call.present_target()), secret)


def _renewed(call: Call[Caller, None], secret: str) -> ApiKey | None:
    """The caller's own key with a new secret; None if it needs a look-up.

    If the key is stored under the name and the domain in the token, both stay
    as they are, and the identity service is not asked for them.
    """
    user = _checked(call, call.target())
    former = call.parts.credentials.get(user.id)
    domain_id = call.parts.names_in(call.origin, user.domain_id)
    here = domain_id, user.name
    if former is None or (former.domain_id, former.username) != here:
        return None
    renewed = dataclasses.replace(
        former,
        secret=call.parts.vault.seal(KIND, user.id, secret),
        updated_at=call.parts.now(),
    )
    if not call.parts.credentials.renew(former, renewed, call.caller.chain):
        return None
    return ApiKey(user.name, secret)


def _target(call: Call[Caller, object]) -> User:
    return _checked(call, call.target())


def _checked(call: Call[Caller, object], user: User) -> User:
    if call.format is Format.XML:
        _check_name(user)
    return user


def _check_name(user: User) -> None:
    """Refuse a name that XML cannot express, before anything changes."""
    if not media.xml_safe(user.name):
        shown = user.name.encode('unicode_escape').decode()
        raise faults.BadRequest(
            f'The name of the user, {shown}, has a character that XML lacks.'
        )


def _stored(call: Call[Caller, object], user: User) -> ApiKey | None:
    key = call.parts.credentials.get(user.id)
    if key is None:
        return None
    if key.username != user.name:
        user = call.present(user)
        bring_up_to_date(call, key, user.name)
    secret = call.parts.vault.open(KIND, user.id, key.secret)
    return ApiKey(user.name, secret)


def bring_up_to_date(
    call: Call[Caller | None, object], key: Credential, username: str
) -> None:
    """Store the present name of a renamed user, for logins by this name.

    Writes nothing if the name is unchanged. Source: doc/contract/keystone 1.
    """
    if key.username != username:
        call.parts.credentials.rename(key, username)


def _store(call: Call[Caller, object], user: User, secret: str) -> ApiKey:
    now = call.parts.now()
    call.parts.credentials.put(
        Credential(
            user_id=user.id,
            domain_id=call.parts.names_in(call.origin, user.domain_id),
            username=user.name,
            secret=call.parts.vault.seal(KIND, user.id, secret),
            created_at=now,
            updated_at=now,
        ),
        chain=call.caller.chain,
    )
    return ApiKey(user.name, secret)
