"""The floors of pyproject.toml are what an operator of 2025.1 has."""

import pathlib
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
import pytest

ROOT = pathlib.Path(__file__).parents[2]
LIST = ROOT / '.ci' / 'constraints' / 'uc-2025.1.txt'


def constraints() -> dict[str, str]:
    """The version of each package in OpenStack 2025.1."""
    lines = LIST.read_text().splitlines()
    pinned = [line.split(';')[0].strip().split('===') for line in lines]
    return {canonicalize_name(name): version for name, version in pinned}


def required() -> list[Requirement]:
    """What keymw and its extras for operators need."""
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    extras = project['optional-dependencies']
    found = [*project['dependencies']]
    for name in sorted(set(extras) - {'test'}):
        found += extras[name]
    return [Requirement(text) for text in found]


@pytest.mark.parametrize('needed', required(), ids=str)
def test_the_oldest_release_in_support_satisfies_every_floor(
    needed: Requirement,
) -> None:
    held = constraints().get(canonicalize_name(needed.name))
    assert held is None or needed.specifier.contains(held)
