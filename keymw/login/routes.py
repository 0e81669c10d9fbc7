"""The routes of logins with an API key."""

from collections.abc import Callable
from collections.abc import Iterator

from oslo_config import cfg

from keymw.call import Parts
from keymw.conf import Options
from keymw.login import access_body
from keymw.login import audit_line
from keymw.login import paths
from keymw.login import v1_bodies
from keymw.login import v2_body
from keymw.login import v3_body
from keymw.login.handlers import Logins
from keymw.login.handlers import refuse_password
from keymw.login.key_logins import KeyLogins
from keymw.web import fault_shapes
from keymw.web import faults
from keymw.web import reply
from keymw.web.request import Request
from keymw.web.table import Route
from keymw.web.table import refusals

SHARED = {paths.V3_TOKENS: v3_body.may_be_ours}


def shared(prefix: str) -> dict[str, Callable[[bytes], bool]]:
    """SHARED, where a password may be an API key with a prefix."""
    start = f'{prefix}_'.encode()

    def may_be_ours(body: bytes) -> bool:
        return v3_body.may_be_ours(body) or start in body

    return {paths.V3_TOKENS: may_be_ours}


def routes(
    conf: cfg.ConfigOpts,
    parts: Parts,
    keys: KeyLogins | None,
    *,
    has_credentials: bool,
) -> Iterator[Route]:
    """The routes of logins that [kskey] switches on.

    keys are the logins with API keys; None: there are none. has_credentials
    tells whether there are logins with credentials.
    """
    options, do = conf.kskey, Logins(keys, has_credentials=has_credentials)
    found = [_v2(options, do, keys)]
    if options.serve_v1_0:
        found.append(_v1_0(options, do))
    if options.serve_v1_1:
        found.append(_v1_1(options, do))
    found = [audit_line.logged(route, parts) for route in found]
    yield from found
    yield from refusals(found)
    v3 = _v3(options, parts, do, has_keys=keys is not None)
    yield audit_line.logged(v3, parts)
    if keys is not None:
        yield _v3_password(options, keys)


def read_v2(request: Request) -> v2_body.Auth:
    """The login in a v2.0 request.

    :raises BadMediaType: the body is neither JSON nor XML.
    :raises BadRequest: the body is not a valid login.
    """
    return v2_body.read(request.body(), request.content_type)


def _v2(options: Options, do: Logins, keys: KeyLogins | None) -> Route:
    forwards = options.forward_key_like_passwords

    def is_key_like(secret: str) -> bool:
        if keys is not None and keys.has_form(secret):
            return True
        return not forwards and v2_body.is_generated(secret)

    def applies(request: Request) -> bool:
        try:
            body = request.body()
        except faults.Fault:
            return True  # read_v2 raises it
        return v2_body.is_ours_or_key_like(
            body, request.content_type, is_key_like
        )

    handler, write = do.token, reply.formatted(access_body.write)
    return Route(
        'POST', paths.V2_TOKENS, None, handler, 200, read_v2, write, applies
    )


def _v3(
    options: Options, parts: Parts, do: Logins, *, has_keys: bool
) -> Route:
    """The route of a URL of Keystone's: other methods of login go on to it."""

    def applies(request: Request) -> bool:
        return (
            not request.is_too_long()
            and v3_body.is_ours(request.body(), request.content_type)
            and parts.identity.v3(parts.origin(request)) is not None
        )

    read = _body(v3_body.read_any if has_keys else v3_body.read)
    body = reply.formatted(v3_body.write)
    write = reply.with_headers(body, v3_body.write_headers)
    fault = _faults_as(fault_shapes.write_v3, options)
    return Route(
        'POST', paths.V3_TOKENS, None, do.v3, 201, read, write, applies, fault
    )


def _v3_password(options: Options, keys: KeyLogins) -> Route:
    """The route that refuses an API key in the place of a password."""

    def applies(request: Request) -> bool:
        return not request.is_too_long() and keys.has_form(
            v3_body.password(request.body())
        )

    def read(_request: Request) -> v3_body.KeyAuth:
        return v3_body.KeyAuth(None, None, v3_body.Domain(), '', None)

    return Route(
        'POST',
        paths.V3_TOKENS,
        None,
        refuse_password,
        401,
        read,
        applies=applies,
        write_fault=_faults_as(fault_shapes.write_v3, options),
    )


def _v1_0(options: Options, do: Logins) -> Route:
    vary, uri = v1_bodies.VARY, options.www_authenticate_uri
    write = reply.with_headers(reply.bare(vary), v1_bodies.write_headers)
    fault = reply.faults_as(fault_shapes.write_text, uri, vary)
    handler, read = do.legacy, _read_headers
    return Route(
        'GET', paths.V1_0, None, handler, 204, read, write, write_fault=fault
    )


def _read_headers(request: Request) -> v2_body.Auth:
    return v1_bodies.read_headers(request.environ)


def _v1_1(options: Options, do: Logins) -> Route:
    handler, read = do.token, _body(v1_bodies.read)
    write = reply.formatted(v1_bodies.write)
    fault = _faults_as(fault_shapes.write_v1_1, options)
    return Route(
        'POST', paths.V1_1, None, handler, 200, read, write, write_fault=fault
    )


def _body(
    read: Callable[[bytes, str | None], object],
) -> Callable[[Request], object]:
    return lambda request: read(request.body(), request.content_type)


def _faults_as(shape: reply.FaultShape, options: Options) -> reply.FaultWriter:
    return reply.faults_as(shape, options.www_authenticate_uri)
