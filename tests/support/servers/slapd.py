"""A private OpenLDAP, with our schema as an operator loads it."""

import pathlib
from typing import Any
from typing import ClassVar

import ldap

from tests.support.servers import ports
from tests.support.servers.authority import Authority
from tests.support.servers.directory import PASSWORD as PASSWORD
from tests.support.servers.directory import SUFFIX
from tests.support.servers.directory import USER as USER
from tests.support.servers.directory import Directory
from tests.support.servers.directory import Values
from tests.support.servers.directory import octets

OURS = pathlib.Path(__file__).parents[3] / 'etc' / 'openldap'
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


class Slapd(Directory):
    """OpenLDAP that keymw may use as USER, with PASSWORD."""

    name = 'OpenLDAP'
    user = 'openldap'
    programs: ClassVar[tuple[str, ...]] = ('slapd', 'slapadd', 'ldapmodify')

    def __init__(self) -> None:
        super().__init__()
        self.tls_port = ports.free()
        self.authority = Authority('keymw tests')

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
        return ['slapd', '-F', 'config', '-h', urls, '-d', 'none']

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
            self.load_text((OURS / name).read_text())

    def load_text(self, text: str) -> None:
        """Load what such a file says."""
        adds = ('-a',) * ('changetype: ' not in text)
        self.run(
            *('ldapmodify', '-x', '-H', self.url, '-w', 'secret'),
            *('-D', 'cn=config', *adds),
            said=text,
        )

    def configure(self, **values: Values | None) -> None:
        """Replace attributes of the database's configuration."""
        changes = [
            (ldap.MOD_REPLACE, name, value and octets(value))
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


class Classic(Slapd):
    """OpenLDAP with our schema in slapd.conf."""

    programs: ClassVar[tuple[str, ...]] = ('slapd',)

    def set_up(self) -> None:
        self.write('slapd.conf', _CLASSIC)

    def command(self) -> list[str]:
        return ['slapd', '-f', 'slapd.conf', '-h', self.url, '-d', 'none']
