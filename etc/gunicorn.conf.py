"""Hooks of gunicorn for metrics of several workers.

gunicorn --config gunicorn.conf.py --paste keymw-paste.ini --workers 4, with
PROMETHEUS_MULTIPROC_DIR in its environment: a directory of the service's user
on a file system in memory, for example /run/keymw/metrics.
"""

import os
import pathlib


def on_starting(_server):
    """Remove the numbers of workers before the last start."""
    directory = os.environ.get('PROMETHEUS_MULTIPROC_DIR')
    if directory:
        pathlib.Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in pathlib.Path(directory).glob('*.db'):
            file.unlink()


def child_exit(_server, worker):
    """Tell the metrics that a worker has ended; its counts stay."""
    if 'PROMETHEUS_MULTIPROC_DIR' in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
