"""The Makefile shows a newcomer steps, and not what other programs print."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
# In the place of Python: it makes environments, and pip as talkative as it is.
STUB = """#!/bin/sh
case "$*" in
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python";;
    "-m pip install "*--quiet*) ;;
    *pip*) for line in 1 2 3; do echo "Collecting $line"; done;;
    demo/*) ;;
    *) echo "not expected: $*"; exit 1;;
esac
"""


def test_make_demo_prints_one_line_for_each_step(
    tmp_path: pathlib.Path,
) -> None:
    stub = tmp_path / 'python'
    stub.write_text(STUB)
    stub.chmod(0o755)
    words = ('make', 'demo', f'PYTHON={stub}', f'VENV={tmp_path}/venv')
    # Its own variables would come from a make that runs the tests.
    env = {n: v for n, v in os.environ.items() if not n.startswith('MAKE')}
    done = subprocess.run(
        [*words], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, '')
    making, installing = done.stdout.splitlines()
    assert making.startswith('Making ')
    assert installing.startswith('Installing ')
