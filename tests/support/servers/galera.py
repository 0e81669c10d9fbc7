"""A private Galera cluster: three MariaDB servers on loopback."""

import contextlib
from typing import Self

import sqlalchemy as sa

from tests.support import servers
from tests.support.servers import ports
from tests.support.servers.mariadb import MariaDB

_PROVIDER = 'libgalera_smm.so'
# Galera fails so now and then, in what it gets from the node that gives data.
_LOST_IN_THE_LOG = 'IST failed, node restart required'


class Node(MariaDB):
    """One MariaDB of a cluster; it answers when it has all the data."""

    name = 'Galera'
    programs = (*MariaDB.programs, _PROVIDER, 'rsync', 'lsof')

    def __init__(self) -> None:
        super().__init__()
        self.group_port = ports.free()
        self._sst_port = ports.free()
        self._ist_port = ports.free()
        self.peers: list[Node] = []
        # Said once, by the first node of a cluster that is new.
        self.makes_cluster = False

    def command(self) -> list[str]:
        peers = ','.join(f'127.0.0.1:{node.group_port}' for node in self.peers)
        listen = f'gmcast.listen_addr=tcp://127.0.0.1:{self.group_port}'
        first = ['--wsrep-new-cluster'] * self.makes_cluster
        self.makes_cluster = False
        return [
            *(*super().command(), *first, '--wsrep-on=ON'),
            *('--binlog-format=ROW', '--innodb-autoinc-lock-mode=2'),
            f'--wsrep-provider={servers.find(_PROVIDER)}',
            f'--wsrep-cluster-address=gcomm://{peers}',
            *('--wsrep-node-address=127.0.0.1', '--wsrep-sst-method=rsync'),
            f'--wsrep-sst-receive-address=127.0.0.1:{self._sst_port}',
            '--wsrep-provider-options='
            f'{listen};ist.recv_addr=127.0.0.1:{self._ist_port}',
        ]

    def answers(self) -> bool:
        if _LOST_IN_THE_LOG in self.said():
            self._restart()
        return self.state() == 'Synced'

    def _restart(self) -> None:
        """Start the node again, as its log asks for, with an empty log."""
        self.kill()
        (self.home / 'log').unlink()
        self.launch()

    def state(self) -> str:
        """The state of the node in the words of Galera, or its error."""
        return self.status('local_state_comment')

    def status(self, name: str) -> str:
        """A status variable of Galera on this node, or the error."""
        question = f"SHOW STATUS LIKE 'wsrep_{name}'"
        try:
            return ''.join(value for _name, value in self.ask(question))
        except sa.exc.OperationalError as error:
            return str(error.orig)


class Galera:
    """Three nodes, from `with` to the end of the block."""

    def __init__(self) -> None:
        self._nodes = contextlib.ExitStack()
        self.nodes = [Node() for _ in range(3)]
        self.nodes[0].makes_cluster = True
        for node in self.nodes:
            node.peers = self.nodes

    def __enter__(self) -> Self:
        first, *others = self.nodes
        with self._nodes:
            self._nodes.enter_context(first)
            self._nodes.enter_context(servers.together(others))
            self._nodes = self._nodes.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._nodes.close()

    def url(self, database: str, first: int = 0, **more: str) -> str:
        """The URL of a database on all nodes, from one on."""
        order = [*self.nodes[first:], *self.nodes[:first]]
        hosts = [f'host=127.0.0.1:{node.port}' for node in order]
        hosts += [f'{name}={value}' for name, value in more.items()]
        hosts += ['ssl_disabled=true']
        return f'mysql+pymysql://keymw:secret@/{database}?{"&".join(hosts)}'
