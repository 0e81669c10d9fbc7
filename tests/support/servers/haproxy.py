"""A private HAProxy."""

import csv
import io
import socket
from typing import ClassVar

from tests.support import servers
from tests.support.servers import ports

_CONFIGURATION = """
global
    stats socket ipv4@127.0.0.1:{stats} level admin
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend clients
    bind 127.0.0.1:{port}
    http-request deny if {{ path /readyz /healthz }}
    default_backend identity
backend identity
    option httpchk GET /readyz
    default-server inter 500ms fastinter 100ms fall 2 rise 1 check
    timeout check 1s
{nodes}
"""


class HAProxy(servers.Server):
    """HAProxy in front of nodes, as doc/operator/health.md has it."""

    name = 'HAProxy'
    user = 'haproxy'
    programs: ClassVar[tuple[str, ...]] = ('haproxy',)

    def __init__(self, nodes: dict[str, int]) -> None:
        """Each node is a name and a port."""
        super().__init__()
        self._nodes = nodes
        self.port, self._stats = ports.free(), ports.free()

    def set_up(self) -> None:
        nodes = '\n'.join(
            f'    server {name} 127.0.0.1:{port}'
            for name, port in self._nodes.items()
        )
        text = _CONFIGURATION.format(
            port=self.port, stats=self._stats, nodes=nodes
        )
        self.write('haproxy.cfg', text)

    def command(self) -> list[str]:
        return ['haproxy', '-db', '-f', 'haproxy.cfg']

    def answers(self) -> bool:
        try:
            return bool(self.states())
        except OSError:
            return False

    def states(self) -> dict[str, str]:
        """What HAProxy thinks of each node: UP or DOWN, first of all."""
        place = ('127.0.0.1', self._stats)
        with socket.create_connection(place, timeout=5) as line:
            line.sendall(b'show stat\n')
            text = line.makefile().read().removeprefix('# ')
        return {
            row['svname']: row['status'].split()[0]
            for row in csv.DictReader(io.StringIO(text))
            if row['svname'] in self._nodes
        }
