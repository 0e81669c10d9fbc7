"""Writers of responses: the headers and bodies of all families."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import webob

from keymw.web import faults
from keymw.web.fault_shapes import Content
from keymw.web.negotiate import Format
from keymw.web.request import Request
from keymw.web.table import Answerable

VARY = 'Accept, X-Auth-Token'
# Our responses contain keys, tokens or the names of their owners.
NO_STORE = ('Cache-Control', 'no-store')

# A writer takes the result of its handler, each of its own type.
Writer = Callable[[Any, Any], webob.Response]
FaultShape = Callable[[faults.Fault, Format], Content]
FaultWriter = Callable[[faults.Fault, Request], webob.Response]


def made(
    status: int, body: Content | None = None, vary: str = VARY
) -> webob.Response:
    """A response; body is a media type and bytes of that type."""
    headers = [NO_STORE, ('Vary', vary)]
    if body is None:
        return webob.Response(status=status, headerlist=headers)
    headers = [('Content-Type', body[0]), *headers]
    return webob.Response(status=status, headerlist=headers, body=body[1])


def bare(vary: str = VARY) -> Writer:
    """A writer of a response without a body."""
    return lambda _result, call: made(call.route.status, vary=vary)


empty = bare()


def formatted(write: Callable[[Any, Format], bytes]) -> Writer:
    """A writer of JSON or XML, in the negotiated format."""

    def reply(result: object, call: Answerable) -> webob.Response:
        kind = call.request.format
        return made(call.route.status, (kind.value, write(result, kind)))

    return reply


def with_headers(
    reply: Writer, write: Callable[[Any], Mapping[str, str]]
) -> Writer:
    """A writer that adds headers to the response of another writer."""

    def more(result: object, call: Answerable) -> webob.Response:
        response = reply(result, call)
        for name, value in write(result).items():
            response.headers[name] = value
        return response

    return more


def faults_as(
    shape: FaultShape,
    challenge: str | None = None,
    vary: str = VARY,
) -> FaultWriter:
    """A writer of faults in one shape.

    challenge is the URI in the WWW-Authenticate header of a 401.
    """

    def reply(fault: faults.Fault, request: Request) -> webob.Response:
        response = made(fault.status, shape(fault, request.format), vary)
        response.headers.extend(fault.headers)
        if fault.status == 401 and challenge:
            response.headers['WWW-Authenticate'] = (
                f'Keystone uri="{challenge}"'
            )
        return response

    return reply
