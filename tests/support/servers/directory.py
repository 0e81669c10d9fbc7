"""What private directories have in common: users, and who keymw is."""

import abc
from collections.abc import Sequence
import itertools
from typing import Any

import ldap
import ldap.dn
import ldap.modlist

from tests.support import servers
from tests.support.servers import ports

Values = str | bytes | Sequence[str | bytes]

SUFFIX = 'dc=example,dc=com'
USER = f'cn=keymw,{SUFFIX}'
PASSWORD = 'a password, not to be shown'


class Directory(servers.Server):
    """A directory that keymw may use as USER, with PASSWORD."""

    def __init__(self) -> None:
        super().__init__()
        self.port = ports.free()
        self._numbers = itertools.count()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f'ldap://127.0.0.1:{self.port}'

    @abc.abstractmethod
    def root(self) -> Any:
        """A connection that may do everything."""

    def answers(self) -> bool:
        try:
            self.root()
        except ldap.SERVER_DOWN:
            return False
        return True

    def fill(self) -> None:
        """Make the suffix and the user that keymw binds as."""
        self.add(
            SUFFIX,
            objectClass=['dcObject', 'organization'],
            dc='example',
            o='example',
        )
        self.add(
            USER,
            objectClass=['organizationalRole', 'simpleSecurityObject'],
            cn='keymw',
            userPassword=PASSWORD,
        )

    def tree(self) -> str:
        """The DN of a new place for users."""
        name = f'people-{next(self._numbers)}'
        dn = f'ou={name},{SUFFIX}'
        self.add(dn, objectClass='organizationalUnit', ou=name)
        return dn

    def person(self, tree: str, name: str, **more: Values) -> str:
        """The DN of a new user; uid is the name by default."""
        dn = f'cn={ldap.dn.escape_dn_chars(name)},{tree}'
        attributes = {'uid': name} | more
        self.add(
            dn, objectClass='inetOrgPerson', cn=name, sn=name, **attributes
        )
        return dn

    def add(self, dn: str, **attributes: Values) -> None:
        """Make an entry."""
        made = {name: octets(value) for name, value in attributes.items()}
        self.root().add_s(dn, ldap.modlist.addModlist(made))

    def remove_entry(self, dn: str) -> None:
        """Take an entry away."""
        self.root().delete_s(dn)

    def set(self, dn: str, **values: Values | None) -> None:
        """Replace attributes of an entry; None takes one away."""
        changes = [
            (ldap.MOD_REPLACE, name, value and octets(value))
            for name, value in values.items()
        ]
        self.root().modify_s(dn, changes)

    def entry(self, dn: str, *attributes: str) -> dict[str, list[bytes]]:
        """The attributes of an entry, or some of them."""
        ((_dn, found),) = self.root().search_s(
            dn, ldap.SCOPE_BASE, attrlist=list(attributes) or None
        )
        return dict(found)

    def schema(self, prefix: str) -> dict[str, str]:
        """The objects of the schema whose names begin so."""
        found = self.entry('cn=Subschema', 'attributeTypes', 'objectClasses')
        said = [
            value.decode()
            for name in ('attributeTypes', 'objectClasses')
            for value in found[name]
        ]
        named = {text.split("'")[1]: text for text in said}
        return {n: text for n, text in named.items() if n.startswith(prefix)}


def octets(value: Values) -> list[bytes]:
    """The values of an attribute, as python-ldap has them."""
    values = [value] if isinstance(value, str | bytes) else value
    return [v.encode() if isinstance(v, str) else v for v in values]
