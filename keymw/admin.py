"""One request of the admin routes from top to bottom (ops-manager).

Who asks comes first, whatever is asked: strangers are told nothing but how
to answer a challenge. Then from where, then whether their role is enough,
and only then what the request says.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import webob

from keymw import admin_faults
from keymw import audit
from keymw import faults
from keymw import global_key
from keymw import wsgi
from keymw.bodies import admin as bodies
from keymw.bodies.admin import View
from keymw.bodies.global_keys import NewKey
from keymw.client_address import Clients
from keymw.digest import Asked
from keymw.digest_gate import DigestGate
from keymw.handlers.admin import AdminCall
from keymw.handlers.admin import AdminParts
from keymw.handlers.admin import Asker
from keymw.identity import transport
from keymw.identity.base import Caller
from keymw.identity.base import Identity
from keymw.last_used import LastUsed
from keymw.policy import Rules
from keymw.routing import AdminMatch
from keymw.routing import AdminRoute
from keymw.routing import AdminTable
from keymw.routing import to_text
from keymw.storage.base import AccessEntry
from keymw.storage.base import Address
from keymw.storage.base import GlobalKey

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclasses.dataclass(frozen=True)
class Doors:
    """What finds out who asks, and whether they may, built once."""

    identity: Identity
    rules: Rules
    gate: DigestGate
    clients: Clients
    last_used: LastUsed


class Admin:
    """Answers what is about global keys and their access list."""

    def __init__(
        self, parts: AdminParts, doors: Doors, table: AdminTable
    ) -> None:
        self._parts = parts
        self._doors = doors
        self._table = table
        self._options = parts.conf.global_keys
        self._limit = parts.conf.limits.max_body_size

    def respond(
        self, environ: WSGIEnvironment, request_id: str
    ) -> webob.Response | None:
        """The answer to a request; None: it is none of ours."""
        match = None
        try:
            with wsgi.all_as_faults(request_id):
                match = self._table.find(environ)
                if match is None:
                    return None
                response = self._serve(environ, match, request_id)
        except faults.Fault as fault:
            response = self._tell(fault, environ)
        response.headers['X-Openstack-Request-Id'] = request_id
        return response

    def _serve(
        self, environ: WSGIEnvironment, match: AdminMatch, request_id: str
    ) -> webob.Response:
        """Answer a request, and log it."""
        route, target = match.route, match.path.get('id', '-')
        # A body that is left unread would be taken for the next request.
        body = self._read(environ)
        rule = _NO_RULE if route is None else route.rule
        with (
            audit.operation(rule, target, request_id) as entry,
            wsgi.all_as_faults(request_id),
        ):
            who = self._identify(environ, request_id)
            entry.caller = _id(who)
            address = self._admit(environ, who)
            if route is None:
                raise _nothing(environ, match)
            asker = self._allow(route, who, address, match)
            found = self._operate(environ, match, route, asker, body)
            entry.target = _made(found) or target
            view = self._view(environ, route)
            return self._reply(route, found, view)

    def _read(self, environ: WSGIEnvironment) -> bytes | faults.Fault:
        # Whatever is wrong with it is told only to who may send it.
        try:
            return wsgi.read_body(environ, self._limit)
        except faults.Fault as fault:
            return fault

    def _identify(
        self, environ: WSGIEnvironment, request_id: str
    ) -> Caller | GlobalKey:
        """Who asks: by a token, or by an answer to a challenge.

        :raises TwoCallers: it is by both.
        :raises NotAuthenticated: it is by neither.
        """
        token = environ.get('HTTP_X_AUTH_TOKEN', '').strip()
        header = environ.get('HTTP_AUTHORIZATION')
        if not token:
            query = environ.get('QUERY_STRING', '')
            asked = Asked(environ['REQUEST_METHOD'], _path(environ), query)
            return self._doors.gate.admit(header, asked, request_id)
        if _is_digest(header):
            raise admin_faults.TwoCallers()
        origin = transport.origin(environ, '/v2.0', request_id)
        try:
            return self._doors.identity.caller(origin, token)
        except faults.Unauthorized:
            raise self._doors.gate.refusal() from None

    def _admit(
        self, environ: WSGIEnvironment, who: Caller | GlobalKey
    ) -> Address | None:
        """The address that the caller is let in from; None: from any.

        :raises NotListed: it is not on the access list.
        :raises NoList: there is none.
        """
        options = self._options
        if isinstance(who, Caller) and not options.access_list_for_tokens:
            return None
        address = self._doors.clients.find(environ)
        entries = self._parts.access_list.all()
        shown = str(address or environ.get('REMOTE_ADDR', ''))
        if not entries and options.access_list_required:
            raise admin_faults.NoList(shown)
        if entries:
            self._use(entries, address, shown)
        return address

    def _use(
        self,
        entries: Sequence[AccessEntry],
        address: Address | None,
        shown: str,
    ) -> None:
        """Note which entry lets the caller in: of many, the narrowest.

        :raises NotListed: none does.
        """
        found = [
            e for e in entries if address is not None and e.admits(address)
        ]
        if not found:
            raise admin_faults.NotListed(shown)
        narrowest = max(found, key=_prefix_length)
        self._doors.last_used.mark(narrowest, self._parts.now())

    def _allow(
        self,
        route: AdminRoute,
        who: Caller | GlobalKey,
        address: Address | None,
        match: AdminMatch,
    ) -> Asker:
        """What the caller may do here.

        :raises RoleDenied: nothing.
        """
        if isinstance(who, Caller):
            self._allow_token(route, who)
            return Asker(who.user_id, True, True, address)
        writes = who.is_owner or (
            self._options.user_admin_writes
            and global_key.USER_ADMIN in who.roles
        )
        is_own = route.own and match.path['id'] == who.id
        if route.changes and not (writes or is_own):
            raise admin_faults.RoleDenied(self._options.role_denied_status)
        return Asker(who.id, who.is_owner, writes, address)

    def _allow_token(self, route: AdminRoute, caller: Caller) -> None:
        try:
            self._doors.rules.administer(route.rule, caller)
        except faults.Forbidden:
            # Clients of Keystone would take 401 for a token that is over.
            raise admin_faults.RoleDenied(403) from None

    def _operate(
        self,
        environ: WSGIEnvironment,
        match: AdminMatch,
        route: AdminRoute,
        asker: Asker,
        body: bytes | faults.Fault,
    ) -> Any:
        # What is wrong with the query is told before anything is changed.
        self._view(environ, route)
        query = wsgi.query(environ)
        paging = bodies.read_paging(query) if route.lists else None
        call = AdminCall(
            parts=self._parts,
            asker=asker,
            path=match.path,
            body=_parsed(route, body, environ.get('CONTENT_TYPE')),
            paging=paging,
        )
        return route.handler(call)

    def _view(self, environ: WSGIEnvironment, route: AdminRoute) -> View:
        """How the answer is to look.

        :raises BadQuery: the query does not say it.
        """
        query = wsgi.query(environ)
        prefix = self._options.public_prefix.rstrip('/')
        host: str = webob.Request(environ).host_url
        mount = quote(environ.get('SCRIPT_NAME', ''), encoding='latin-1')
        return View(
            url=f'{host}{prefix}{mount}{route.collection}',
            query=tuple(query.items()),
            pretty=bodies.read_flag(query, 'pretty'),
            envelope=bodies.read_flag(query, 'envelope'),
        )

    def _reply(
        self, route: AdminRoute, found: object, view: View
    ) -> webob.Response:
        if route.writes is None:
            return webob.Response(status=route.status, headerlist=[*_HEADERS])
        told = route.writes(found, view)
        return _respond_with(route.status, told, view)

    def _tell(
        self, fault: faults.Fault, environ: WSGIEnvironment
    ) -> webob.Response:
        told, view = bodies.tell(fault), _view_of_fault(environ)
        response = _respond_with(fault.status, told, view)
        response.headers.extend(fault.headers)
        if isinstance(fault, admin_faults.NotAuthenticated):
            for challenge in fault.challenges:
                response.headers.add('WWW-Authenticate', challenge)
        return response


# What is logged for a path or a method that is nothing here.
_NO_RULE = 'admin:nothing'
_HEADERS = (('Cache-Control', 'no-store'),)


def _is_digest(header: str | None) -> bool:
    return (header or '').lstrip().lower().startswith('digest')


def _id(who: Caller | GlobalKey) -> str:
    return who.user_id if isinstance(who, Caller) else who.id


def _nothing(environ: WSGIEnvironment, match: AdminMatch) -> faults.Fault:
    if match.allow:
        return faults.MethodNotAllowed(match.allow)
    return admin_faults.NoResource(to_text(_path(environ)))


def _made(found: object) -> str:
    """The id of what was made, if anything was."""
    made = found.key if isinstance(found, NewKey) else found
    return made.id if isinstance(made, (GlobalKey, AccessEntry)) else ''


def _prefix_length(entry: AccessEntry) -> int:
    return int(entry.network.rpartition('/')[2])


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', '')
    return path


def _parsed(
    route: AdminRoute, body: bytes | faults.Fault, content_type: str | None
) -> Any:
    if route.reads is None:
        return None
    if isinstance(body, faults.Fault):
        raise body
    return route.reads(body, content_type)


def _view_of_fault(environ: WSGIEnvironment) -> View:
    """How a fault is to look, whatever else the query says."""
    flags = []
    for name in ('pretty', 'envelope'):
        try:
            flags.append(bodies.read_flag(wsgi.query(environ), name))
        except faults.Fault:
            flags.append(False)
    return View('', (), *flags)


def _respond_with(status: int, told: object, view: View) -> webob.Response:
    headers = [('Content-Type', 'application/json'), *_HEADERS]
    body = bodies.render(told, status, view)
    return webob.Response(status=status, headerlist=headers, body=body)
