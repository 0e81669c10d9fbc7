"""Where events go besides the log: a file, and notifications."""

import atexit
from collections.abc import Callable
import contextlib
import errno
import json
import logging
import os
import queue
import socket
import threading
from typing import Any

from oslo_config import cfg

from keymw.conf import ConfigError

LOG = logging.getLogger(__name__)

_MODE = 0o600
WAITING = 1000
_LOOK = 0.1  # seconds from one look whether a file was moved to the next
_PATIENCE = 2.0  # seconds at the end of the process
_URL = '[audit] notification_url'


class EventFile:
    """A file with one event in each line, opened anew if it was moved.

    All workers write to it: each line is one append to an open descriptor.
    Under load, the first events after a move are still in the former file.
    """

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        """Open the file; clock returns seconds.

        :raises ConfigError: it cannot be written.
        """
        self._path = os.path.abspath(path)
        self._clock = clock
        self._looked = 0.0
        self._lock = threading.Lock()
        self._is_cut = False
        try:
            self._handle = self._open()
        except OSError as error:
            raise ConfigError(
                f'[audit] file: {path}: {error.strerror}'
            ) from None

    def send(self, event: str) -> None:
        """Write an event. A failure is logged, and does not raise."""
        line = f'{event}\n'.encode()
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            LOG.error('[audit] file: an event is lost: %s', error)

    def _write(self, line: bytes) -> None:
        if self._is_moved():
            former, self._handle = self._handle, self._open()
            os.close(former)
        if self._is_cut:
            line = b'\n' + line
        # A disk that is full takes a part; the next event starts a line.
        self._is_cut = os.write(self._handle, line) < len(line)
        if self._is_cut:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _is_moved(self) -> bool:
        now = self._clock()
        if 0 <= now - self._looked < _LOOK:
            return False
        self._looked = now
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != self._place

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        handle = os.open(self._path, flags, _MODE)
        found = os.fstat(handle)
        self._place = found.st_dev, found.st_ino
        return handle


class Notifications:
    """Sends events by oslo.messaging, from a thread of its own.

    A broker that does not answer must not delay a login: events wait in a
    bounded queue, and are dropped if it is full.
    """

    def __init__(self, url: str) -> None:
        """Take a transport URL of oslo.messaging.

        :raises ConfigError: oslo.messaging is not installed, or the URL is
            not usable; it may hold a password and is not shown.
        """
        self._notifier = _notifier(url)
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def send(self, event: str) -> None:
        """Send an event later; drop it with a WARNING if too many wait."""
        if self._pid != os.getpid():
            self._start()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            LOG.warning('%s: too many events wait; one is dropped', _URL)

    def _start(self) -> None:
        # A forked worker has no thread of its parent.
        with self._lock:
            if self._pid == os.getpid():
                return
            self._waiting = queue.Queue(WAITING)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
            self._pid = os.getpid()
            atexit.register(self._finish)

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            event = json.loads(line)
            try:
                self._notifier.info({}, f'keymw.{event["name"]}', event)
            except Exception:  # each driver has exceptions of its own
                LOG.exception('%s: an event is lost', _URL)

    def _finish(self) -> None:
        if self._thread is None or self._pid != os.getpid():
            return
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
            self._thread.join(_PATIENCE)


def _notifier(url: str) -> Any:
    try:
        import oslo_messaging
    except ImportError:
        raise ConfigError(
            f'{_URL}: it needs oslo_messaging, which is not installed: '
            "pip install 'keymw[notifications]'"
        ) from None
    # Its options must not mix with those of a service in this process.
    options = cfg.ConfigOpts()
    options([], default_config_files=[], default_config_dirs=[], use_env=False)
    try:
        transport = oslo_messaging.get_notification_transport(options, url)
    except Exception as error:  # its drivers raise what they like
        raise ConfigError(
            f'{_URL}: it is not usable: {type(error).__name__}'
        ) from None
    return oslo_messaging.Notifier(
        transport,
        publisher_id=f'keymw.{socket.gethostname()}',
        driver='messagingv2',
        topics=['notifications'],
        retry=0,
    )
