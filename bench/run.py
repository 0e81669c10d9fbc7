"""Measures keymw beside its peers: the table, as text, JSON and charts.

python bench/run.py [--parts instant digest served keystone load]
    [--rows PATTERN] [--save FILE] [--charts FOLDER]

instant and digest have an identity service in no time, served has gunicorn,
keystone a real Keystone, load gunicorn before Keystone and PostgreSQL. A part
that cannot run is a row that says why.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import datetime
import importlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
from typing import Any

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from bench import measure
from bench import paths


def main() -> None:
    """Measure each row, print it, and write the files."""
    options = _arguments()
    paths.log()
    result: dict[str, Any] = {
        'date': datetime.datetime.now(datetime.UTC).isoformat('T', 'minutes'),
        'machine': f'{platform.machine()}, {os.cpu_count()} cores',
        'python': platform.python_version(),
        'load average before': os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory() as home:
        result['rows'] = [*_shown(pathlib.Path(home), options)]
        # Keystone's log is in home, and the library of charts logs.
        if options.charts:
            _draw(result['rows'], pathlib.Path(options.charts))
    result['load average after'] = os.getloadavg()[0]
    file = pathlib.Path(options.save)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + '\n')
    print(*_table(result), sep='\n')


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rows', default='', metavar='PATTERN')
    parser.add_argument('--parts', nargs='+', choices=_PARTS, default=_PARTS)
    parser.add_argument('--save', default='build/bench.json', metavar='FILE')
    parser.add_argument('--charts', metavar='FOLDER')
    return parser.parse_args()


_PARTS = ('instant', 'digest', 'served', 'keystone', 'load')


def _shown(
    home: pathlib.Path, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Print and yield the wanted rows of each part."""
    wanted = re.compile(options.rows, re.IGNORECASE)
    for part in options.parts:
        for row in _part(part, home / part, wanted):
            show(row)
            yield row


def _part(
    name: str, home: pathlib.Path, wanted: re.Pattern[str]
) -> Iterator[dict[str, Any]]:
    try:
        for row in _rows(name, home):
            if isinstance(row, dict):
                yield row
            elif wanted.search(row.name):
                yield measure.measured(row)
    # A peer or a server that is not there must not end the other parts.
    except (Exception, SystemExit, pytest.skip.Exception) as error:
        yield measure.not_run(f'the rest of {name}', error)


def _rows(
    name: str, home: pathlib.Path
) -> Iterator[measure.Row | dict[str, Any]]:
    """Return the rows of a part; what only it needs is imported here."""
    if name == 'served':
        from bench import served

        return served.measured(home)
    if name == 'load' and 'bench.keystone_rows' in sys.modules:
        return iter(_in_another_process(name, home))
    if name == 'load':
        from bench import load

        return iter(load.measured(home))
    part = importlib.import_module(f'bench.{_MODULES[name]}')
    made: Iterator[measure.Row] = part.rows(home)
    return made


def _in_another_process(part: str, home: pathlib.Path) -> list[dict[str, Any]]:
    """Return the rows of a part: there is one Keystone in a process."""
    home.mkdir(parents=True)
    file = home / 'rows.json'
    command = [sys.executable, __file__, '--parts', part, '--save', str(file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: list[dict[str, Any]] = json.loads(file.read_text())['rows']
    return found


# Scripts of this folder import what stands in it before a library: Keystone.
_MODULES = {
    'instant': 'rows',
    'digest': 'digest_rows',
    'keystone': 'keystone_rows',
}


def _table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    kept = {name: value for name, value in result.items() if name != 'rows'}
    yield '\n' + ', '.join(f'{name} {value}' for name, value in kept.items())
    yield '\n| row | keymw | beside | ratio | spread | goal |'
    yield '|---|---|---|---|---|---|'
    for row in result['rows']:
        yield from _lines(row)


def _lines(row: dict[str, Any]) -> Iterator[str]:
    times, spread = row['microseconds'], row['spread']
    ours = times.get(measure.OURS)
    goals = '; '.join(
        f'{goal["what"]} {goal["goal"]:,}: {goal["value"]:,}, '
        + ('met' if goal['met'] else 'NOT MET')
        for goal in row['goals']
    )
    own = f'{spread.get(measure.OURS, 0):.0%}'
    name, shown = row['row'], '' if ours is None else as_text(ours)
    for kind, time in times.items():
        if kind != measure.OURS:
            ratio = '' if ours is None else f'{ours / time:.3g}'
            beside = f'{kind} {as_text(time)}'
            cells = (name, shown, beside, ratio, own, goals)
            yield f'| {" | ".join(cells)} |'
            name = shown = goals = own = ''
    if name:
        reason = row.get('not run', '')
        yield f'| {name} | {shown} | {reason} | | {own} | {goals} |'
    for kind, reason in row.get('absent', {}).items():
        yield f'| | | {kind} not run: {reason} | | | |'


def as_text(microseconds: float) -> str:
    """Return a time with its unit."""
    if microseconds >= 1000:
        return f'{microseconds / 1000:,.1f} ms'
    return f'{microseconds:.3g} us'


def _draw(rows: list[dict[str, Any]], folder: pathlib.Path) -> None:
    try:
        from bench import charts
    except ImportError as error:
        print(f'charts not drawn: {error}')
    else:
        charts.draw_table(rows, folder)


def show(found: Any) -> None:
    """Print a row: the times, their spread, and each goal."""
    print(found['row'], found.get('not run', ''), flush=True)
    for kind, reason in found.get('absent', {}).items():
        print(f'    {kind:34} not run: {reason}')
    for kind, value in found['microseconds'].items():
        spread = found['spread'].get(kind, 0)
        print(f'    {kind:34}{value:12,.1f} us  +-{spread:.0%}')
    if 'a second' in found:
        print(f'    {"a second":34}{found["a second"]:12,}')
    for goal in found['goals']:
        mark = 'met' if goal['met'] else 'NOT MET'
        print(
            f'    {goal["what"]:34}{goal["value"]:12,}     '
            f'goal {goal["goal"]:,}: {mark}',
            flush=True,
        )


if __name__ == '__main__':
    main()
