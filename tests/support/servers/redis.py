"""A private Redis."""

import contextlib
import socket
from typing import ClassVar

from tests.support import servers
from tests.support.servers import ports


class Redis(servers.Server):
    """Redis that keeps nothing on disk, and wants a password."""

    name = 'Redis'
    user = 'redis'
    programs: ClassVar[tuple[str, ...]] = ('redis-server',)
    password = 'a-password'

    def __init__(self) -> None:
        super().__init__()
        self.port = ports.free()

    @property
    def url(self) -> str:
        """Where it listens, as an operator writes it."""
        return f'redis://:{self.password}@127.0.0.1:{self.port}/1'

    def set_up(self) -> None:
        """It needs nothing."""

    def command(self) -> list[str]:
        return [
            *('redis-server', '--bind', '127.0.0.1'),
            *('--port', str(self.port), '--dir', str(self.home)),
            *('--requirepass', self.password, '--appendonly', 'no'),
            *('--save', '', '--maxmemory-policy', 'noeviction'),
        ]

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask('PING') == '+PONG\r\n'
        return False

    def ask(self, command: str) -> str:
        """The first line of its response."""
        place = ('127.0.0.1', self.port)
        with socket.create_connection(place, timeout=5) as connection:
            connection.sendall(f'AUTH {self.password}\r\n'.encode())
            connection.recv(4096)
            connection.sendall(f'{command}\r\n'.encode())
            return connection.recv(4096).decode()

    def fill(self) -> None:
        """Leave no room for anything new."""
        self.ask('CONFIG SET maxmemory 1')

    def forget(self) -> None:
        """Lose everything."""
        self.ask('FLUSHALL')
