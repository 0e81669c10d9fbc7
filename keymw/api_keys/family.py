"""The family of API keys."""

from keymw.api_keys import handlers
from keymw.api_keys import keys
from keymw.api_keys import paths
from keymw.api_keys import policies as rules
from keymw.api_keys import routes
from keymw.api_keys.bodies import Shown
from keymw.api_keys.service import ApiKeys
from keymw.family import ByToken
from keymw.identity.base import Caller
from keymw.web import fault_shapes
from keymw.web import faults
from keymw.web import reply
from keymw.web.request import Request
from keymw.web.table import Route
from keymw.web.table import Table


class OfApiKeys(ByToken):
    """Callers with a token; the target is a user in the path and a key."""

    def __init__(self, api_keys: ApiKeys, challenge: str | None) -> None:
        """challenge is the URI in the WWW-Authenticate header of a 401."""
        super().__init__(
            Table(routes.routes(api_keys), paths.GUARDED),
            api_keys.parts,
            reply.faults_as(fault_shapes.write_v3, challenge, routes.VARY),
            words=('api_keys',),
        )
        self._prefix: str = api_keys.options.prefix

    def target(self, request: Request, result: object = None) -> str:
        """The ids of the user and the key, as far as they are known.

        A path may have a whole key in the place of its id: it is not shown.
        """
        user_id = request.names.get('user_id', '-')
        if keys.has_form(self._prefix, user_id):
            user_id = '-'
        key_id = request.names.get('id')
        if isinstance(result, Shown):
            key_id = result.key.id
        if key_id is None:
            return user_id
        return f'{user_id}/{key_id if keys.is_id(key_id) else "-"}'

    def authorize(
        self, route: Route, caller: Caller, request: Request
    ) -> Caller:
        """The caller, if the rule permits the route for some target.

        :raises SignInAgain: the token was bought with a key that has changed.
        :raises Forbidden: the rule denies every target.
        :raises NoKey: the caller may not even see the key in the path.
        """
        policy = self._parts.rules
        self._parts.stale.refuse(caller)
        if route.rule == rules.LIST_ALL:
            policy.administer(route.rule, caller)
            return caller
        try:
            policy.allow(route.rule or '', caller, request.names['user_id'])
        except faults.Forbidden:
            handlers.hide(policy, caller, request.names)
            raise
        return caller
