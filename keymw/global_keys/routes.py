"""The routes of global keys and of their access list."""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
from typing import Any
from typing import NoReturn
from urllib.parse import quote

import webob

from keymw.conf import Options
from keymw.global_keys import access_list_bodies
from keymw.global_keys import access_list_policies as access_list_rules
from keymw.global_keys import bodies as key_bodies
from keymw.global_keys import faults as admin_faults
from keymw.global_keys import json_shapes as shapes
from keymw.global_keys import pages
from keymw.global_keys import paths
from keymw.global_keys import policies as key_rules
from keymw.global_keys.access_list import AccessList
from keymw.global_keys.handlers import Keys
from keymw.global_keys.json_shapes import View
from keymw.web import hosts
from keymw.web.paths import to_text
from keymw.web.reply import NO_STORE
from keymw.web.reply import Writer
from keymw.web.request import Request
from keymw.web.table import ANY
from keymw.web.table import Answerable
from keymw.web.table import Route
from keymw.web.table import Table
from keymw.web.table import refusals

# The rule in the log for unknown paths and methods. Callers without a key
# get a challenge for every path, so these are behind identify too.
NOTHING = 'admin:nothing'
_OF_COLLECTION = 6
_Shape = Callable[[Any, View], object]


def table(options: Options, keys: Keys, access_list: AccessList) -> Table:
    """Return the table of all routes; paths below them are guarded.

    options are those of [global_keys].
    """
    rows = list(_operations(options, keys, access_list))
    return Table(
        (*rows, *refusals(rows, rule=NOTHING)),
        paths.GUARDED,
        Route(ANY, f'{paths.ALL}(?:/.*)?', NOTHING, _refuse_path, 404),
        is_versioned=False,
        errors='replace',
    )


def respond(status: int, content: object, view: View) -> webob.Response:
    """Return a response in JSON."""
    headers = [('Content-Type', 'application/json'), NO_STORE]
    body = shapes.render(content, status, view)
    return webob.Response(status=status, headerlist=headers, body=body)


def _refuse_path(call: Answerable) -> NoReturn:
    raise admin_faults.NoResource(to_text(call.request.place.given))


def _view(request: Request) -> View:
    """Return the format of a response, from the query.

    It is called before the handler, so that a bad query changes nothing.

    :raises BadQuery: a flag is neither true nor false.
    """
    query = request.query()
    return View(
        url='',
        query=tuple(query.items()),
        pretty=shapes.read_flag(query, 'pretty'),
        envelope=shapes.read_flag(query, 'envelope'),
    )


def _read_nothing(request: Request) -> None:
    _view(request)


def _read_paging(request: Request) -> pages.Paging:
    _view(request)
    return pages.read(request.query())


def _body(
    read: Callable[[bytes, str | None], object],
) -> Callable[[Request], object]:
    def read_all(request: Request) -> object:
        _view(request)
        return read(request.body(), request.content_type)

    return read_all


def _writer(options: Options) -> Callable[[_Shape], Writer]:
    """Return a function that makes the writer of a shape."""

    def writer(shape: _Shape) -> Writer:
        def write(result: object, call: Answerable) -> webob.Response:
            url = _url(call, options.public_prefix.rstrip('/'))
            view = dataclasses.replace(_view(call.request), url=url)
            return respond(call.route.status, shape(result, view), view)

        return write

    return writer


def _empty(_result: object, call: Answerable) -> webob.Response:
    return webob.Response(status=call.route.status, headerlist=[NO_STORE])


def _url(call: Answerable, prefix: str) -> str:
    """Return the URL of the collection as the client sees it."""
    environ = hosts.checked(call.request.environ)
    host: str = webob.Request(environ).host_url
    mount = quote(call.request.place.mount, encoding='latin-1')
    collection = '/'.join(call.route.path.split('/')[:_OF_COLLECTION])
    return f'{host}{prefix}{mount}{collection}'


def _operations(
    options: Options, keys: Keys, access_list: AccessList
) -> Iterator[Route]:
    write = _writer(options)
    yield from _keys(keys, write)
    for path in paths.ACCESS_LISTS:
        yield from _access_list(path, access_list, write)


def _keys(do: Keys, write: Callable[[_Shape], Writer]) -> Iterator[Route]:
    bodies, rules, nothing = key_bodies, key_rules, _read_nothing
    all_, roles, key = paths.KEYS, paths.ROLES, paths.KEY
    one, names = write(bodies.write), write(bodies.write_roles)
    page, new = write(bodies.write_page), write(bodies.write_new)
    add, change = _body(bodies.read_new), _body(bodies.read_change)
    yield Route('GET', all_, rules.LIST, do.list_, 200, _read_paging, page)
    yield Route('POST', all_, rules.ADD, do.add, 200, add, new)
    # Before the route of one key, whose path matches "roles" too.
    yield Route('GET', roles, rules.ROLES, do.roles, 200, nothing, names)
    yield Route('GET', key, rules.GET, do.get, 200, nothing, one)
    yield Route('PATCH', key, rules.UPDATE, do.update, 200, change, one)
    yield Route('DELETE', key, rules.DELETE, do.delete, 204, nothing, _empty)


def _access_list(
    all_: str, do: AccessList, write: Callable[[_Shape], Writer]
) -> Iterator[Route]:
    bodies, rules = access_list_bodies, access_list_rules
    entry, nothing = f'{all_}{paths.ENTRY}', _read_nothing
    one, page = write(bodies.write), write(bodies.write_page)
    add, change = _body(bodies.read_new), _body(bodies.read_change)
    yield Route('GET', all_, rules.LIST, do.list_, 200, _read_paging, page)
    yield Route('POST', all_, rules.ADD, do.add, 200, add, one)
    yield Route('GET', entry, rules.GET, do.get, 200, nothing, one)
    yield Route('PATCH', entry, rules.UPDATE, do.update, 200, change, one)
    yield Route('DELETE', entry, rules.DELETE, do.delete, 204, nothing, _empty)
