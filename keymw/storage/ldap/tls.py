"""Whether a server of ldaps:// answers at all.

The LDAP library does not find out where it is built on GnuTLS, as Debian's
is: it waits for the handshake for ever, whatever its timeout, and busily.
"""

import socket
import ssl
from urllib import parse


def is_from_the_start(url: str) -> bool:
    """Whether a connection is TLS before anything is said over it."""
    return parse.urlsplit(url).scheme == 'ldaps'


def answers(url: str, timeout: int) -> bool:
    """Whether there is an answer in time; True for any other scheme."""
    if not is_from_the_start(url):
        return True
    parts = parse.urlsplit(url)
    address = (parts.hostname or 'localhost', parts.port or 636)
    try:
        _shake_hands(address, timeout)
    except ssl.SSLError:
        # It answers; whether rightly is for the library to say.
        return True
    except OSError:
        return False
    return True


def _shake_hands(address: tuple[str, int], timeout: int) -> None:
    # Nothing is sent over it, so it matters to nobody who answers.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(address, timeout) as plain,
        context.wrap_socket(plain),
    ):
        pass
