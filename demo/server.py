"""The gunicorn that serves Keystone and keymw, as a child process."""

import contextlib
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Self

WORKERS = 3
HERE = Path(__file__).parent


class Server:
    """A gunicorn process, stopped at the end of a with block."""

    def __init__(self, place: Path, port: int) -> None:
        self._log = place / 'demo.log'
        self._ready, ready = os.pipe()
        # In a process group of its own, Ctrl-C reaches only the runner, which
        # then stops gunicorn.
        # Keystone and keymw-manage append to the same file.
        self._log.write_text('')
        with self._log.open('a') as log:
            self._process = subprocess.Popen(
                command(place, port),
                env={**os.environ, 'READY_FD': str(ready)},
                pass_fds=[ready],
                process_group=0,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        # Workers are left if gunicorn hung or was killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait_until_ready(self) -> None:
        """Wait until every worker has loaded the application.

        :raises SystemExit: gunicorn has stopped.
        """
        for _worker in range(WORKERS):
            if not os.read(self._ready, 1):
                self.wait()

    def wait(self) -> None:
        """Wait for gunicorn, which should run until interrupted.

        :raises SystemExit: gunicorn has stopped.
        """
        code = self._process.wait()
        sys.exit(f'gunicorn has stopped ({code}): see {self._log}')


def command(place: Path, port: int) -> list[str | Path]:
    return [
        Path(sys.executable).with_name('gunicorn'),
        f'--config={HERE / "gunicorn.conf.py"}',
        # The ini imports the stub from here.
        f'--pythonpath={HERE}',
        f'--paste={place / "keymw-paste.ini"}',
        f'--bind=127.0.0.1:{port}',
        f'--workers={WORKERS}',
    ]
