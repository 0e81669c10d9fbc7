"""The routes of API keys (doc/contract/api-keys 3)."""

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

import webob

from keymw.api_keys import bodies
from keymw.api_keys import paths
from keymw.api_keys import policies as rules
from keymw.api_keys import queries
from keymw.api_keys.bodies import Shown
from keymw.api_keys.handlers import Found
from keymw.api_keys.handlers import Handlers
from keymw.api_keys.service import ApiKeys
from keymw.call import Call
from keymw.web import media
from keymw.web import reply
from keymw.web.negotiate import Format
from keymw.web.request import Request
from keymw.web.table import Route
from keymw.web.table import refusals

VARY = 'X-Auth-Token'

AnyCall = Call[Any, Any]


def routes(api_keys: ApiKeys) -> Iterator[Route]:
    """All routes, and those that refuse other methods."""
    found = [*_of_user(api_keys), *_of_all(Handlers(api_keys))]
    yield from found
    yield from refusals(found)


def _of_user(api_keys: ApiKeys) -> Iterator[Route]:
    do, most = Handlers(api_keys), api_keys.options.max_grace
    list_, one = _reader(queries.OF_USER), _write_one

    def grace(body: bytes, content_type: str | None) -> int:
        return bodies.read_grace(body, content_type, most)

    all_, key = paths.OF_USER, paths.KEY
    new, change = _body(bodies.read_new), _body(bodies.read_change)
    yield Route('POST', all_, rules.CREATE, do.create, 201, new, _write_new)
    yield Route('GET', all_, rules.LIST, do.list_, 200, list_, _write_page)
    yield Route('GET', key, rules.GET, do.get, 200, None, one)
    yield Route('PATCH', key, rules.UPDATE, do.update, 200, change, one)
    yield Route('DELETE', key, rules.DELETE, do.delete, 204, None, _nothing)
    yield Route(
        'POST', paths.ROTATE, rules.ROTATE, do.rotate, 200, _body(grace), one
    )


def _of_all(do: Handlers) -> Iterator[Route]:
    yield Route(
        'GET',
        paths.ALL,
        rules.LIST_ALL,
        do.list_all,
        200,
        _reader(queries.OF_ALL),
        _write_page,
    )
    yield Route(
        'POST',
        paths.REVOKE,
        None,
        do.revoke,
        204,
        _body(bodies.read_secret),
        _nothing,
    )


def _body(
    read: Callable[[bytes, str | None], Any],
) -> Callable[[Request], Any]:
    return lambda request: read(request.body(), request.content_type)


def _reader(
    known: dict[str, Callable[[str, str], Any]],
) -> Callable[[Request], queries.Page]:
    def read(request: Request) -> queries.Page:
        query = request.query()
        return queries.read_page(query, [*query], known)

    return read


_nothing = reply.bare(VARY)


def _write(call: AnyCall, found: object) -> webob.Response:
    body = (Format.JSON.value, media.write_json(found))
    return reply.made(call.route.status, body, VARY)


def _write_one(shown: Shown, call: AnyCall) -> webob.Response:
    return _write(
        call, {bodies.ROOT: bodies.to_json(shown, _url(call, shown))}
    )


def _write_new(shown: Shown, call: AnyCall) -> webob.Response:
    response = _write_one(shown, call)
    response.location = _url(call, shown)
    return response


def _write_page(found: Found, call: AnyCall) -> webob.Response:
    here = f'{_root(call)}{call.request.place.path}'
    links = {
        'self': _with_query(here, call, {}),
        'next': None if found.is_last else _next(here, call, found),
        'previous': None,
    }
    items = [bodies.to_json(one, _url(call, one)) for one in found.keys]
    return _write(call, {'api_keys': items, 'links': links})


def _next(here: str, call: AnyCall, found: Found) -> str:
    return _with_query(here, call, {'marker': found.marker})


def _with_query(here: str, call: AnyCall, more: dict[str, str]) -> str:
    query = urlencode({**call.query, **more})
    return f'{here}?{query}' if query else here


def _url(call: AnyCall, shown: Shown) -> str:
    user_id = quote(shown.key.user_id, safe='')
    path = paths.KEY.format(user_id=user_id, id=shown.key.id)
    return f'{_root(call)}{path}'


def _root(call: AnyCall) -> str:
    """The URL of the service, as the client sees it."""
    found: str = webob.Request(dict(call.origin.environ)).application_url
    return found
