"""gunicorn's settings and hooks; variable ones are on the command line."""

import ctypes
import os
import signal
import sys

# Load once, then fork: the start takes half the time.
preload_app = True
graceful_timeout = 2
# The socket would be outside the directory of the demo.
control_socket_disable = True


def die_with_parent() -> None:
    """Make the kernel stop this process if its parent is killed."""
    set_parent_death_signal = 1
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def post_fork(_server: object, _worker: object) -> None:
    die_with_parent()


def post_worker_init(_worker: object) -> None:
    os.write(int(os.environ['READY_FD']), b'.')


die_with_parent()
