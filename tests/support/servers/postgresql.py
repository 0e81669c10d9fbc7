"""A private PostgreSQL."""

import signal

from tests.support.servers.sql import SqlServer


class PostgreSQL(SqlServer):
    """PostgreSQL, and none of its defaults is what keymw needs."""

    name = 'PostgreSQL'
    user = 'postgres'
    programs = ('initdb', 'postgres')
    # The "fast" way: it does not wait for its clients to go.
    end_signal = signal.SIGINT
    driver = 'postgresql+psycopg'
    maintenance_database = 'postgres'
    name_of_database = 'postgres'

    def set_up(self) -> None:
        self.write('password', 'secret\n')
        # A language has its own order, in which "b" is before "C".
        self.run(
            *('initdb', '--pgdata=data', '--no-sync', '--encoding=UTF8'),
            *('--locale-provider=icu', '--icu-locale=en-US', '--locale=C'),
            *('--auth=scram-sha-256', '--username=keymw'),
            '--pwfile=password',
        )

    def command(self) -> list[str]:
        return [
            *('postgres', '-D', 'data', '-h', '127.0.0.1'),
            *('-p', str(self.port), '-k', str(self.home)),
            *('-c', 'default_transaction_isolation=serializable'),
            *('-c', 'max_connections=500'),
            # The kernel keeps what a killed process has written.
            *('-c', 'fsync=off'),
        ]

    def database(self) -> str:
        self.ask('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
        return self.name_of_database
