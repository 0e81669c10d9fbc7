"""The OpenAPI description of all routes, as a route of its own."""

from importlib import resources
import json

import webob
import yaml

from keymw.web.paths import guard
from keymw.web.table import Answerable
from keymw.web.table import Route
from keymw.web.table import Table
from keymw.web.table import refusals

PATH = '/keymw/openapi.json'
# Each guarded path contains it.
WORD = 'openapi.json'


def table() -> Table:
    """Return the table with the one route."""
    body = document()

    def write(_result: object, _call: Answerable) -> webob.Response:
        return webob.Response(body=body, content_type='application/json')

    route = Route('GET', PATH, None, _nothing, 200, write=write)
    return Table(
        [route, *refusals([route])],
        [f'{guard(PATH)}(?![^/])'],
        is_versioned=False,
    )


def document() -> bytes:
    """Return keymw/openapi.yaml as JSON."""
    file = resources.files('keymw').joinpath('openapi.yaml')
    return json.dumps(yaml.safe_load(file.read_bytes())).encode()


def _nothing(_call: object) -> None:
    return None
