"""Ports of loopback that nobody listens on."""

import random
import socket

# Below the ports that the kernel gives to clients: it would give one away
# before its server has started.
_RANGE = range(20_000, 32_000)
_taken: set[int] = set()


def free() -> int:
    """A port that nobody listens on and that was not given before."""
    while True:
        port = random.choice(_RANGE)
        if port not in _taken and _can_be_bound(port):
            _taken.add(port)
            return port


def _can_be_bound(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True
