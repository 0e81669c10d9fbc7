"""The entries of users, with a key or without."""

import ldap
from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.storage import base
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import equals
from keymw.storage.ldap.session import Session


class Users:
    """Where the key of a user is to be written.

    :raises ConfigError: [ldap] user_filter is no filter.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.filter = _checked(
            f'(objectClass={conf.ldap.user_objectclass})'
            f'{conf.ldap.user_filter}'
        )
        self._by_id = bool(conf.ldap.user_id_attribute)
        self._attribute: str = (
            conf.ldap.user_id_attribute or conf.ldap.user_name_attribute
        )

    def entry(self, session: Session, key: base.Credential) -> Entry | None:
        """The entry of the user whom a key is for.

        None where entries are found by a name and the key has none.

        :raises Outage: there is no such entry, or there are several.
        """
        value = key.user_id if self._by_id else key.username
        if value is None:
            return None
        found = list(self._having(session, value))
        if len(found) != 1:
            raise self._not_one(len(found), value)
        return found[0]

    def _having(self, session: Session, value: str) -> list[Entry]:
        # The directory may take for equal what keymw tells apart.
        return [
            entry
            for entry in session.search(
                f'(&{self.filter}{equals(self._attribute, value)})',
                ['objectClass', self._attribute],
            )
            if value.encode() in entry.values(self._attribute)
        ]

    def _not_one(self, number: int, value: str) -> base.Outage:
        option = 'user_id' if self._by_id else 'user_name'
        return base.Outage(
            f'[ldap] {option}_attribute: {number or "no"} entries have '
            f'{self._attribute} = {value!r}, and exactly one must'
        )


def _checked(wanted: str) -> str:
    try:
        # The library looks at a filter before it looks for a server.
        ldap.initialize('ldapi://%2Fdev%2Fnull').search_ext(
            '', ldap.SCOPE_BASE, f'(&{wanted})'
        )
    except ldap.FILTER_ERROR:
        raise ConfigError(
            '[ldap] user_filter: is no filter in parentheses'
        ) from None
    except ldap.LDAPError:
        pass
    return wanted
