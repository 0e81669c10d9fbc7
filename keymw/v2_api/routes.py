"""The routes of Identity v2.0, for a Keystone that speaks only v3."""

from collections.abc import Callable
from collections.abc import Iterator
import dataclasses
from typing import Any

from keymw.call import Call
from keymw.call import Parts
from keymw.login import access_body
from keymw.login import audit_line
from keymw.login.paths import V2_TOKENS
from keymw.login.routes import read_v2
from keymw.v2_api import bodies
from keymw.v2_api import paths
from keymw.v2_api import tenants
from keymw.v2_api import tokens
from keymw.v2_api import users
from keymw.v2_api import version as versions
from keymw.web import query as queries
from keymw.web import reply
from keymw.web.negotiate import Format
from keymw.web.paths import V2
from keymw.web.paths import guard
from keymw.web.request import Request
from keymw.web.table import ANY
from keymw.web.table import Route
from keymw.web.table import refusals


class Alone:
    """The condition of these routes: the application speaks only v3."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, request: Request) -> bool:
        """Whether the application speaks only v3.

        False while this is unknown, unless the request allows a probe.

        :raises Unavailable: the probe failed.
        """
        identity = self._parts.identity
        if not (request.probe or identity.is_settled):
            return False
        return identity.is_v3_alone(self._parts.origin(request))


def is_one(route: Route) -> bool:
    """Whether a route belongs to this module."""
    return isinstance(route.applies, Alone)


def routes(parts: Parts) -> Iterator[Route]:
    """All routes but rest()."""
    alone = Alone(parts)
    rows = [
        dataclasses.replace(row, applies=alone)
        for row in (audit_line.logged(LOGIN, parts), *ROUTES)
    ]
    yield from rows
    yield from refusals(rows, applies=alone)


def rest(parts: Parts) -> Route:
    """The fallback route: 404 for all other paths below /v2.0."""
    path, alone = f'{guard(V2)}(?:/.*)?', Alone(parts)
    return Route(ANY, path, None, versions.nothing, 404, applies=alone)


def _only(*names: str) -> Callable[[Request], None]:
    check = queries.only(*names)
    return lambda request: check(request.query())


def _get(
    path: str,
    handler: Callable[[Call[None, None]], object],
    write: Callable[[Any, Format], bytes],
    *names: str,
) -> Route:
    """A GET; the query may have these parameters only."""
    writer = reply.formatted(write)
    return Route('GET', path, None, handler, 200, _only(*names), writer)


_access = reply.formatted(access_body.write)
_version = reply.formatted(bodies.write_version)
_PAGE = ('limit', 'marker')
LOGIN = Route('POST', V2_TOKENS, None, tokens.login, 200, read_v2, _access)
ROUTES = (
    Route('DELETE', V2_TOKENS, None, tokens.revoke_own, 204, _only()),
    _get(paths.TOKEN, tokens.validate, access_body.write, 'belongsTo'),
    Route('DELETE', paths.TOKEN, None, tokens.revoke, 204, _only()),
    _get(paths.ENDPOINTS, tokens.endpoints, access_body.write_endpoints),
    _get(paths.TENANTS, tenants.find, bodies.write_tenants, 'name', *_PAGE),
    _get(paths.TENANT, tenants.get, bodies.write_tenant),
    _get(paths.USERS, users.find, bodies.write_users, 'name', 'email', *_PAGE),
    _get(paths.USER, users.get, bodies.write_user),
    _get(paths.ROLES, users.roles, bodies.write_roles),
    Route('GET', V2, None, versions.get, 200, None, _version),
)
