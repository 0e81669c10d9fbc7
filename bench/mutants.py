"""Mutation tests: changes one thing in a module, and runs its tests.

A mutant that no test notices survives. The mutants are a seeded sample, and
the run ends after a number of minutes. Sources are changed in a copy of the
repository only.

    bench/mutants.py --minutes 60 --sample 200 --seed 1 [MODULE ...]
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable
from collections.abc import Iterator
import copy
import dataclasses
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
COPIED = ('keymw', 'tests', 'bench', 'demo', 'etc', 'doc', '.ci')
# The module, and the test files that are about it; the quickest first.
TESTS = {
    'keymw/web/paths.py': (
        'tests/unit/test_properties.py',
        'tests/functional/test_gate.py',
        'tests/functional/test_mounting.py',
        'tests/functional/test_face.py',
    ),
    'keymw/vault.py': (
        'tests/unit/test_vault.py',
        'tests/unit/test_vault_owners.py',
        'tests/unit/test_secrets.py',
    ),
    'keymw/global_keys/digest.py': (
        'tests/unit/test_digest.py',
        'tests/functional/test_digest_gate.py',
    ),
    'keymw/global_keys/digest_login.py': (
        'tests/functional/test_digest_gate.py',
        'tests/functional/test_sealed_rows.py',
        'tests/functional/test_limits.py',
    ),
    'keymw/limits/failures.py': ('tests/functional/test_limits.py',),
    'keymw/limits/table.py': (
        'tests/unit/test_limit_table.py',
        'tests/functional/test_limits.py',
    ),
    'keymw/limits/client_address.py': (
        'tests/functional/test_client_address.py',
        'tests/functional/test_access_list.py',
    ),
    'keymw/limits/counters.py': (
        'tests/unit/test_replays.py',
        'tests/unit/test_limit_table.py',
        'tests/functional/test_limits.py',
    ),
    'keymw/limits/fallback.py': (
        'tests/unit/test_limit_table.py',
        'tests/functional/test_limits.py',
    ),
    'keymw/policy/rules.py': (
        'tests/functional/test_roles.py',
        'tests/functional/test_targets.py',
        'tests/functional/test_api_keys_login.py',
    ),
    'keymw/policy/stale.py': ('tests/functional/test_stale.py',),
    'keymw/policy/files.py': ('tests/functional/test_policy_files.py',),
    'keymw/login/handlers.py': (
        'tests/functional/test_login_meanwhile.py',
        'tests/functional/test_login_verification.py',
        'tests/functional/test_login_legacy.py',
        'tests/functional/test_login_v3.py',
    ),
    'keymw/login/key_logins.py': ('tests/functional/test_api_keys_login.py',),
    'keymw/login/v2_body.py': ('tests/functional/test_login.py',),
    'keymw/login/v3_body.py': (
        'tests/functional/test_login_v3.py',
        'tests/functional/test_api_keys_login.py',
    ),
    'keymw/login/v1_bodies.py': ('tests/functional/test_login_legacy.py',),
}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


# A copy of a module takes time, and most of its nodes have no change.
_CHANGED = (
    *(ast.Compare, ast.BoolOp, ast.If, ast.IfExp, ast.Constant),
    *(ast.FunctionDef, ast.For, ast.While, ast.With, ast.Try),
)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A module with one change, on a line of its source."""

    module: str
    line: int
    change: str
    source: str


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for kind in range(2) if _may_change(node) else ():
            changed = copy.deepcopy(tree)
            place = next(
                n for i, n in enumerate(ast.walk(changed)) if i == number
            )
            change = _changed(place, kind)
            if change is not None:
                line = getattr(node, 'lineno', 0)
                yield Mutant(module, line, change, ast.unparse(changed))


def _may_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    return isinstance(node, _CHANGED)


