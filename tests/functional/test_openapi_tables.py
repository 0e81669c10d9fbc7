"""The description of the routes, and the tables, say the same."""

import re
from typing import Any

import openapi_spec_validator
import pytest

from keymw import conf
from keymw import factory
from keymw.web.table import ANY
from keymw.web.table import Route
from tests.support import openapi as described
from tests.support.deployment import Deployment

SHARED = described.DOCUMENT['components']['parameters']
FILE = {(o.method, o.path): o for o in described.operations()}


@pytest.fixture(scope='module')
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], list[Route]]:
    """Every route that options can switch on, by method and path."""
    place = tmp_path_factory.mktemp('tables') / 'keymw'
    made = Deployment(place, described.ALL_ON)
    made.set_up()
    built: Any = factory.build(_nobody, conf.load(str(made.conf_file)))
    found: dict[tuple[str, str], list[Route]] = {}
    for family in built._families:
        for row in family.table._rows:
            for route in row.routes:
                key = route.method, described.plain(route.path)
                found.setdefault(key, []).append(route)
    return {key: row for key, row in found.items() if key[0] != ANY}


def _nobody(environ: Any, start_response: Any) -> list[bytes]:
    raise AssertionError(environ, start_response)


def test_each_route_is_in_the_file_and_back(
    served: dict[tuple[str, str], list[Route]],
) -> None:
    assert served.keys() == FILE.keys()


@pytest.mark.parametrize('key', FILE, ids=' '.join)
def test_operation_has_the_status_rule_and_names_of_its_route(
    served: dict[tuple[str, str], list[Route]], key: tuple[str, str]
) -> None:
    told, routes = FILE[key].told, served[key]
    assert {str(route.status) for route in routes} <= told['responses'].keys()
    assert {route.rule for route in routes} == {told.get('x-keymw-rule')}
    parameters = [
        SHARED[p['$ref'].rpartition('/')[2]] if '$ref' in p else p
        for p in told.get('parameters', ())
    ]
    names = {p['name'] for p in parameters if p['in'] == 'path'}
    assert set(re.findall(r'{(\w+)}', key[1])) == names


def test_file_is_openapi() -> None:
    openapi_spec_validator.validate(described.DOCUMENT)


def test_names_of_operations_differ() -> None:
    names = [operation.id for operation in FILE.values()]
    assert len(set(names)) == len(names)
