"""Free ports of loopback."""

import fcntl
import pathlib
import random
import socket
import tempfile
from typing import IO

# Below the ports that the kernel gives to clients: it would give one away
# before its server has started.
_RANGE = range(20_000, 32_000)
# A lock for each port, held by this process: other sessions of tests on this
# machine choose another port.
_locks: dict[int, IO[str]] = {}


def free() -> int:
    """A free port that was not returned before."""
    while True:
        port = random.choice(_RANGE)
        if port not in _locks and _is_reserved(port) and _can_be_bound(port):
            return port


def _is_reserved(port: int) -> bool:
    file = pathlib.Path(tempfile.gettempdir()) / f'keymw-port-{port}.lock'
    try:
        lock = file.open('a')
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    _locks[port] = lock
    return True


def _can_be_bound(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True
