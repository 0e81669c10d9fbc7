"""Names what changed between two runs of run.py by over 5 %."""

import argparse
import json
import pathlib
from typing import Any

CHANGED = 0.05


def main() -> None:
    """Print each kind of each row whose time changed, and each goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('old')
    parser.add_argument('new')
    options = parser.parse_args()
    old, new = options.old, options.new
    before, after = _rows(old), _rows(new)
    for name in before.keys() ^ after.keys():
        print(f'{name}: only in {old if name in before else new}')
    for name in before.keys() & after.keys():
        _compare(name, before[name], after[name])


def _rows(file: str) -> dict[str, Any]:
    found = json.loads(pathlib.Path(file).read_text())['rows']
    return {row['row']: row for row in found}


def _compare(name: str, before: Any, after: Any) -> None:
    for kind, time in after['microseconds'].items():
        former = before['microseconds'].get(kind)
        spread = before['spread'].get(kind, 0) + after['spread'].get(kind, 0)
        # What lies within the spread of the runs is no change.
        if former and abs(time / former - 1) > max(CHANGED, spread):
            print(f'{name}, {kind}: {time / former - 1:+.0%}')
    met = {goal['what']: goal['met'] for goal in before['goals']}
    for goal in after['goals']:
        if goal['met'] != met.get(goal['what'], goal['met']):
            now = 'met now' if goal['met'] else 'not met any more'
            print(f'{name}, {goal["what"]}: {now}')


if __name__ == '__main__':
    main()
