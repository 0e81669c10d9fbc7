"""keymw-manage, run in this process or in one of its own."""

import contextlib
import dataclasses
import datetime
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

from keymw import conf
from keymw import vault
from keymw.credentials.handlers import KIND
from keymw.manage import main
from keymw.storage.base import Credential
from keymw.storage.sql.credentials import SqlCredentials

PROGRAM = pathlib.Path(sys.executable).with_name('keymw-manage')


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a command."""

    code: int
    out: str
    err: str
    audit: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @property
    def data(self) -> Any:
        """Its output, of a command that was given -f json."""
        assert (self.code, self.err) == (0, '')
        return json.loads(self.out)

    @property
    def failure(self) -> str:
        """The one line of a command that failed and put out nothing."""
        assert (self.code, self.out) == (1, '')
        assert self.err.startswith('keymw-manage: ')
        assert self.err.count('\n') == 1
        return self.err


def run(conf_file: pathlib.Path, *words: str) -> Result:
    """Run a command here."""
    return run_plain('--config-file', str(conf_file), *words)


def run_plain(*words: str) -> Result:
    """Run a command here that is not given a configuration."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main.main([*words])
        except SystemExit as end:
            code = int(end.code or 0)
    return _result(code, out.getvalue(), err.getvalue())


def _result(code: int, out: str, err: str) -> Result:
    """The result of a command, without its audit lines."""
    lines = err.splitlines(keepends=True)
    audit = [line for line in lines if ', outcome ' in line]
    others = [line for line in lines if line not in audit]
    return Result(code, out, ''.join(others), tuple(audit))


def spawn(conf_file: pathlib.Path, *words: str, **more: Any) -> Any:
    """Start the command that is installed."""
    more.setdefault('stdout', subprocess.PIPE)
    return subprocess.Popen(
        [PROGRAM, '--config-file', conf_file, *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,
        **more,
    )


def _heed_interrupts() -> None:
    # Who runs the tests in the background may have had them ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: Any, seconds: float = 60) -> Result:
    """The result of a command in a process of its own."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return _result(process.returncode, out or '', err)


def give_key(
    conf_file: pathlib.Path,
    user_id: str,
    name: str | None = 'some name',
    key: str = 'a key',
) -> None:
    """Store a key, as a request did once."""
    loaded = conf.load(str(conf_file))
    keys = vault.load(loaded.vault.key_repository)
    sealed = keys.seal(KIND, user_id, key)
    then = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    row = Credential(user_id, 'default', name, sealed, then, then)
    SqlCredentials(loaded).put(row)


def endless_factory(_global_conf: Any) -> Any:
    """What a paste ini can name: an application that is never loaded."""
    # Past the program, which keeps what an application prints to itself.
    os.write(1, b'loading\n')
    while True:
        time.sleep(1)
