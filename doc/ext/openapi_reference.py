"""The directive openapi: a reference made from keymw/openapi.yaml."""

from __future__ import annotations

from collections.abc import Iterator
import json
import textwrap
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from keymw import openapi

Row = tuple[str, ...]
_LANGUAGES = {'application/json': 'json', 'application/xml': 'xml'}


class OpenApi(SphinxDirective):
    """All operations of one tag."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        document = json.loads(openapi.document())
        tag = self.arguments[0]
        text = '\n'.join(_of_tag(document, tag))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _of_tag(document: dict[str, Any], tag: str) -> Iterator[str]:
    about = next(t for t in document['tags'] if t['name'] == tag)
    yield from _paragraph(about.get('description', ''))
    for path, methods in document['paths'].items():
        for method, told in methods.items():
            if tag in told['tags']:
                yield from _operation(document, method.upper(), path, told)


def _operation(
    document: dict[str, Any], method: str, path: str, told: dict[str, Any]
) -> Iterator[str]:
    yield from (told['summary'], '-' * len(told['summary']), '')
    yield from _block('text', f'{method} {path}')
    yield from _paragraph(told.get('description', ''))
    if 'x-keymw-rule' in told:
        yield from _paragraph(f'Rule: ``{told["x-keymw-rule"]}``.')
    yield from _parameters(document, told)
    body = told.get('requestBody')
    if body:
        yield from ('**Request**', '')
        yield from _examples(body['content'])
    for status, response in told['responses'].items():
        if status.startswith('2'):
            found = _resolved(document, response)
            text = f'**Response {status}:** {found["description"]}'
            yield from _paragraph(text)
            yield from _headers(found)
            yield from _examples(found.get('content', {}))
    yield from _faults(document, told)


def _parameters(
    document: dict[str, Any], told: dict[str, Any]
) -> Iterator[str]:
    found = [_resolved(document, p) for p in told.get('parameters', ())]
    rows = [
        (f'``{p["name"]}``', p['in'], p['description'].replace('\n', ' '))
        for p in found
    ]
    yield from _table(('Parameter', 'In', 'Meaning'), rows)


def _faults(document: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    rows: list[Row] = []
    for status, response in told['responses'].items():
        if not status.startswith('2'):
            found = _resolved(document, response)
            rows.append((status, found['description'].replace('\n', ' ')))
    yield from _table(('Status', 'Cause'), rows)


def _headers(response: dict[str, Any]) -> Iterator[str]:
    rows = [
        (f'``{name}``', header['description'])
        for name, header in response.get('headers', {}).items()
    ]
    yield from _table(('Header', 'Meaning'), rows)


def _examples(content: dict[str, Any]) -> Iterator[str]:
    for kind, told in content.items():
        example = told.get('example')
        if example is not None:
            yield from _block(_LANGUAGES.get(kind, 'text'), _text(example))


def _text(example: Any) -> str:
    if isinstance(example, str):
        return example
    return json.dumps(example, indent=2, ensure_ascii=False)


def _paragraph(text: str) -> Iterator[str]:
    # Markdown's code is a single quote, that of docutils a double one.
    yield from (text if '``' in text else text.replace('`', '``'), '')


def _block(language: str, text: str) -> Iterator[str]:
    yield f'.. code-block:: {language}'
    yield from ('', textwrap.indent(text.rstrip(), '   '), '')


def _table(head: Row, rows: list[Row]) -> Iterator[str]:
    if not rows:
        return
    yield from ('.. list-table::', '   :header-rows: 1', '')
    for row in [head, *rows]:
        for at, cell in enumerate(row):
            text = cell if '``' in cell else cell.replace('`', '``')
            yield f'   {"  " if at else "* "}- {text}'
    yield ''


def _resolved(document: dict[str, Any], told: dict[str, Any]) -> Any:
    if '$ref' not in told:
        return told
    found: Any = document
    for name in told['$ref'].removeprefix('#/').split('/'):
        found = found[name]
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive('openapi', OpenApi)
    return {'parallel_read_safe': True}
