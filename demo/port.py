"""Checks that the demo can use the port, with a one-line message."""

import os
import re
import socket
import sys


def checked(text: str) -> int:
    """Return the port that text names.

    :raises SystemExit: it names no port, or the port is in use.
    """
    if not re.fullmatch('[0-9]{1,5}', text) or not 0 < int(text) < 65536:
        sys.exit(f'PORT must be a number from 1 to 65535, not "{text}".')
    try:
        bind(int(text))
    except OSError as error:
        sys.exit(
            f'Port {text} of 127.0.0.1 cannot be used: {error.strerror}. '
            'Choose another with PORT.'
        )
    return int(text)


def bind(port: int) -> None:
    with socket.socket() as listener:
        # As in gunicorn: old connections of a server that has just stopped
        # must not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(('127.0.0.1', port))


if __name__ == '__main__':
    checked(os.environ.get('PORT', ''))
