"""Private servers for tests: on loopback, in a directory of their own."""

import abc
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from typing import ClassVar
from typing import Self

import pytest

PATIENCE = 60.0


class Server(abc.ABC):
    """A server that can be stopped, killed and started again.

    It runs from `with` to the end of the block, as its own user where we are
    root; the kernel kills it should the thread that started it end.
    """

    name: ClassVar[str]
    user: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    end_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self) -> None:
        require(self.name, self.programs)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix='keymw-'))
        self._give(self.home)
        self._process: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def set_up(self) -> None:
        """Make the files that the server needs to start."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """What runs the server in the foreground."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether the server works."""

    def start(self) -> None:
        """Run the server; return when it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Run the server; return at once."""
        with (self.home / 'log').open('ab') as log:
            self._process = subprocess.Popen(
                self._as_user(self.command()),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when the server answers."""
        until(lambda: self._is_over() or self.answers(), self._why)
        assert not self._is_over(), self._why()

    def stop(self) -> None:
        """Stop the server as an operator would."""
        self._end(self.end_signal)

    def kill(self) -> None:
        """Kill every process of the server with -9."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let the server hang, as on a disk that does not answer."""
        self._halt(self._family()[:1])
        # A stopped server starts nothing after the list is made.
        self._halt(self._family())

    def _halt(self, processes: list[int]) -> None:
        _signal(processes, signal.SIGSTOP)
        # A thread on another processor may go on for a short time.
        until(lambda: all(map(_is_stopped, processes)))

    def thaw(self) -> None:
        """Let a frozen server go on."""
        _signal(self._family(), signal.SIGCONT)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *command: str, said: str = '') -> None:
        """Run a program of the server as its user, to the end."""
        done = subprocess.run(
            self._as_user(list(command)),
            cwd=self.home,
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout

    def write(self, name: str, text: str) -> None:
        """Make a file that the server can read."""
        (self.home / name).write_text(text)
        self._give(self.home / name)

    def said(self) -> str:
        """The end of the server's log."""
        return (self.home / 'log').read_text(errors='replace')[-4000:]

    def _why(self) -> str:
        """The reason why the server does not respond, if it is known."""
        code = self._process.poll() if self._process else None
        state = 'runs' if code is None else f'has ended with {code}'
        command = ' '.join(self.command())
        return f'{self.name} {state}: {command}\n{self.said()}'

    def _give(self, path: pathlib.Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, self.user, self.user)

    def _as_user(self, command: list[str]) -> list[str]:
        program = find(command[0])
        assert program is not None, command[0]
        become = ['setpriv', '--pdeathsig=KILL']
        if os.getuid() == 0:
            become += [f'--reuid={self.user}', f'--regid={self.user}']
            become += ['--clear-groups']
        return [*become, program, *command[1:]]

    def _is_over(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _family(self) -> list[int]:
        """The server's process and those it has started itself."""
        if self._process is None or self._is_over():
            return []
        pid = self._process.pid
        children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
        return [pid, *map(int, children.read_text().split())]

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if number is signal.SIGKILL:
            self._end_all()
            return
        _signal(self._family()[:1], number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        _signal(self._family(), signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _end_all(self) -> None:
        """Kill the server and all that it has started."""
        self._halt(self._family()[:1])
        # A stopped server starts nothing after the list is made.
        kill(self._family())
        if self._process is not None:
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.set_up()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()


@contextlib.contextmanager
def together(group: Sequence[Server]) -> Iterator[None]:
    """Servers that start at the same time, from `with` to the end."""
    with contextlib.ExitStack() as running:
        for server in group:
            running.callback(server.remove)
            server.set_up()
            server.launch()
        for server in group:
            server.wait()
        yield


def require(name: str, programs: tuple[str, ...]) -> None:
    """Skip the test when a server is not here; fail where it was promised.

    KEYMW_REQUIRE_SERVERS=1 promises all, KEYMW_REQUIRE_SERVERS=0 none: then
    the test is skipped.
    """
    promise = os.environ.get('KEYMW_REQUIRE_SERVERS')
    if promise == '0':
        pytest.skip(f'{name}: KEYMW_REQUIRE_SERVERS=0 leaves servers out')
    missing = [program for program in programs if find(program) is None]
    if not missing:
        return
    why = f'{name} is not installed: there is no {", ".join(missing)}'
    if promise == '1':
        pytest.fail(why)
    pytest.skip(why)


def find(program: str) -> str | None:
    """Where a program or a library is, None when it is nowhere."""
    places = (
        '/usr/sbin',
        '/usr/lib/postgresql/*/bin',
        '/usr/lib/galera',
        '/usr/lib/uwsgi/plugins',
    )
    found = [
        path
        for place in places
        for path in sorted(glob.glob(f'{place}/{program}'))
    ]
    return shutil.which(program) or (found[-1] if found else None)


def until(
    condition: Callable[[], object],
    why: Callable[[], str] = str,
    patience: float = PATIENCE,
) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)


def kill(processes: list[int]) -> None:
    """Kill processes with -9, and return when they are gone.

    One that is still there would hold its port, files and shared memory.
    """
    _signal(processes, signal.SIGKILL)
    until(lambda: not any(map(_runs, processes)))


def _runs(pid: int) -> bool:
    return _state(pathlib.Path(f'/proc/{pid}/stat')) not in 'ZX'


def _is_stopped(pid: int) -> bool:
    """Whether each thread of a process is stopped, or has ended."""
    threads = pathlib.Path(f'/proc/{pid}/task').glob('*/stat')
    return all(_state(thread) in 'TZX' for thread in threads)


def _state(stat: pathlib.Path) -> str:
    """The letter of a process or thread; X is one that is gone."""
    try:
        return stat.read_text().rpartition(')')[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return 'X'


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
