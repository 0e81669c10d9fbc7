"""The routes of API keys and of the extension RAX-KSKEY."""

from collections.abc import Callable
from collections.abc import Iterator
from urllib.parse import quote

import webob

from keymw.call import Call
from keymw.credentials import bodies
from keymw.credentials import extensions
from keymw.credentials import handlers as do
from keymw.credentials import paths
from keymw.credentials import policies as rules
from keymw.identity import transport
from keymw.identity.base import Caller
from keymw.web import reply
from keymw.web.reply import Writer
from keymw.web.request import Request
from keymw.web.table import Route
from keymw.web.table import refusals


def _is_key(request: Request) -> bool:
    return bodies.is_ours(request.body(), request.content_type)


def _check_query(request: Request) -> None:
    bodies.check_query(request.query())


_write = reply.formatted(bodies.write)


def _write_new(
    key: bodies.ApiKey, call: Call[Caller, object]
) -> webob.Response:
    response = _write(key, call)
    user_id = quote(call.path['user_id'], safe='')
    below = paths.KEY.removeprefix('/v2.0').format(user_id=user_id)
    response.location = f'{transport.v2_url(call.origin)}{below}'
    return response


def routes(
    min_key_length: int, is_other: Callable[[str], bool]
) -> Iterator[Route]:
    """All routes; a new key has at least min_key_length characters.

    A key for which is_other is true is refused.
    """
    found = list(_operations(bodies.reader(min_key_length, is_other)))
    yield from found
    yield from refusals(found)


def _operations(
    reader: Callable[[bytes, str | None], bodies.ApiKey],
) -> Iterator[Route]:
    def read(request: Request) -> bodies.ApiKey:
        return reader(request.body(), request.content_type)

    all_, key, check = paths.CREDENTIALS, paths.KEY, _check_query
    list_, put = reply.formatted(bodies.write_list), do.put
    one = reply.formatted(extensions.write)
    yield Route('GET', all_, rules.LIST, do.list_, 200, check, list_)
    yield Route('POST', all_, rules.ADD, put, 201, read, _write_new, _is_key)
    yield Route('GET', key, rules.GET, do.get, 200, None, _write)
    yield Route('POST', key, rules.UPDATE, put, 200, read, _write)
    yield Route('DELETE', key, rules.DELETE, do.delete, 204)
    yield Route('POST', paths.RESET, rules.RESET, do.reset, 200, None, _write)
    yield _extension(paths.EXTENSIONS, extensions.list_, extensions.write_list)
    yield _extension(paths.EXTENSION, extensions.get, one)


def _extension(
    path: str, handler: Callable[[Call[None, None]], object], write: Writer
) -> Route:
    return Route('GET', path, None, handler, 200, None, write)
