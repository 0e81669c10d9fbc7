"""The bounds of pyproject.toml hold what operators of OpenStack have."""

import pathlib
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
import pytest

ROOT = pathlib.Path(__file__).parents[2]
LISTS = ROOT / '.ci' / 'constraints'
RELEASES = ('2025.1', '2026.1')


def constraints(release: str) -> dict[str, str]:
    """The version of each package in a release of OpenStack."""
    lines = (LISTS / f'uc-{release}.txt').read_text().splitlines()
    pinned = [
        line.split(';')[0].strip().split('===')
        for line in lines
        if '===' in line
    ]
    return {canonicalize_name(name): version for name, version in pinned}


def required() -> list[Requirement]:
    """What keymw and its extras for operators need."""
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    extras = project['optional-dependencies']
    found = [*project['dependencies']]
    for name in sorted(set(extras) - {'test'}):
        found += extras[name]
    return [Requirement(text) for text in found]


@pytest.mark.parametrize('release', RELEASES)
@pytest.mark.parametrize('needed', required(), ids=str)
def test_release_in_support_satisfies_every_bound(
    needed: Requirement, release: str
) -> None:
    held = constraints(release).get(canonicalize_name(needed.name))
    assert held is None or needed.specifier.contains(held)
