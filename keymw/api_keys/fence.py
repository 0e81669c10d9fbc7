"""The fence: what a token of an API key may not make or delete.

Keystone lets a token for a trust delete any trust of its user, and before
release 30 make credentials that outlive the key. Source: doc/contract/api-keys
2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import NoReturn

import webob

from keymw.call import Call
from keymw.call import Parts
from keymw.family import Family
from keymw.web import fault_shapes
from keymw.web import faults
from keymw.web import reply
from keymw.web.request import Request
from keymw.web.table import ANY
from keymw.web.table import Route
from keymw.web.table import Table

_BELOW = (
    'users/[^/]+/(?:application_credentials|access_rules)',
    'users/[^/]+/credentials/OS-EC2',
    'users/[^/]+/OS-OAUTH1',
    'credentials',
    'OS-EC2',
    'OS-OAUTH1',
    'OS-TRUST',
)
_READS = ('GET', 'HEAD', 'OPTIONS')
_PATH = f'/v3/(?:{"|".join(_BELOW)})(?:/.*)?'
VARY = 'X-Auth-Token'


class Fence(Family):
    """Refuses writes below some paths of Keystone to tokens of API keys.

    All other requests to these paths go on to Keystone.
    """

    words: Sequence[str] = ()
    written: Sequence[str] = ('credentials', 'access_rules', 'OS-')

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        rest = Route(ANY, _PATH, None, _refuse, 403, applies=self._applies)
        self.table = Table((), (), rest)
        self._write = reply.faults_as(fault_shapes.write_v3, vary=VARY)

    def _applies(self, request: Request) -> bool:
        if request.method in _READS or not request.token:
            return False
        origin = self._parts.origin(request)
        keystone = self._parts.identity.v3(origin)
        if keystone is None:
            return False
        found = keystone.trusts.token_of_key(origin, request.token)
        return found is not None

    def identify(self, _request: Request) -> None:
        """Nobody: the route needs no caller."""

    def name(self, _caller: object) -> str:
        """Nobody has no id."""
        return '-'

    def target(self, _request: Request, _result: object = None) -> str:
        """The request has no target."""
        return '-'

    def authorize(
        self, _route: Route, caller: object, _request: Request
    ) -> object:
        """Nobody: the route has no rule."""
        return caller

    def write_fault(
        self, fault: faults.Fault, request: Request
    ) -> webob.Response:
        """The response for a fault, as Keystone's v3."""
        return self._write(fault, request)


def _refuse(_call: Call[Any, Any]) -> NoReturn:
    raise faults.Forbidden(
        'A token of an API key may not change credentials or trusts.'
    )
