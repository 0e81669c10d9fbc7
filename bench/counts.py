"""Counts the instructions of one request per path, with callgrind.

Counts do not depend on other load of the machine. counts.py prints them;
"--save FILE" writes them as JSON. "--compare FILE" names each path that costs
over 5 % more than in the file, and then exits with 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import paths

CALLS, FIRST = 100, 20
# What a run adds by itself, some 700,000 instructions, is more than these.
MANY_CALLS, _CHEAP = 10_000, 'pass-through'
GROWN = 1.05
_EMPTY = 'nothing'


def main() -> int:
    """Count, print, and save or compare; return the exit code."""
    options = _arguments()
    if options.run:
        return _run()
    if shutil.which('valgrind') is None:
        sys.exit('counts.py: install valgrind')
    counts = count()
    for name, instructions in counts.items():
        print(f'{name:32}{instructions / 1000:10.1f} k instructions')
    if options.save:
        text = json.dumps(counts, indent=2)
        pathlib.Path(options.save).write_text(f'{text}\n')
    return _compare(counts, options.compare) if options.compare else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--save', metavar='FILE')
    parser.add_argument('--compare', metavar='FILE')
    parser.add_argument('--run', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_args()


def count() -> dict[str, int]:
    """Return the instructions of one request, by path."""
    with tempfile.TemporaryDirectory() as home:
        out = pathlib.Path(home) / 'counts'
        command = [
            'valgrind',
            '--quiet',
            '--tool=callgrind',
            '--instr-atstart=no',
        ]
        command += [f'--callgrind-out-file={out}', '--dump-line=no']
        command += [sys.executable, __file__, '--run']
        with subprocess.Popen(
            command,
            env={**os.environ, 'PYTHONHASHSEED': '0'},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        ) as process:
            totals = dict(_totals(process, out))
        if process.returncode:
            sys.exit('counts.py: a request failed')
    empty = totals.pop(_EMPTY)
    return {
        name: round((total - empty) / _calls(name))
        for name, total in totals.items()
    }


def _totals(
    process: subprocess.Popen[str], out: pathlib.Path
) -> Iterator[tuple[str, int]]:
    """Yield the count of each kind of request, from its name to "done"."""
    assert process.stdout is not None
    for number, name in enumerate(iter(process.stdout.readline, ''), 1):
        _control(process, '--instr=on')
        _let_go_on(process)
        process.stdout.readline()
        _control(process, '--dump')
        _control(process, '--instr=off')
        dump = pathlib.Path(f'{out}.{number}').read_text()
        yield name.strip(), int(re.findall(r'^totals: (\d+)', dump, re.M)[0])
        _let_go_on(process)


def _control(process: subprocess.Popen[str], what: str) -> None:
    subprocess.run(
        ['callgrind_control', what, str(process.pid)],
        check=True,
        capture_output=True,
    )


def _let_go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write('\n')
    process.stdin.flush()


def _run() -> int:
    """Send the requests; the parent process starts each kind."""
    paths.log()
    with tempfile.TemporaryDirectory() as home:
        kinds = paths.paths(pathlib.Path(home))
        for name, ask in [(_EMPTY, _nothing), *kinds]:
            for _ in range(FIRST):
                ask()
            _tell(name)
            for _ in range(_calls(name)):
                ask()
            _tell('done')
    return 0


def _calls(name: str) -> int:
    return MANY_CALLS if name.startswith(_CHEAP) else CALLS


def _nothing() -> None:
    pass


def _tell(line: str) -> None:
    print(line, flush=True)
    sys.stdin.readline()


def _compare(counts: dict[str, int], file: str) -> int:
    before: dict[str, int] = json.loads(pathlib.Path(file).read_text())
    grown = {
        name: instructions / before[name]
        for name, instructions in counts.items()
        if name in before and instructions > before[name] * GROWN
    }
    for name, ratio in grown.items():
        print(f'{name}: {ratio - 1:+.1%} over {file}')
    return int(bool(grown))


if __name__ == '__main__':
    sys.exit(main())
