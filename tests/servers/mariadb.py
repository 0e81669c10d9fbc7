"""A private MariaDB."""

from typing import ClassVar

from tests.servers.sql import SqlServer

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

    def set_up(self) -> None:
        self.write('administrator.sql', _ADMINISTRATOR)
        self.run(
            *('mariadb-install-db', '--no-defaults', '--skip-test-db'),
            *(f'--datadir={self.home}/data', '--skip-log-bin'),
            f'--extra-file={self.home}/administrator.sql',
        )

    def command(self) -> list[str]:
        return [
            *('mariadbd', '--no-defaults', f'--datadir={self.home}/data'),
            *('--bind-address=127.0.0.1', f'--port={self.port}'),
            *(f'--socket={self.home}/socket', f'--pid-file={self.home}/pid'),
            *('--skip-name-resolve', '--max-connections=500'),
            *('--innodb-buffer-pool-size=32M', '--innodb-log-file-size=16M'),
            *('--performance-schema=OFF', '--character-set-server=latin1'),
            '--transaction-isolation=READ-COMMITTED',
        ]

    def database(self) -> str:
        self.ask('CREATE OR REPLACE DATABASE keymw')
        return 'keymw'
