"""The report of keymw-manage doctor, and files of another user."""

from collections.abc import Iterator
import contextlib
import pathlib
import shutil
import tempfile

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
