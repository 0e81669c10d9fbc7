"""A private MariaDB."""

from typing import ClassVar

from tests.support.servers.sql import SqlServer

_ADMINISTRATOR = """\
FLUSH PRIVILEGES;
CREATE USER keymw@'%' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO keymw@'%';
"""


class MariaDB(SqlServer):
    """MariaDB, and none of its defaults is what keymw needs."""

    name = 'MariaDB'
    user = 'mysql'
    programs: ClassVar[tuple[str, ...]] = ('mariadb-install-db', 'mariadbd')
    driver = 'mysql+pymysql'
    name_of_database = 'keymw'

    def set_up(self) -> None:
        self.write('administrator.sql', _ADMINISTRATOR)
        self.run(
            *('mariadb-install-db', '--no-defaults', '--skip-test-db'),
            *(f'--datadir={self.home}/data', '--skip-log-bin'),
            f'--tmpdir={self.home}',
            f'--extra-file={self.home}/administrator.sql',
        )

    def command(self) -> list[str]:
        return [
            *('mariadbd', '--no-defaults', f'--datadir={self.home}/data'),
            # A server that starts deletes the #sql files of its tmpdir,
            # those of another server too.
            f'--tmpdir={self.home}',
            *('--bind-address=127.0.0.1', f'--port={self.port}'),
            *(f'--socket={self.home}/socket', f'--pid-file={self.home}/pid'),
            *('--skip-name-resolve', '--max-connections=500'),
            *('--innodb-buffer-pool-size=32M', '--innodb-log-file-size=16M'),
            # The kernel keeps what a killed process has written.
            *('--innodb-flush-method=nosync', '--innodb-doublewrite=OFF'),
            '--innodb-flush-log-at-trx-commit=2',
            *('--performance-schema=OFF', '--character-set-server=latin1'),
            '--transaction-isolation=READ-COMMITTED',
        ]

    def url(self, database: str, **more: str) -> str:
        """The URL of a database, to which an option can be added.

        The server has no TLS. Without this option PyMySQL reads the
        certificates of the machine for each connection, which takes 80 ms.
        """
        return super().url(database, ssl_disabled='true', **more) + '&'

    def database(self) -> str:
        self.ask(f'CREATE OR REPLACE DATABASE {self.name_of_database}')
        return self.name_of_database
