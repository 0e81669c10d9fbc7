"""What pyproject.toml names is there."""

from importlib import metadata
import pathlib
import tomllib
from typing import Any

import pytest

from keymw.storage.base import CredentialStore
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import GlobalKeyStore

PROJECT: dict[str, Any] = tomllib.loads(
    (pathlib.Path(__file__).parents[2] / 'pyproject.toml').read_text()
)['project']
NAMED: dict[str, dict[str, str]] = PROJECT['entry-points'] | {
    'console_scripts': PROJECT['scripts']
}
# Libraries that a driver needs and an installation may lack.
NEEDS = {'keymw.storage.ldap.credentials:LdapCredentials': 'ldap'}
POINTS = [
    pytest.param(metadata.EntryPoint(name, value, group), id=f'{group}-{name}')
    for group, names in NAMED.items()
    for name, value in names.items()
]


@pytest.mark.parametrize('point', POINTS)
def test_entry_point_loads(point: metadata.EntryPoint) -> None:
    if point.value in NEEDS:
        pytest.importorskip(NEEDS[point.value])
    assert callable(point.load())


@pytest.fixture(scope='module')
def installed() -> metadata.EntryPoints:
    return metadata.distribution('keymw').entry_points


@pytest.mark.parametrize('point', POINTS)
def test_entry_point_is_installed(
    installed: metadata.EntryPoints, point: metadata.EntryPoint
) -> None:
    found = installed.select(group=point.group, name=point.name)
    assert {one.value for one in found} == {point.value}


def test_names_that_an_operator_types_are_there() -> None:
    assert 'keymw' in NAMED['paste.filter_factory']
    assert {'health', 'keystone', 'metrics'} <= set(NAMED['paste.app_factory'])
    assert 'keymw' in NAMED['oslo.middleware.healthcheck']
    assert 'keymw-manage' in NAMED['console_scripts']
    assert {'memory', 'sql'} <= set(NAMED['keymw.credential_store'])
    assert 'keymw' in NAMED['oslo.config.opts']
    assert 'keymw' in NAMED['oslo.policy.policies']


@pytest.mark.parametrize('name', ['memory', 'sql'])
@pytest.mark.parametrize(
    ('group', 'store'),
    [
        ('keymw.credential_store', CredentialStore),
        ('keymw.global_key_store', GlobalKeyStore),
        ('keymw.access_list_store', AccessListStore),
    ],
)
def test_driver_is_a_store(group: str, store: type, name: str) -> None:
    driver = metadata.EntryPoint(name, NAMED[group][name], '').load()
    assert issubclass(driver, store)
