"""The request: each part of the WSGI environ, read once and bounded."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import functools
import importlib
import io
import itertools
import logging
import os
import re
import sys
from typing import TYPE_CHECKING
from typing import Any

import webob

from keymw.web import faults
from keymw.web import negotiate
from keymw.web import paths
from keymw.web.negotiate import Format

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)

_LONGEST_LENGTH = 18
_REQUEST_ID = re.compile('req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
# Bytes of a long body for each read.
_PIECE = 65536


class Request:
    """One request; each part is read once.

    The table that matches a route sets names, suffix and allow. probe: we
    may ask the wrapped application now which API it speaks.
    """

    def __init__(
        self, environ: WSGIEnvironment, limit: int, *, probe: bool = False
    ) -> None:
        """limit is the maximum length of a body in bytes."""
        self.environ = environ
        self.place = paths.place(environ)
        self.method: str = environ['REQUEST_METHOD']
        self.probe = probe
        self.names: Mapping[str, str] = {}
        self.allow: tuple[str, ...] = ()
        self.suffix = negotiate.suffix_of(self.place.path)
        self._limit = limit
        self._body: bytes | faults.Fault | None = None
        self._id: str = environ.get('openstack.request_id', '')

    @property
    def id(self) -> str:
        """The request id from the environ, or a new one."""
        # functools.cached_property takes a lock before Python 3.12.
        if not self._id:
            self._id = _new_id()
        return self._id

    @property
    def token(self) -> str:
        """The token in X-Auth-Token; empty if there is none."""
        token: str = self.environ.get('HTTP_X_AUTH_TOKEN', '')
        return token.strip()

    @property
    def content_type(self) -> str | None:
        """The Content-Type of the body."""
        return self.environ.get('CONTENT_TYPE')

    @property
    def format(self) -> Format:
        """The format of the response."""
        accept = self.environ.get('HTTP_ACCEPT')
        return negotiate.reply_format(self.suffix, accept)

    def query(self) -> Mapping[str, str]:
        """The parameters of the query.

        :raises BadRequest: the query is not UTF-8.
        """
        if not self.environ.get('QUERY_STRING'):
            return {}
        try:
            query: Mapping[str, str] = webob.Request(self.environ).GET
        except UnicodeDecodeError:
            raise faults.BadRequest('The query is not UTF-8.') from None
        return query

    def keep_body(self) -> None:
        """Read the body into memory, unless it is too long.

        The wrapped application can read it again.
        """
        if self._body is None:
            self._body = self._read_body()

    def is_too_long(self) -> bool:
        """Whether the body is longer than the limit."""
        self.keep_body()
        return isinstance(self._body, faults.BodyTooLarge)

    def body(self) -> bytes:
        """The bytes of the body.

        :raises BodyTooLarge: the body is longer than the limit.
        :raises BadRequest: the body is not as long as Content-Length says.
        """
        self.keep_body()
        if isinstance(self._body, faults.Fault):
            raise self._body
        return self._body or b''

    def _read_body(self) -> bytes | faults.Fault:
        # The fault is raised later, by body: a caller without a token must
        # not learn whether its body was valid.
        try:
            body = keep_body(self.environ, self._limit)
        except faults.Fault as fault:
            return fault
        return faults.BodyTooLarge(self._limit) if body is None else body


def _new_id() -> str:
    # A UUID 4. To make it with the module uuid takes four times as long.
    digits = os.urandom(16).hex()
    first, second, rest = digits[:8], digits[8:12], digits[20:]
    return f'req-{first}-{second}-4{digits[13:16]}-a{digits[17:20]}-{rest}'


def global_request_id(environ: WSGIEnvironment) -> str | None:
    """The client's X-OpenStack-Request-ID; None if not of the usual form."""
    named = environ.get('HTTP_X_OPENSTACK_REQUEST_ID', '')
    return named if _REQUEST_ID.fullmatch(named) else None


def keep_body(environ: WSGIEnvironment, limit: int) -> bytes | None:
    """Read the body; wsgi.input can be read again from its start.

    Returns None if the body is longer than limit bytes. wsgi.input then still
    has all of it.

    :raises BadRequest: the body is not as long as Content-Length says.
    """
    length = _length(environ)
    if length is not None and length > limit:
        return None
    stream = _stream(environ)
    body = _read(stream, length, limit)
    if len(body) > limit:
        environ['wsgi.input'] = _again(body, stream)
        return None
    if body:
        environ['wsgi.input'] = io.BytesIO(body)
    return body


def _length(environ: WSGIEnvironment) -> int | None:
    """The Content-Length in bytes; None if it is missing.

    :raises BadRequest: it is not a number.
    """
    text = environ.get('CONTENT_LENGTH') or ''
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise faults.BadRequest('Content-Length is not a number.')
    # Python refuses to parse numbers of thousands of digits.
    return int(text) if len(text) <= _LONGEST_LENGTH else sys.maxsize


def _read(stream: Any, length: int | None, limit: int) -> bytes:
    """At most limit + 1 bytes of a body, so that a longer one is seen."""
    try:
        body: bytes = stream.read(limit + 1 if length is None else length)
    except Exception as error:
        # Each server has its own exceptions for a client's mistakes.
        LOG.info('a request body cannot be read: %s', type(error).__name__)
        raise faults.BadRequest('The request body cannot be read.') from None
    if length is not None and len(body) < length:
        raise faults.BadRequest('The request body ends too early.')
    return body


def _stream(environ: WSGIEnvironment) -> Any:
    """The body as a stream that ends with the body.

    A chunked body has no length, and each server passes it on differently.
    """
    if environ.get('CONTENT_LENGTH') or environ.get('wsgi.input_terminated'):
        return environ['wsgi.input']
    if 'HTTP_TRANSFER_ENCODING' not in environ:
        return io.BytesIO()
    if 'uwsgi.version' in environ:
        chunks = importlib.import_module('uwsgi').chunked_read
        environ['wsgi.input'] = io.BufferedReader(_Chunks(chunks))
    elif 'asgi.scope' not in environ:
        return io.BytesIO()
    environ['wsgi.input_terminated'] = True
    return environ['wsgi.input']


def _again(start: bytes, rest: Any) -> io.BufferedReader:
    """A stream of the bytes already read, followed by the rest."""
    chunks = itertools.chain(
        [start], iter(functools.partial(rest.read, _PIECE), b'')
    )
    return io.BufferedReader(_Chunks(lambda: next(chunks, b'')))


class _Chunks(io.RawIOBase):
    """A stream over pieces of bytes; an empty piece is the end."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._next = read
        self._piece = b''

    def readable(self) -> bool:
        """Return true: the stream is readable."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        piece = self._piece or self._next()
        count = min(len(piece), len(buffer))
        buffer[:count], self._piece = piece[:count], piece[count:]
        return count
