"""Several hosts in one URL of MariaDB or MySQL: the nodes of a cluster."""

from typing import Any

import sqlalchemy as sa

_SYNCED = '4'
_NOT_PREPARED = 1047


class Nodes:
    """Connects to the first node that serves.

    It stays with that one until it fails: to find out that a node is down
    may take the whole connect_timeout, and once is enough.
    """

    def __init__(self, hosts: str | tuple[str, ...]) -> None:
        given = (hosts,) if isinstance(hosts, str) else hosts
        self._nodes = [_address(host) for host in given]
        self._present = 0

    def connect(
        self,
        dialect: Any,
        _record: object,
        _arguments: object,
        options: dict[str, Any],
    ) -> Any:
        """A new connection, as SQLAlchemy asks for it."""
        for step in range(len(self._nodes)):
            at = (self._present + step) % len(self._nodes)
            try:
                found = _connect(dialect, {**options, **self._nodes[at]})
            except dialect.loaded_dbapi.Error as error:
                failure = error
            else:
                self._present = at
                return found
        raise failure


def _address(host: str) -> dict[str, Any]:
    url = sa.make_url(f'mysql://{host}')
    return {'host': url.host} | ({'port': url.port} if url.port else {})


def _connect(dialect: Any, options: dict[str, Any]) -> Any:
    connection = dialect.connect(**options)
    with connection.cursor() as cursor:
        # A node that joins, lags or has lost the others takes connections.
        cursor.execute("SHOW STATUS LIKE 'wsrep_local_state'")
        state = cursor.fetchone()
    if state is not None and state[1] != _SYNCED:
        connection.close()
        raise dialect.loaded_dbapi.OperationalError(
            _NOT_PREPARED, f'{options["host"]} is not in sync with its cluster'
        )
    return connection
