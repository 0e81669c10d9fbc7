"""The report of keymw-manage doctor, and files of another user."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import logging
import multiprocessing
import os
import pathlib
import pwd
import shutil
import tempfile
from typing import Any

import pytest

from tests.support import manage
from tests.support.deployment import Deployment

NAMES = [
    'configuration',
    'user',
    'options',
    'passwords',
    'rules',
    'audit lines',
    'vault',
    'SQLite file',
    'credentials',
    'global keys',
    'owner',
    'access list',
    'sealed rows',
    'client address',
    'replays',
    'Digest',
    'secrets',
    'limits',
    'Keystone',
    'service_user',
    'login',
    'token life',
    'clock',
    'API keys',
    'trustee',
    'caches of Keystone',
    'release of Keystone',
    'start',
]
NOBODY = 'nobody'
SETUP = (('db', 'sync'), ('vault', 'setup'))


class Report:
    """The lines of the doctor, by the name of the check."""

    def __init__(self, found: manage.Result) -> None:
        assert found.err == ''
        lines = found.out.splitlines()
        self.code = found.code
        self.lines = {
            line[8:].partition(':')[0]: line.rstrip() for line in lines
        }
        assert list(self.lines) == NAMES
        assert found.code == any(self.failed)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return self._with('FAILED')

    @property
    def skipped(self) -> list[str]:
        """The names of the skipped checks of what is on."""
        off = '_keys] enabled is off'
        return [n for n in self._with('skipped') if off not in self.lines[n]]

    def _with(self, outcome: str) -> list[str]:
        return [n for n in NAMES if self.lines[n].startswith(f'{outcome} ')]


@contextlib.contextmanager
def of_a_user() -> Iterator[pathlib.Path]:
    """A directory of the user NOBODY with a keymw.conf, nothing set up yet."""
    with tempfile.TemporaryDirectory(prefix='keymw-') as place:
        pathlib.Path(place).chmod(0o755)
        made = Deployment(pathlib.Path(place) / 'keymw')
        for file in (made.home, made.conf_file):
            shutil.chown(file, NOBODY)
        yield made.home


as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason='needs root, to have files of another user'
)


def doctor(made: Deployment, app: object = None) -> Report:
    """The report on files, and on the service behind keymw if there is one."""
    words = ['doctor']
    if app is not None:
        made.load(app)
        words += ['--pipeline', f'{made.home}/keymw-paste.ini#wrapped']
    return Report(manage.run(made.conf_file, *words))


def forked(
    *words: Any, first: Callable[[], object] | None = None
) -> manage.Result:
    """What a command did in a process that may change its user for good."""
    with multiprocessing.get_context('fork').Pool(1, first) as pool:
        return pool.apply(manage.run, words)


def become_nobody() -> None:
    """Be the user NOBODY, who could not open the logs of the tests again."""
    logging.getLogger().handlers = []
    os.setuid(pwd.getpwnam(NOBODY).pw_uid)
