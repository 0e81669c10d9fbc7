"""The client's requests, sent on to Keystone in the words of v3."""

from collections.abc import Callable
from typing import Any
from typing import TypeVar

from keymw.call import Call
from keymw.identity import base
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.identity.v3 import V3
from keymw.web import faults

Found = TypeVar('Found')
_WHAT = 'of a v2.0 client'


def own_token(call: Call[None, object]) -> str:
    """The token in the request's X-Auth-Token header.

    :raises Unauthorized: the request has no token.
    """
    if not call.request.token:
        raise faults.Unauthorized()
    return call.request.token


def dialect(call: Call[None, object]) -> V3:
    """The v3 dialect; v2_api has routes only in front of v3."""
    v3 = call.parts.identity.v3(call.origin)
    if v3 is None:
        raise faults.Internal()
    return v3


def send(call: Call[None, object], sub_request: SubRequest) -> Response:
    """Send the client's request to Keystone, translated to v3.

    :raises Relayed: Keystone answered 4xx; its status and message go on.
    :raises Unavailable: the identity service failed.
    """
    response = call.parts.pipeline.send(call.origin, sub_request)
    error = response.body.get('error')
    said = error if isinstance(error, dict) else {}
    if 'receipt' in response.body:
        # A v2.0 client cannot send the other factors.
        raise faults.Relayed(401, 'Additional authentication is required.')
    if response.status == 429 or (
        400 <= response.status < 500 and isinstance(error, dict)
    ):
        raise faults.Relayed(
            413 if response.status == 429 else response.status,
            str(said.get('message', 'OverLimit Retry...')),
            response.headers.get('Retry-After'),
        )
    base.understood(response, _WHAT, dict)
    return response


def read(response: Response, take: Callable[[dict[str, Any]], Found]) -> Found:
    """The result of take(body) for a successful response.

    The body is any JSON object; take fails on a missing member.

    :raises Unavailable: the body does not have the expected members.
    """
    return base.understood(response, _WHAT, take)
