"""A private 389 Directory Server, with our schema as an operator loads it."""

import pathlib
import re
import shutil
from typing import Any
from typing import ClassVar

import ldap

from tests.support.servers.directory import SUFFIX
from tests.support.servers.directory import Directory

OURS = pathlib.Path(__file__).parents[3] / 'etc' / '389ds'
_DATA = pathlib.Path('/usr/share/dirsrv/data')
_ROOT = 'cn=Directory Manager'
# What the template names, as directories below home.
_DIRECTORIES = (
    *('config', 'config/schema', 'lock', 'tmp', 'cert', 'ldif', 'bak'),
    *('run', 'inst', 'db', 'db_home'),
)


class Dirsrv(Directory):
    """389 Directory Server that keymw may use as USER, with PASSWORD.

    dscreate wants systemd, so its template is filled here.
    """

    name = '389 Directory Server'
    user = 'dirsrv'
    programs: ClassVar[tuple[str, ...]] = ('ns-slapd', 'ldapmodify')

    def set_up(self) -> None:
        for name in _DIRECTORIES:
            (self.home / name).mkdir()
            self._give(self.home / name)
        said = (_DATA / 'template-dse.ldif').read_text()
        said += (_DATA / 'template-suffix-db.ldif').read_text()
        self.write('config/dse.ldif', _for_all_names(self._filled(said)))
        for file in (OURS / '99keymw.ldif', *_schema_of_users()):
            shutil.copy(file, self.home / 'config' / 'schema')
            self._give(self.home / 'config' / 'schema' / file.name)
        self.write('config/slapd-collations.conf', '')

    def _filled(self, template: str) -> str:
        values = {f'{n}_dir': str(self.home / n) for n in _DIRECTORIES} | {
            'log_dir': str(self.home),
            'schema_dir': str(self.home / 'config' / 'schema'),
            'db_lib': 'bdb',
            'ds_bename': 'userRoot',
            'ds_passwd': '{CLEAR}secret',
            'ds_port': str(self.port),
            'ds_suffix': SUFFIX,
            'ds_user': self.user,
            'fqdn': 'localhost',
            'ldapi': str(self.home / 'run' / 'socket'),
            'ldapi_autobind': 'off',
            'ldapi_enabled': 'off',
            'rootdn': _ROOT,
        }
        return re.sub('%([a-z_]+)%', lambda found: values[found[1]], template)

    def command(self) -> list[str]:
        return ['ns-slapd', '-D', str(self.home / 'config'), '-d', '0']

    def said(self) -> str:
        """The end of the server's log, which says why it ended."""
        errors = self.home / 'errors'
        said = errors.read_text(errors='replace') if errors.exists() else ''
        return super().said() + said[-4000:]

    def root(self) -> Any:
        """A connection that may do everything."""
        connection = ldap.initialize(self.url)
        connection.simple_bind_s(_ROOT, 'secret')
        return connection

    def load(self) -> None:
        """Load keymw-database.ldif, as an operator does."""
        self.run(
            *('ldapmodify', '-x', '-H', self.url, '-w', 'secret'),
            *('-D', _ROOT),
            said=(OURS / 'keymw-database.ldif').read_text(),
        )


def _for_all_names(said: str) -> str:
    """Without the plugin that lets uid be ASCII only."""
    before, mark, after = said.partition('dn: cn=7-bit check,')
    off = after.replace('pluginenabled: on', 'pluginenabled: off', 1)
    return before + mark + off


def _schema_of_users() -> list[pathlib.Path]:
    return [pathlib.Path('/etc/dirsrv/schema/99user.ldif')]
