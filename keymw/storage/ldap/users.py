"""The entries of users, with or without a key."""

import ldap
from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.storage import base
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import equals
from keymw.storage.ldap.session import Session


class Users:
    """Finds the entry for the key of a user.

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
        """Return the entry of the user of a key.

        Return None if entries are found by name and the key has no name.

        :raises NoPlace: there is no such entry, or there are several.
        """
        value = key.user_id if self._by_id else key.username
        if value is None:
            return None
        found = list(self._having(session, value))
        if len(found) != 1:
            raise self._not_one(len(found), value)
        return found[0]

    def _having(self, session: Session, value: str) -> list[Entry]:
        # The comparison of the directory may ignore case; ours is exact.
        return [
            entry
            for entry in session.search(
                f'(&{self.filter}{equals(self._attribute, value)})',
                ['objectClass', self._attribute],
            )
            if value.encode() in entry.values(self._attribute)
        ]

    def _not_one(self, number: int, value: str) -> base.NoPlace:
        option = 'user_id' if self._by_id else 'user_name'
        return base.NoPlace(
            f'[ldap] {option}_attribute: {number or "no"} entries have '
            f'{self._attribute} = {value!r}, and exactly one must'
        )


def _checked(filter_: str) -> str:
    try:
        # The library parses the filter before it connects to a server.
        ldap.initialize('ldapi://%2Fdev%2Fnull').search_ext(
            '', ldap.SCOPE_BASE, f'(&{filter_})'
        )
    except ldap.FILTER_ERROR:
        raise ConfigError(
            '[ldap] user_filter: is no filter in parentheses'
        ) from None
    except ldap.LDAPError:
        pass
    return filter_
