"""A private memcached."""

import contextlib
import socket
from typing import ClassVar

from tests.support import servers
from tests.support.servers import ports


class Memcached(servers.Server):
    """memcached that refuses a value if it has no room."""

    name = 'memcached'
    user = 'memcache'
    programs: ClassVar[tuple[str, ...]] = ('memcached',)

    def __init__(self, megabytes: int = 2) -> None:
        super().__init__()
        self._megabytes = megabytes
        self.port = ports.free()

    @property
    def url(self) -> str:
        """Where it listens, as an operator writes it."""
        return f'memcached://127.0.0.1:{self.port}'

    def set_up(self) -> None:
        """It needs nothing."""

    def command(self) -> list[str]:
        return [
            *('memcached', '-l', '127.0.0.1', '-p', str(self.port)),
            *('-m', str(self._megabytes), '-M', '-c', '256'),
        ]

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask('version').startswith('VERSION')
        return False

    def ask(self, command: str) -> str:
        """The first line of its response."""
        place = ('127.0.0.1', self.port)
        with socket.create_connection(place, timeout=5) as connection:
            connection.sendall(f'{command}\r\n'.encode())
            return connection.recv(4096).decode()

    def fill(self) -> None:
        """Leave no room for anything that is small."""
        sets = (f'set {n:050} 0 0 1 noreply\r\n1\r\n' for n in range(20_000))
        self.ask(''.join(sets) + 'version')

    def forget(self) -> None:
        """Lose everything."""
        self.ask('flush_all')
