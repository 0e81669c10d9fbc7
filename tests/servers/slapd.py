"""A private OpenLDAP, with our schema as an operator loads it."""

from collections.abc import Sequence
import itertools
import pathlib
from typing import Any
from typing import ClassVar

import ldap
import ldap.dn
import ldap.modlist

from tests import servers
from tests.servers import ports
from tests.servers.authority import Authority

Values = str | bytes | Sequence[str | bytes]

SUFFIX = 'dc=example,dc=com'
USER = f'cn=keymw,{SUFFIX}'
PASSWORD = 'a password, not to be shown'
OURS = pathlib.Path(__file__).parents[2] / 'etc' / 'openldap'
_SCHEMA = pathlib.Path('/etc/ldap/schema')
_ROOT = f'cn=root,{SUFFIX}'
_DATABASE = 'olcDatabase={1}mdb,cn=config'

_CONFIG = f"""\
dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCertificateFile: {{home}}/server.crt
olcTLSCertificateKeyFile: {{home}}/server.key

dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file://{_SCHEMA}/core.ldif
include: file://{_SCHEMA}/cosine.ldif
include: file://{_SCHEMA}/inetorgperson.ldif

dn: olcDatabase=config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: config
olcRootDN: cn=config
olcRootPW: secret

dn: olcDatabase=mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: mdb
olcSuffix: {SUFFIX}
olcRootDN: {_ROOT}
olcRootPW: secret
olcDbDirectory: {{home}}/data
olcDbIndex: objectClass,uid eq
olcAccess: {{{{0}}}}to attrs=userPassword by anonymous auth by * none
olcAccess: {{{{1}}}}to * by * read

dn: olcDatabase=monitor,cn=config
objectClass: olcDatabaseConfig
olcDatabase: monitor
olcAccess: to * by dn.exact="{_ROOT}" read
"""

_CLASSIC = f"""\
include {_SCHEMA}/core.schema
include {OURS}/keymw.schema
moduleload back_mdb
modulepath /usr/lib/ldap
database ldif
suffix "{SUFFIX}"
rootdn "{_ROOT}"
rootpw secret
directory .
"""


class Slapd(servers.Server):
    """OpenLDAP that keymw may use as USER, with PASSWORD."""

    name = 'OpenLDAP'
    user = 'openldap'
    programs: ClassVar[tuple[str, ...]] = ('slapd', 'slapadd', 'ldapmodify')

    def __init__(self) -> None:
        super().__init__()
        self.port = ports.free()
        self.tls_port = ports.free()
        self.authority = Authority('keymw tests')
        self._numbers = itertools.count()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f'ldap://127.0.0.1:{self.port}'

    @property
    def tls_url(self) -> str:
        """Where it listens for TLS."""
        return f'ldaps://127.0.0.1:{self.tls_port}'

    def set_up(self) -> None:
        certificate, key = self.authority.server()
        self.write('server.crt', certificate)
        self.write('server.key', key)
        self.write('config.ldif', _CONFIG.format(home=self.home))
        for name in ('config', 'data'):
            (self.home / name).mkdir()
            self._give(self.home / name)
        self.run('slapadd', '-n0', '-Fconfig', '-lconfig.ldif')

    def command(self) -> list[str]:
        urls = f'{self.url} {self.tls_url}'
        return ['slapd', '-F', 'config', '-h', urls, '-d', '0']

    def answers(self) -> bool:
        try:
            self.root()
        except ldap.SERVER_DOWN:
            return False
        return True

    def is_up(self) -> bool:
        """Whether it runs."""
        return not self._is_over()

    def root(self, dn: str = _ROOT) -> Any:
        """A connection that may do everything."""
        connection = ldap.initialize(self.url)
        connection.simple_bind_s(dn, 'secret')
        return connection

    def load(self, *names: str) -> None:
        """Load files of etc/openldap, as an operator does."""
        for name in names:
            self.run(
                *('ldapmodify', '-x', '-H', self.url, '-w', 'secret'),
                *('-D', 'cn=config', *('-a',) * (name == 'keymw.ldif')),
                said=(OURS / name).read_text(),
            )

    def configure(self, **values: Values | None) -> None:
        """Replace attributes of the database's configuration."""
        changes = [
            (ldap.MOD_REPLACE, name, value and _octets(value))
            for name, value in values.items()
        ]
        self.root('cn=config').modify_s(_DATABASE, changes)

    def grant(self, attribute: str) -> None:
        """Let keymw read one more attribute of users."""
        rules = [
            rule.replace('attrs=entry,', f'attrs=entry,{attribute},')
            for rule in self.configured('olcAccess')
        ]
        self.configure(olcAccess=rules)

    def configured(self, name: str) -> list[str]:
        """The values of an attribute of the database's configuration."""
        ((_dn, found),) = self.root('cn=config').search_s(
            _DATABASE, ldap.SCOPE_BASE, attrlist=[name]
        )
        return [value.decode() for value in found.get(name, [])]

    def connections(self) -> set[str]:
        """The connections that keymw has, by their numbers."""
        found = self.root().search_s(
            'cn=Connections,cn=Monitor',
            ldap.SCOPE_ONELEVEL,
            f'(monitorConnectionAuthzDN={USER})',
            ['monitorConnectionNumber'],
        )
        return {dn for dn, _ in found}

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
        """The DN of a new user; uid is the name unless told otherwise."""
        dn = f'cn={ldap.dn.escape_dn_chars(name)},{tree}'
        attributes = {'uid': name} | more
        self.add(
            dn, objectClass='inetOrgPerson', cn=name, sn=name, **attributes
        )
        return dn

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

    def add(self, dn: str, **attributes: Values) -> None:
        """Make an entry."""
        made = {name: _octets(value) for name, value in attributes.items()}
        self.root().add_s(dn, ldap.modlist.addModlist(made))

    def remove_entry(self, dn: str) -> None:
        """Take an entry away."""
        self.root().delete_s(dn)

    def set(self, dn: str, **values: Values | None) -> None:
        """Replace attributes of an entry; None takes one away."""
        changes = [
            (ldap.MOD_REPLACE, name, value and _octets(value))
            for name, value in values.items()
        ]
        self.root().modify_s(dn, changes)

    def entry(self, dn: str, *attributes: str) -> dict[str, list[bytes]]:
        """The attributes of an entry, or some of them."""
        ((_dn, found),) = self.root().search_s(
            dn, ldap.SCOPE_BASE, attrlist=list(attributes) or None
        )
        return dict(found)


class Classic(Slapd):
    """OpenLDAP with our schema in slapd.conf."""

    programs: ClassVar[tuple[str, ...]] = ('slapd',)

    def set_up(self) -> None:
        self.write('slapd.conf', _CLASSIC)

    def command(self) -> list[str]:
        return ['slapd', '-f', 'slapd.conf', '-h', self.url, '-d', '0']


def _octets(value: Values) -> list[bytes]:
    values = [value] if isinstance(value, str | bytes) else value
    return [v.encode() if isinstance(v, str) else v for v in values]
