"""Programs of others, from their package indexes, each in a place of its own.

What is there and was made for the same versions is taken as it is.
"""

from collections.abc import Iterable
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.live.demo import ROOT
from tests.support.servers import require

PLACE = ROOT / '.clients'
PATIENCE = 600


def python(name: str, *packages: str) -> pathlib.Path:
    """The interpreter of a virtual environment that has these packages.

    "." is this project without anything that its server needs.
    """
    place = PLACE / name
    interpreter = place / 'bin' / 'python'
    others = [package for package in packages if package != '.']
    made_of = [sys.version, *packages]
    commands = [
        [sys.executable, '-m', 'venv', place],
        [interpreter, '-m', 'pip', 'install', '--quiet', *others],
    ]
    if '.' in packages:
        # What it brings for clients is named there.
        made_of.append((ROOT / 'pyproject.toml').read_text())
        ours = ['--no-deps', '--editable', ROOT]
        commands.append([interpreter, '-m', 'pip', 'install', *ours])
    _install(place, made_of, commands)
    return interpreter


def node(name: str, *packages: str) -> pathlib.Path:
    """A directory whose programs for Node.js find these packages."""
    require('Node.js', ('node', 'npm'))
    place = PLACE / name
    quiet = ('--no-audit', '--no-fund', '--ignore-scripts', '--no-save')
    command = ['npm', 'install', *quiet, '--prefix', place, *packages]
    _install(place, packages, [command])
    return place


def _install(
    place: pathlib.Path, made_of: Iterable[str], commands: list[list[Any]]
) -> None:
    made, wanted = place / 'made-of', '\n'.join(made_of)
    if made.exists() and made.read_text() == wanted:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for command in commands:
        _run(place.name, command)
    made.write_text(wanted)


def _run(name: str, command: list[Any]) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        _give_up(f'{name} cannot be installed: {done.stdout[-800:]}')


def _give_up(why: str) -> None:
    if os.environ.get('KEYMW_REQUIRE_SERVERS') == '1':
        pytest.fail(why)
    pytest.skip(why)
