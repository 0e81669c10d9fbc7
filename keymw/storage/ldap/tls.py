"""Checks whether a server of ldaps:// responds at all.

The LDAP library cannot do it if it is built on GnuTLS, as in Debian: it waits
for the handshake without end, whatever its timeout, and uses the CPU.
"""

import socket
import ssl
from urllib import parse


def is_from_the_start(url: str) -> bool:
    """Whether a connection to this URL starts with TLS."""
    return parse.urlsplit(url).scheme == 'ldaps'


def answers(url: str, timeout: int) -> bool:
    """Whether the server responds in time; True for other schemes."""
    if not is_from_the_start(url):
        return True
    parts = parse.urlsplit(url)
    address = (parts.hostname or 'localhost', parts.port or 636)
    try:
        _shake_hands(address, timeout)
    except ssl.SSLError:
        # The server responds; the library checks the certificate later.
        return True
    except OSError:
        return False
    return True


def _shake_hands(address: tuple[str, int], timeout: int) -> None:
    # Nothing is sent over this connection, so the peer need not be verified.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(address, timeout) as plain,
        context.wrap_socket(plain),
    ):
        pass
