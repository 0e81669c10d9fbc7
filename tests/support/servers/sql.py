"""What private database servers have in common."""

import abc
from typing import Any
from typing import ClassVar
import urllib.parse

import sqlalchemy as sa

from tests.support import servers
from tests.support.servers import ports


class SqlServer(servers.Server):
    """A database server; its administrator is "keymw", password "secret"."""

    driver: ClassVar[str]
    name_of_database: ClassVar[str]
    maintenance_database: ClassVar[str] = ''

    def __init__(self) -> None:
        super().__init__()
        self.port = ports.free()

    @abc.abstractmethod
    def database(self) -> str:
        """The name of an empty database; there is one at a time."""

    def url(self, database: str, **more: str) -> str:
        """The URL of a database, as an operator writes it."""
        place = f'keymw:secret@127.0.0.1:{self.port}/{database}'
        return f'{self.driver}://{place}?{urllib.parse.urlencode(more)}'

    def ask(self, statement: str) -> list[Any]:
        """The rows of a statement, as the administrator."""
        engine = sa.create_engine(
            self.url(self.maintenance_database),
            poolclass=sa.NullPool,
            isolation_level='AUTOCOMMIT',
        )
        with engine.connect() as connection:
            found = connection.exec_driver_sql(statement)
            return list(found) if found.returns_rows else []

    def answers(self) -> bool:
        try:
            self.ask('SELECT 1')
        except sa.exc.OperationalError:
            return False
        return True
