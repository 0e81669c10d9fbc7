"""Checks that a directory can store keys, without changing it."""

import uuid

import ldap
from ldap import schema

from keymw.storage import base
from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Names
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.users import Users


def check(keys: Keys, users: Users) -> None:
    """Return if the directory can store keys.

    :raises Outage: it cannot; the message names the option and says what to
        do.
    """
    _check_schema(keys.session.schema(), keys.names)
    # Read one key, if there is one: the directory may forbid reading.
    next(keys.all(), None)
    _check_writing(keys, users)


def _check_schema(found: schema.SubSchema | None, names: Names) -> None:
    if found is None:
        return
    _check_class(
        found,
        names.object_class,
        names.attributes,
        'credential_objectclass',
        'keymw.ldif',
    )
    _check_class(
        found,
        names.change_class,
        names.of_change,
        'change_objectclass',
        'keymw-changes.ldif',
    )


def _check_class(
    found: schema.SubSchema,
    object_class: str,
    attributes: list[str],
    option: str,
    file: str,
) -> None:
    ours = found.get_obj(schema.ObjectClass, object_class)
    if ours is None:
        raise base.Outage(
            f'[ldap] {option}: the directory has no object class '
            f'"{object_class}": load etc/openldap/{file} '
            'or etc/389ds/99keymw.ldif'
        )
    known = [name.lower() for name in (*ours.must, *ours.may)]
    for name in attributes:
        if name.lower() not in known:
            raise base.Outage(
                f'[ldap] {option}: "{object_class}" has no attribute '
                f'"{name}": load etc/openldap/{file} '
                'or etc/389ds/99keymw.ldif'
            )


def _check_writing(keys: Keys, users: Users) -> None:
    entry = next(keys.session.search(f'(&{users.filter})', ['1.1']), None)
    if entry is None:
        return
    try:
        keys.session.modify(entry.dn, _impossible(keys.names))
    except ldap.NO_SUCH_ATTRIBUTE:
        return
    except ldap.INSUFFICIENT_ACCESS:
        raise base.Outage(
            f'[ldap] user: may not write {_all(keys.names)} and '
            'objectClass: see keymw-database.ldif in etc/openldap or etc/389ds'
        ) from None
    except (ldap.UNWILLING_TO_PERFORM, ldap.REFERRAL) as error:
        raise base.Outage('[ldap] url: the directory is read-only') from error


def _all(names: Names) -> str:
    return ', '.join((*names.attributes, *names.of_change))


def _impossible(names: Names) -> list[Change]:
    """Return changes that fail on every entry, with a key or without.

    A directory checks write access before it notices that the value to remove
    does not exist. So the error shows whether keymw may write.
    """
    return [
        (ldap.MOD_DELETE, names.user_id, [uuid.uuid4().bytes]),
        *((ldap.MOD_DELETE, name, None) for name in names.attributes[1:]),
        *((ldap.MOD_DELETE, name, None) for name in names.of_change),
        (ldap.MOD_DELETE, 'objectClass', [names.object_class.encode()]),
    ]
