"""Several hosts in one URL of MariaDB or MySQL: nodes of a cluster."""

from typing import Any

import sqlalchemy as sa

_SYNCED = '4'
_NOT_PREPARED = 1047


class Nodes:
    """Connects to the first available node and stays with it until it fails.

    Detecting a dead node may take the whole connect_timeout, so it is done
    once and not for each connection.
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
        """Return a new connection; a listener of the event do_connect."""
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
        # A node that joins, lags or is cut off accepts connections too.
        cursor.execute("SHOW STATUS LIKE 'wsrep_local_state'")
        state = cursor.fetchone()
    if state is not None and state[1] != _SYNCED:
        connection.close()
        raise dialect.loaded_dbapi.OperationalError(
            _NOT_PREPARED, f'{options["host"]} is not in sync with its cluster'
        )
    return connection
