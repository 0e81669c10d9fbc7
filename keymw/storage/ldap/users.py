"""The entries of users, with or without a key."""

from collections.abc import Collection
from collections.abc import Iterable

import ldap
from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.storage import base
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import any_of
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
        value = self.value(key)
        if value is None:
            return None
        found = self._having(session, [value])[value]
        if len(found) != 1:
            raise self._not_one(len(found), value)
        return found[0]

    def value(self, key: base.Credential) -> str | None:
        """Return what finds the entry of the user of a key."""
        return key.user_id if self._by_id else key.username

    def entries(
        self, session: Session, keys: Iterable[base.Credential]
    ) -> dict[str | None, Entry]:
        """Return the entries of the users of keys by value, if just one."""
        values = {value for key in keys if (value := self.value(key))}
        having = self._having(session, values) if values else {}
        return {
            value: entries[0]
            for value, entries in having.items()
            if len(entries) == 1
        }

    def _having(
        self, session: Session, values: Collection[str]
    ) -> dict[str, list[Entry]]:
        """Return the entries that have each value, in one search."""
        one = any_of([equals(self._attribute, value) for value in values])
        found: dict[str, list[Entry]] = {value: [] for value in values}
        wanted = {value.encode(): value for value in values}
        for entry in session.search(
            f'(&{self.filter}{one})', ['objectClass', self._attribute]
        ):
            # The comparison of the directory may ignore case; ours is exact.
            for octets in wanted.keys() & entry.values(self._attribute):
                found[wanted[octets]].append(entry)
        return found

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
