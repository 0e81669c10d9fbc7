"""The audit line of a login."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
from typing import Any

from keymw.as_faults import AsFaults
from keymw.call import Call
from keymw.call import Parts
from keymw.limits import audited_names
from keymw.login.v2_body import Auth
from keymw.login.v3_body import KeyAuth
from keymw.observe import audit
from keymw.web import faults
from keymw.web.request import Request
from keymw.web.table import Route

Login = Auth | KeyAuth
_LOGIN = 'login'
_UNREADABLE = 'the login cannot be read'


@contextlib.contextmanager
def operation(
    call: Call[None, Login],
    over_limit: type[faults.OverLimit] = faults.OverLimit,
) -> Iterator[audit.Entry]:
    """Audit a login, and count its failure for the limit.

    :raises OverLimit: too many failures came from the address of the client;
        the class is over_limit.
    :raises Fault: for every exception in the block.
    """
    failures, environ = call.parts.failures, call.request.environ
    request_id = call.origin.request_id
    with (
        call.parts.audit.operation(
            _LOGIN, '-', request_id, lambda: _fields(call)
        ) as entry,
        AsFaults(request_id),
    ):
        failures.check(environ, over_limit)
        try:
            yield entry
        except faults.WrongKey as fault:
            # Equal work for every name, whether a user has it or not.
            counted = failures.count(environ, _tried(call.body)[1])
            fault.details = {**(fault.details or {}), **counted}
            raise


def _fields(call: Call[None, Login]) -> dict[str, str]:
    """The fields of a login at the end of its audit line."""
    parts = call.parts
    member, name = _tried(call.body)
    origin = _origin(parts, call.request, call.route.path)
    if not name:
        return origin  # an API key says whose it is
    return {
        **origin,
        # The name may be a key in the wrong member.
        member: audited_names.show(name, parts.login_names, parts.vault),
    }


def _tried(login: Login) -> tuple[str, str]:
    """Whether a login has a name or an id, and its text."""
    if login.user_id is None:
        return 'name', login.username or ''
    return 'id', login.user_id


def _origin(parts: Parts, request: Request, path: str) -> dict[str, str]:
    return {
        'address': parts.clients.shown(request.environ),
        # The version is the first segment of the path of each login.
        'kind': path.split('/')[1],
    }


def logged(route: Route, parts: Parts) -> Route:
    """The route of a login; a body that cannot be read has its audit line."""
    return dataclasses.replace(route, read=_reader(route, parts))


def _reader(route: Route, parts: Parts) -> Callable[[Request], Any]:
    """route.read, whose faults leave an audit line without a name."""

    def read(request: Request) -> Any:  # as route.read
        try:
            return route.read and route.read(request)
        except faults.Fault as fault:
            # The message may repeat what the client sent, even a key.
            fault.reason = fault.reason or _UNREADABLE
            with parts.audit.operation(
                _LOGIN,
                '-',
                request.id,
                lambda: _origin(parts, request, route.path),
            ):
                raise

    return read
