"""API keys to be shown: the names of their roles, and whether they work."""

from collections.abc import Callable

from keymw.api_keys import trusts
from keymw.api_keys.bodies import Shown
from keymw.api_keys.service import ApiKeys
from keymw.call import Call
from keymw.identity.base import Caller
from keymw.identity.project_roles import ProjectRoles
from keymw.identity.trusts import NoTrusts
from keymw.storage.api_keys import ApiKey

AnyCall = Call[Caller, object]


class Showing:
    """Looks up in Keystone what a row does not have.

    Each method raises Unavailable if Keystone fails.
    """

    def __init__(self, api_keys: ApiKeys) -> None:
        self._keys = api_keys
        self._trusts = api_keys.trusts

    def there(
        self, call: AnyCall, user_id: str, rows: list[ApiKey]
    ) -> frozenset[str]:
        """The ids of the trusts of a user, if a key to show depends on it."""
        if not any(row.enabled and not row.unrestricted for row in rows):
            return frozenset()
        return self._trusts.of(call.origin).ids(call.origin, user_id)

    def one(self, call: AnyCall, key: ApiKey) -> Shown:
        """A key, without its secret."""
        return self.ahead(call, key)(key)

    def ahead(self, call: AnyCall, key: ApiKey) -> Callable[[ApiKey], Shown]:
        """A function that shows a key after a change, and asks no Keystone.

        A change that is made must not end as a failure to show it.
        """
        names = self.names(call, [key])
        there = self.there(call, key.user_id, [key])

        def show(row: ApiKey) -> Shown:
            # A trust that the change has made is there.
            known = there if row.trust_id == key.trust_id else None
            return Shown(row, names, self._works(row, known))

        return show

    def all(
        self,
        call: AnyCall,
        rows: list[ApiKey],
        there: frozenset[str] | None,
    ) -> list[Shown]:
        """Keys to be shown; there are the trusts that exist, None: all."""
        names = self.names(call, rows)
        return [Shown(row, names, self._works(row, there)) for row in rows]

    def names(
        self, call: AnyCall, rows: list[ApiKey]
    ) -> dict[str, str | None]:
        """The present names of the roles of keys, by id."""
        ids = frozenset(id_ for row in rows for id_ in row.roles)
        return project_roles(call).names(call.origin, ids) if ids else {}

    def _works(self, key: ApiKey, there: frozenset[str] | None) -> bool:
        # Keystone shows no trust that has ended.
        if there is None or trusts.is_over(key, self._keys.now):
            return key.enabled
        return key.enabled and (key.unrestricted or key.trust_id in there)


def project_roles(call: AnyCall) -> ProjectRoles:
    """The roles and projects of Keystone.

    :raises NoTrusts: the identity service speaks v2.0 alone.
    """
    keystone = call.parts.identity.v3(call.origin)
    if keystone is None:
        raise NoTrusts()
    return keystone.project_roles