def _changed(node: ast.AST, kind: int) -> str | None:
    """Change a node in place; the change in words, None: there is none."""
    if isinstance(node, ast.Compare) and kind == 0:
        before = ast.unparse(node)
        node.ops[0] = _OPPOSITE[type(node.ops[0])]()
        return f'{before} -> {ast.unparse(node)}'
    if isinstance(node, ast.BoolOp) and kind == 0:
        before = ast.unparse(node)
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return f'{before} -> {ast.unparse(node)}'
    if isinstance(node, ast.If | ast.IfExp) and kind == 0:
        before = ast.unparse(node.test)
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return f'if {before} -> if not'
    if isinstance(node, ast.Constant):
        return _other_value(node, kind)
    return _without_a_call(node, kind)


def _other_value(node: ast.Constant, kind: int) -> str | None:
    if kind == 0 and isinstance(node.value, bool):
        node.value = not node.value
        return f'{not node.value} -> {node.value}'
    if kind == 0 and isinstance(node.value, int):
        node.value += 1
        return f'{node.value - 1} -> {node.value}'
    return None


def _without_a_call(node: ast.AST, kind: int) -> str | None:
    """Leave out a statement that is a call, or a raise."""
    for body in (getattr(node, 'body', None), getattr(node, 'orelse', None)):
        if not isinstance(body, list) or kind == 0:
            continue
        for at, statement in enumerate(body):
            is_call = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Call
            )
            if is_call or isinstance(statement, ast.Raise):
                body[at] = ast.copy_location(ast.Pass(), statement)
                return f'{ast.unparse(statement)[:60]} -> pass'
    return None


def main() -> int:
    """Run the mutants, print the survivors, and return 0.

    :raises SystemExit: a test fails without a mutant, so it would kill all.
    """
    options = _arguments()
    rng = random.Random(options.seed)
    modules = options.modules or list(TESTS)
    made = [
        mutant
        for module in modules
        for mutant in mutants(module, (ROOT / module).read_text())
    ]
    chosen = rng.sample(made, min(options.sample, len(made)))
    deadline = time.monotonic() + 60 * options.minutes
    survivors: list[Mutant] = []
    ran = 0
    with tempfile.TemporaryDirectory() as home:
        place = _copy(pathlib.Path(home))
        if not _pass(place, {t for m in modules for t in TESTS[m]}):
            sys.exit('The tests fail without a mutant too.')
        for mutant in chosen:
            if time.monotonic() > deadline:
                break
            ran += 1
            if _survives(place, mutant):
                survivors.append(mutant)
                print(f'survives: {_line(mutant)}', flush=True)
    print(f'{len(made)} mutants, {ran} run, {ran - len(survivors)} killed')
    for mutant in sorted(survivors, key=lambda m: (m.module, m.line)):
        print(f'* {_line(mutant)}')
    return 0


def _line(mutant: Mutant) -> str:
    return f'`{mutant.module}` line {mutant.line}: `{mutant.change}`'


def _copy(home: pathlib.Path) -> pathlib.Path:
    place = home / 'repository'
    place.mkdir()
    for name in COPIED:
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for file in ('pyproject.toml', 'SECURITY.md', 'README.md'):
        shutil.copy(ROOT / file, place)
    return place


def _survives(place: pathlib.Path, mutant: Mutant) -> bool:
    """Whether all tests of the module pass with the mutant in its place."""
    file = place / mutant.module
    former = file.read_text()
    file.write_text(mutant.source)
    try:
        return _pass(place, TESTS[mutant.module], 600)
    finally:
        file.write_text(former)


def _pass(
    place: pathlib.Path, tests: Iterable[str], seconds: float | None = None
) -> bool:
    """Whether test files pass, and in this time."""
    command = [sys.executable, '-m', 'pytest', '-q', '-x', '--timeout=120']
    try:
        done = subprocess.run(
            [*command, '-p', 'no:cacheprovider', *tests],
            cwd=place,
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--sample', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('modules', nargs='*', metavar='MODULE')
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
