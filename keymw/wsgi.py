"""What the requests of all families are read with."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import logging
from typing import TYPE_CHECKING

import webob

from keymw import faults
from keymw.storage.base import Outage
from keymw.vault import CannotOpen

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)

_LONGEST_LENGTH = 18


def query(environ: WSGIEnvironment) -> Mapping[str, str]:
    """The query of a request.

    :raises BadRequest: it is not UTF-8.
    """
    if not environ.get('QUERY_STRING'):
        return {}
    try:
        found: Mapping[str, str] = webob.Request(environ).GET
    except UnicodeDecodeError:
        raise faults.BadRequest('The query is not UTF-8.') from None
    return found


def is_within(environ: WSGIEnvironment, limit: int) -> bool:
    """Whether a body says that it is not longer than limit bytes."""
    told = environ.get('CONTENT_LENGTH') or ''
    if not (told.isascii() and told.isdigit()):
        return False
    return len(told) <= _LONGEST_LENGTH and int(told) <= limit


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body of a request.

    :raises BodyTooLarge: it is longer than limit bytes; it is not read.
    :raises BadRequest: it is not as long as the request says.
    """
    told = environ.get('CONTENT_LENGTH') or ''
    if not told and not environ.get('wsgi.input_terminated'):
        return b''
    if told and not (told.isascii() and told.isdigit()):
        raise faults.BadRequest('Content-Length is not a number.')
    # Python refuses to read numbers of thousands of digits.
    if len(told) > _LONGEST_LENGTH or int(told or 0) > limit:
        raise faults.BodyTooLarge(limit)
    try:
        body: bytes = environ['wsgi.input'].read(int(told or limit + 1))
    except Exception as error:
        # Each server has errors of its own for what a client did wrong.
        LOG.info('a request body cannot be read: %s', type(error).__name__)
        raise faults.BadRequest('The request body cannot be read.') from None
    if told and len(body) < int(told):
        raise faults.BadRequest('The request body ends too early.')
    if len(body) > limit:
        raise faults.BodyTooLarge(limit)
    return body


@contextlib.contextmanager
def all_as_faults(request_id: str) -> Iterator[None]:
    """Whatever goes wrong is a fault; the log has what the client has not."""
    try:
        yield
    except faults.Fault:
        raise
    except Outage as error:
        LOG.error('request %s: %s', request_id, error)
        raise faults.Unavailable('The key store cannot answer now.') from None
    except CannotOpen as error:
        LOG.error('request %s: cannot open %s', request_id, error)
        raise faults.Unavailable('The key cannot be read now.') from None
    except Exception:
        LOG.exception('request %s failed', request_id)
        raise faults.Internal() from None
