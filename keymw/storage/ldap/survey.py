"""Whether a directory can keep keys; nothing in it is changed."""

import ldap
from ldap import schema

from keymw.storage import base
from keymw.storage.ldap.entries import Change
from keymw.storage.ldap.entries import Names
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.users import Users


def check(keys: Keys, users: Users) -> None:
    """Return when keys can be kept.

    :raises Outage: they cannot; it names the option and says what to do.
    """
    _check_schema(keys.session.schema(), keys.names)
    # One is read, where there is one: reading may be forbidden.
    next(keys.all(), None)
    _check_writing(keys, users)


def _check_schema(found: schema.SubSchema | None, names: Names) -> None:
    if found is None:
        return
    ours = found.get_obj(schema.ObjectClass, names.object_class)
    if ours is None:
        raise base.Outage(
            '[ldap] credential_objectclass: the directory has no object '
            f'class "{names.object_class}": load etc/openldap/keymw.ldif'
        )
    known = [name.lower() for name in (*ours.must, *ours.may)]
    for name in names.attributes:
        if name.lower() not in known:
            raise base.Outage(
                f'[ldap] credential_objectclass: "{names.object_class}" has '
                f'no attribute "{name}": load etc/openldap/keymw.ldif'
            )


def _check_writing(keys: Keys, users: Users) -> None:
    without = f'(&{users.filter}(!{keys.names.held()}))'
    entry = next(keys.session.search(without, ['1.1']), None)
    if entry is None:
        return
    try:
        keys.session.modify(entry.dn, _impossible(keys.names))
    except ldap.NO_SUCH_ATTRIBUTE:
        return
    except ldap.INSUFFICIENT_ACCESS:
        raise base.Outage(
            f'[ldap] user: may not write {", ".join(keys.names.attributes)} '
            'and objectClass: see etc/openldap/keymw-database.ldif'
        ) from None
    except (ldap.UNWILLING_TO_PERFORM, ldap.REFERRAL) as error:
        raise base.Outage('[ldap] url: the directory is read-only') from error


def _impossible(names: Names) -> list[Change]:
    """What cannot be done to an entry that holds no key.

    A directory says first what we may not write, and then that there is
    nothing to take away.
    """
    return [
        (ldap.MOD_DELETE, names.user_id, [b'nobody']),
        *((ldap.MOD_DELETE, name, None) for name in names.attributes[1:]),
        (ldap.MOD_DELETE, 'objectClass', [names.object_class.encode()]),
    ]
