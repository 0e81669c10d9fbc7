"""The API keys of users (contract, 1.4 to 1.9)."""

from keymw import faults
from keymw import keys
from keymw import media
from keymw.bodies.credentials import ApiKey
from keymw.handlers.call import Call
from keymw.identity.base import User
from keymw.negotiate import Format
from keymw.storage.base import Credential

KIND = 'credential'


def list_(call: Call) -> list[ApiKey]:
    """The keys of a user: one, or none."""
    user = _target(call)
    found = _stored(call, user)
    return [] if found is None else [found]


def get(call: Call) -> ApiKey:
    """The key of a user.

    :raises NoCredential: there is none.
    """
    found = _stored(call, _target(call))
    if found is None:
        raise faults.NoCredential()
    return found


def put(call: Call) -> ApiKey:
    """Set the key of a user to the one in the body: add and update.

    :raises NameMismatch: the body names somebody else.
    """
    user = _present(call, call.target())
    if call.body.username != user.name:
        raise faults.NameMismatch()
    _check_name(user)
    return _store(call, user, call.body.api_key)


def delete(call: Call) -> None:
    """Delete the key of a user.

    :raises NothingToDelete: there is none.
    """
    user = call.target()
    if not call.parts.credentials.delete(user.id):
        raise faults.NothingToDelete(user.id)


def reset(call: Call) -> ApiKey:
    """Give a user a new key, whether or not there was one."""
    return _store(call, _present(call, _target(call)), keys.new_api_key())


def _target(call: Call) -> User:
    user = call.target()
    if call.format is Format.XML:
        _check_name(user)
    return user


def _present(call: Call, user: User) -> User:
    """A user whose name is written: never one that was remembered."""
    if call.caller is not None and user.id == call.caller.user_id:
        return user
    return call.present(user)


def _check_name(user: User) -> None:
    """Refuse a name that an XML reply could not carry, nothing changed."""
    if not media.xml_safe(user.name):
        shown = user.name.encode('unicode_escape').decode()
        raise faults.BadRequest(
            f'The name of the user, {shown}, has a character that XML lacks.'
        )


def _stored(call: Call, user: User) -> ApiKey | None:
    found = call.parts.credentials.get(user.id)
    if found is None:
        return None
    if found.username != user.name:
        user = call.present(user)
        bring_up_to_date(call, found, user.name)
    secret = call.parts.vault.open(KIND, user.id, found.secret)
    return ApiKey(user.name, secret)


def bring_up_to_date(call: Call, found: Credential, username: str) -> None:
    """Let a user who was renamed sign in by the present name (keystone, 1).

    Nothing is written for a user who was not.
    """
    if found.username != username:
        call.parts.credentials.rename(found, username)


def _store(call: Call, user: User, secret: str) -> ApiKey:
    now = call.parts.now()
    call.parts.credentials.put(
        Credential(
            user_id=user.id,
            domain_id=call.parts.names_in(call.origin, user.domain_id),
            username=user.name,
            secret=call.parts.vault.seal(KIND, user.id, secret),
            created_at=now,
            updated_at=now,
        )
    )
    return ApiKey(user.name, secret)
