"""The family of global keys: authentication and authorization.

Authentication comes first, also for unknown paths: callers without a key
get a challenge and nothing else. Then the access list is checked, then the
role. Source: doc/contract/ops-manager-global-keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import logging

from oslo_config import cfg
import webob

from keymw.call import Parts
from keymw.family import Family
from keymw.global_keys import faults as admin_faults
from keymw.global_keys import json_shapes as shapes
from keymw.global_keys import keys as global_key
from keymw.global_keys import networks
from keymw.global_keys import policies as rules
from keymw.global_keys import routes
from keymw.global_keys.access_list import AccessList
from keymw.global_keys.bodies import NewKey
from keymw.global_keys.callers import KeyCaller
from keymw.global_keys.digest import RequestLine
from keymw.global_keys.digest_login import DigestGate
from keymw.global_keys.digest_login import is_digest
from keymw.global_keys.handlers import Keys
from keymw.global_keys.json_shapes import View
from keymw.global_keys.last_used import LastUsed
from keymw.identity.base import Caller
from keymw.limits.client_address import Unreadable
from keymw.storage import load as storage_load
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import Address
from keymw.storage.global_keys import GlobalKey
from keymw.vault import CannotOpen
from keymw.web import faults
from keymw.web.request import Request
from keymw.web.table import Route

LOG = logging.getLogger(__name__)


class GlobalKeys(Family):
    """The family of global keys and their access list."""

    words: Sequence[str] = ('v1.',)

    def __init__(self, conf: cfg.ConfigOpts, parts: Parts) -> None:
        """Open the stores.

        :raises ConfigError: an option is not usable; the text is one line.
        """
        super().__init__(parts)
        self._options = conf.global_keys
        keys = storage_load.global_keys(conf)
        entries = storage_load.access_list(conf)
        self._entries = entries
        self.table = routes.table(
            self._options,
            Keys(self._options, keys),
            AccessList(conf, entries),
        )
        self._digest = DigestGate(
            conf, parts.vault, keys, parts.failures, parts.clock
        )
        self._clients = parts.clients
        self._last_used = LastUsed(entries, self._options.last_used_grain)

    def identify(self, request: Request) -> Caller | GlobalKey:
        """Return the caller, from a token or from a Digest response.

        :raises TwoCallers: the request has both.
        :raises NotAuthenticated: the request has neither, or a wrong one.
        :raises RateLimited: too many wrong ones came from the address.
        """
        header = request.environ.get('HTTP_AUTHORIZATION')
        if not request.token:
            query = request.environ.get('QUERY_STRING', '')
            line = RequestLine(request.method, request.place.given, query)
            return self._digest.admit(request.environ, line, request.id)
        if is_digest(header):
            raise admin_faults.TwoCallers()
        origin = self._parts.origin(request)
        try:
            return self._parts.identity.caller(origin, request.token)
        except faults.Unauthorized:
            raise self._digest.refusal('the token is not valid') from None

    def name(self, caller: Caller | GlobalKey) -> str:
        """Return the id of the user or of the key, for the log."""
        return caller.user_id if isinstance(caller, Caller) else caller.id

    def target(self, request: Request, result: object = None) -> str:
        """Return the id in the path, or the id of the new row."""
        made = result.key if isinstance(result, NewKey) else result
        if isinstance(made, (GlobalKey, AccessEntry)):
            return made.id
        return request.names.get('id', '-')

    def authorize(
        self, route: Route, caller: Caller | GlobalKey, request: Request
    ) -> KeyCaller:
        """Return the caller with its rights.

        :raises RoleDenied: the roles of the caller are not sufficient.
        :raises SignInAgain: the token came from an API key that was changed
            or deleted since.
        :raises NotListed: the access list does not admit the address.
        :raises NoAddress: the address of the client cannot be read.
        :raises NoList: the access list is empty and is required.
        """
        if isinstance(caller, Caller):
            self._parts.stale.refuse(caller)
        address = self._admit(caller, request)
        if route.rule == routes.NOTHING:
            return KeyCaller(self.name(caller), False, False, address)
        if isinstance(caller, Caller):
            self._allow_token(route, caller)
            return KeyCaller(caller.user_id, True, True, address)
        writes = caller.is_owner or (
            self._options.user_admin_writes
            and global_key.USER_ADMIN in caller.roles
        )
        may = (
            writes or route.method == 'GET' or _is_own(route, caller, request)
        )
        if not may:
            raise admin_faults.RoleDenied(self._options.role_denied_status)
        return KeyCaller(caller.id, caller.is_owner, writes, address)

    def _admit(
        self, caller: Caller | GlobalKey, request: Request
    ) -> Address | None:
        """Return the address that was admitted; None: any is allowed."""
        options = self._options
        if isinstance(caller, Caller) and not options.access_list_for_tokens:
            return None
        entries = self._entries.all()
        if not entries and not options.access_list_required:
            return None
        if not entries:
            raise admin_faults.NoList(self._shown(request))
        try:
            address = self._clients.find(request.environ)
        except Unreadable as why:
            raise admin_faults.NoAddress(why.text, str(why)) from None
        self._use(entries, address)
        return address

    def _shown(self, request: Request) -> str:
        try:
            return str(self._clients.find(request.environ))
        except Unreadable as why:
            return why.text

    def _use(self, entries: Sequence[AccessEntry], address: Address) -> None:
        """Record the use of the narrowest entry that admits the address.

        :raises NotListed: no entry admits it.
        """
        near = [entry for entry in entries if entry.admits(address)]
        found = [entry for entry in near if self._is_ours(entry)]
        if not found:
            raise admin_faults.NotListed(str(address))
        narrowest = max(found, key=_prefix_length)
        self._last_used.mark(narrowest, self._parts.now())

    def _is_ours(self, entry: AccessEntry) -> bool:
        """Whether the seal of an entry is valid; the log has the reason."""
        try:
            networks.check(self._parts.vault, entry)
        except CannotOpen as error:
            LOG.error('an entry admits no request: cannot open %s', error)
            return False
        return True

    def _allow_token(self, route: Route, caller: Caller) -> None:
        try:
            self._parts.rules.administer(route.rule or '', caller)
        except faults.Forbidden:
            # With 401 a client of Keystone would discard its token as expired.
            raise admin_faults.RoleDenied(403) from None

    def write_fault(
        self, fault: faults.Fault, request: Request
    ) -> webob.Response:
        """Return a fault in JSON; a 401 has challenges."""
        view = View('', (), *_flags(request))
        response = routes.respond(
            fault.status, shapes.fault_members(fault), view
        )
        response.headers.extend(fault.headers)
        if isinstance(fault, admin_faults.NotAuthenticated):
            for challenge in fault.challenges:
                response.headers.add('WWW-Authenticate', challenge)
        return response


def _is_own(route: Route, key: GlobalKey, request: Request) -> bool:
    """Whether a key changes itself: any role may change its description."""
    return route.rule == rules.UPDATE and request.names['id'] == key.id


def _prefix_length(entry: AccessEntry) -> int:
    return int(entry.network.rpartition('/')[2])


def _flags(request: Request) -> Iterator[bool]:
    """Yield pretty and envelope; false if the query is invalid."""
    for name in ('pretty', 'envelope'):
        try:
            yield shapes.read_flag(request.query(), name)
        except faults.Fault:
            yield False
