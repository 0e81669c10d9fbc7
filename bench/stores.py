"""The stores of bench/scale.py: each on a server of its own, with users."""

from __future__ import annotations

import abc
from collections.abc import Callable
import os
import pathlib
import sqlite3
import subprocess
from typing import Any
from typing import Self

import ldap
import sqlalchemy as sa

from keymw.storage.sql import engine
from tests.support.deployment import Options
from tests.support.servers import Server
from tests.support.servers.mariadb import MariaDB
from tests.support.servers.postgresql import PostgreSQL
from tests.support.servers.slapd import PASSWORD
from tests.support.servers.slapd import USER
from tests.support.servers.slapd import Slapd

Read = Callable[[str], object]
_ROW = (
    'SELECT user_id, domain_id, username, secret, created_at, updated_at '
    'FROM keymw_credential WHERE user_id = '
)


class Store(abc.ABC):
    """A store of one number of keys, from with to the end of the block."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        home.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    @abc.abstractmethod
    def options(self) -> Options:
        """Options of keymw that name the store."""

    @abc.abstractmethod
    def bare(self) -> Read:
        """Return a read of a row by user id, on a connection of its own."""

    def enrol(self, user_ids: list[str]) -> None:  # noqa: B027, for some
        """Make the users that the store needs to have."""

    @abc.abstractmethod
    def cool(self) -> None:
        """Drop the pages of the store from every cache.

        Connections break.
        """


def _drop_pages(folder: pathlib.Path) -> None:
    """Let the kernel forget the pages of the files below a folder."""
    for path in folder.rglob('*'):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


class Sqlite(Store):
    """A file. The pages of a connection go with it."""

    @property
    def options(self) -> Options:
        return {'database': {'connection': f'sqlite:///{self._file}'}}

    @property
    def _file(self) -> pathlib.Path:
        return self.home / 'keys.db'

    def bare(self) -> Read:
        connection = sqlite3.connect(self._file)
        return lambda id_: connection.execute(f'{_ROW} ?', [id_]).fetchone()

    def cool(self) -> None:
        _drop_pages(self.home)


class OnServer(Store):
    """A store on a server."""

    server: Server

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self.server.__exit__(*problem)

    def cool(self) -> None:
        self.server.stop()
        _drop_pages(self.server.home)
        self.server.start()


class Sql(OnServer):
    """A database of PostgreSQL or MariaDB."""

    def __init__(self, home: pathlib.Path, server: Any) -> None:
        super().__init__(home)
        self.server = self._sql = server
        self._url = ''

    @property
    def options(self) -> Options:
        self._url = self._url or self._sql.url(self._sql.database())
        return {'database': {'connection': self._url}}

    def bare(self) -> Read:
        made = sa.create_engine(engine.url(self._url))
        connection: Any = made.raw_connection()
        connection.autocommit = True

        def read(id_: str) -> object:
            cursor = connection.cursor()
            cursor.execute(f'{_ROW} %s', [id_.encode()])
            return cursor.fetchone()

        return read


class Ldap(OnServer):
    """OpenLDAP; without sync it does not wait for its disk."""

    def __init__(self, home: pathlib.Path, *, sync: bool = False) -> None:
        super().__init__(home)
        self._sync = sync
        self.server = self.slapd = Slapd()
        self.tree = ''

    @property
    def options(self) -> Options:
        given = {
            'url': self.slapd.url,
            'user': USER,
            'password': PASSWORD,
            'user_tree_dn': self.tree,
            'user_name_attribute': 'uid',
        }
        return {'storage': {'credentials': 'ldap'}, 'ldap': given}

    def enrol(self, user_ids: list[str]) -> None:
        self.slapd.fill()
        self.slapd.load('keymw.ldif', 'keymw-database.ldif')
        room, wait = str(32 * 2**30), str(not self._sync).upper()
        self.slapd.configure(olcDbMaxSize=room, olcDbNoSync=wait)
        self.tree = self.slapd.tree()
        people = ''.join(
            f'dn: {self.dn(id_)}\nobjectClass: inetOrgPerson\n'
            f'cn: {id_}\nsn: {id_}\nuid: {id_}\n\n'
            for id_ in user_ids
        )
        self.slapd.write('people.ldif', people)
        self.slapd.stop()
        self.slapd.run('slapadd', '-q', '-n1', '-Fconfig', '-lpeople.ldif')
        self.slapd.start()

    def dn(self, user_id: str) -> str:
        """Return the DN of a user."""
        return f'cn={user_id},{self.tree}'

    def modify(self, ldif: str) -> None:
        """Make the changes of an LDIF with ldapmodify, as keymw."""
        command = ['ldapmodify', '-x', '-H', self.slapd.url, '-D', USER]
        command += ['-w', PASSWORD, '-f', ldif]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def bare(self) -> Read:
        connection = ldap.initialize(self.slapd.url)
        connection.simple_bind_s(USER, PASSWORD)
        names = ['UserId', 'DomainId', 'Username', 'Secret', 'CreatedAt']
        wanted = [f'keymw{name}' for name in (*names, 'UpdatedAt')]
        return lambda id_: connection.search_s(
            self.tree, ldap.SCOPE_ONELEVEL, f'(keymwUserId={id_})', wanted
        )


STORES: dict[str, Callable[[pathlib.Path], Store]] = {
    'sqlite': Sqlite,
    'postgresql': lambda home: Sql(home, PostgreSQL()),
    'mariadb': lambda home: Sql(home, MariaDB()),
    'openldap': Ldap,
}
