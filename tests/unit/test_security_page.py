"""The page about security names tests that exist, for each incident."""

import ast
import pathlib
import re

import pytest

from keymw.credentials import keys
from keymw.global_keys import digest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / 'doc' / 'security.md').read_text()
ROWS = [
    line for line in PAGE.splitlines() if re.match(r'\| (CVE|OSSN)-\d', line)
]
NAMED = sorted(set(re.findall(r'`(tests/[\w/]+\.py)::(\w+)`', PAGE)))


def test_there_are_sixteen_incidents() -> None:
    assert len(ROWS) == 16
    assert all('`tests/' in row for row in ROWS)


@pytest.mark.parametrize(('file', 'name'), NAMED)
def test_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {n.name for n in ast.walk(tree) if isinstance(n, functions)}
    assert name.startswith('test_')
    assert name in found


@pytest.mark.parametrize(
    ('module', 'function'), [(keys, 'are_equal'), (digest, 'is_right')]
)
def test_secrets_are_compared_in_constant_time(
    module: object, function: str
) -> None:
    names = getattr(module, function).__code__.co_names
    assert 'compare_digest' in names
