"""Imports point down only: factory to families to what they use."""

import ast
import functools
import pathlib

import pytest

import keymw

ROOT = pathlib.Path(keymw.__file__).parent

# From the top to the bottom. A name stands for a module or for a package
# with all in it.
LEVELS = (
    (
        *('keymw.manage', 'keymw', 'keymw.factory', 'keymw.filter'),
        *('keymw.healthcheck', 'keymw.readiness'),
    ),
    ('keymw.families',),
    (
        *('keymw.v2_api', 'keymw.login', 'keymw.credentials'),
        *('keymw.global_keys', 'keymw.api_keys', 'keymw.openapi'),
    ),
    ('keymw.family',),
    (
        'keymw.call',
        'keymw.as_faults',
        'keymw.policy',
        'keymw.limits',
        'keymw.identity',
    ),
    ('keymw.storage', 'keymw.row_seal', 'keymw.vault', 'keymw.private_path'),
    (
        *('keymw.observe', 'keymw.client', 'keymw.conf', 'keymw.page'),
        *('keymw.web', 'keymw.key_length'),
    ),
)
ORDER = [name for level in LEVELS for name in level]
# Families do not import each other, but for these.
FAMILIES = {
    'keymw.api_keys': (),
    'keymw.credentials': (),
    'keymw.global_keys': (),
    'keymw.login': ('keymw.credentials', 'keymw.api_keys'),
    'keymw.v2_api': ('keymw.login',),
}
# What may import a driver: its own package, and who keeps its database.
DRIVERS = {
    'keymw.storage.ldap': (),
    'keymw.storage.memory': (),
    'keymw.storage.memory_api_keys': (),
    'keymw.storage.sql': ('keymw.manage',),
}


def _name(file: pathlib.Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix('').parts
    return '.'.join(parts).removesuffix('.__init__')


MODULES = {_name(file): file for file in sorted(ROOT.rglob('*.py'))}


@functools.cache
def imports(source: str) -> list[str]:
    """Modules of ours that a source imports, wherever it does."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, 'imports are absolute here'
            whole = [f'{node.module}.{alias.name}' for alias in node.names]
            found += [
                name if name in MODULES else str(node.module) for name in whole
            ]
    return [name for name in found if f'{name}.'.startswith('keymw.')]


def level(module: str) -> str:
    """The entry of the table that a module belongs to."""
    fitting = [name for name in ORDER if is_in(module, name)]
    return max(fitting, key=len)


def is_in(module: str, package: str) -> bool:
    if package == 'keymw':
        return module == 'keymw'
    return f'{module}.'.startswith(f'{package}.')


def wrong(module: str, source: str) -> list[str]:
    """What a module with this source must not import."""
    mine = ORDER.index(level(module))
    return [
        name for name in imports(source) if ORDER.index(level(name)) < mine
    ]


@pytest.mark.parametrize('module', MODULES)
def test_module_has_a_level_and_imports_nothing_above(module: str) -> None:
    assert any(is_in(module, name) for name in ORDER), 'add it to LEVELS'
    assert wrong(module, MODULES[module].read_text()) == []


def test_levels_are_all_in_use() -> None:
    unused = {
        name for name in ORDER if not any(level(m) == name for m in MODULES)
    }
    assert unused == set()


@pytest.mark.parametrize('family', FAMILIES)
def test_families_do_not_import_each_other(family: str) -> None:
    others = set(FAMILIES) - {family, *FAMILIES[family]}
    found = [
        (module, name)
        for module, file in MODULES.items()
        if level(module) == family
        for name in imports(file.read_text())
        if level(name) in others
    ]
    assert found == []


@pytest.mark.parametrize('driver', DRIVERS)
def test_drivers_are_reached_by_entry_point(driver: str) -> None:
    allowed = (driver, *DRIVERS[driver])
    importing = [
        module
        for module, file in MODULES.items()
        if any(is_in(name, driver) for name in imports(file.read_text()))
        and not any(is_in(module, package) for package in allowed)
    ]
    assert importing == []


@pytest.mark.parametrize(
    ('source', 'found'),
    [
        ('from keymw import families', ['keymw.families']),
        ('from keymw.filter import Filter', ['keymw.filter']),
        ('import keymw.call', ['keymw.call']),
        ('import keymw', ['keymw']),
        ('def f():\n    from keymw import factory', ['keymw.factory']),
        (
            'if x:\n    from keymw.login import routes',
            ['keymw.login.routes'],
        ),
        ('from keymw import conf', []),
        ('import keymware\nimport os', []),
    ],
)
def test_table_would_catch_it(source: str, found: list[str]) -> None:
    assert wrong('keymw.vault', source) == found
