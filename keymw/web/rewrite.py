"""Responses of the wrapped application whose body keymw changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import webob

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Request headers for which a response may be encoded, partial or empty.
_CONDITIONS = (
    'HTTP_ACCEPT_ENCODING',
    'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_NONE_MATCH',
    'HTTP_RANGE',
)
# Response headers about the body as it was.
_STALE = ('ETag', 'Content-MD5')


def whole_get(environ: WSGIEnvironment) -> WSGIEnvironment:
    """A GET in place of a request: its response has a whole, plain body.

    The response to a HEAD has no body to change. The environ is a copy: the
    application may modify it.
    """
    copy = {**environ, 'REQUEST_METHOD': 'GET'}
    for name in _CONDITIONS:
        copy.pop(name, None)
    return copy


def set_body(response: webob.Response, body: bytes) -> None:
    """Replace the body; remove the headers that no longer fit."""
    response.body = body
    for name in _STALE:
        response.headers.pop(name, None)
