"""The creation of API keys (doc/contract/api-keys 2 and 3)."""

import contextlib
import datetime

from keymw.api_keys import keys
from keymw.api_keys.bodies import NewKey
from keymw.api_keys.bodies import Role
from keymw.api_keys.bodies import Shown
from keymw.api_keys.faults import BadMember
from keymw.api_keys.faults import NameTaken
from keymw.api_keys.faults import NoProject
from keymw.api_keys.faults import TooMany
from keymw.api_keys.service import ApiKeys
from keymw.api_keys.service import later
from keymw.api_keys.showing import Showing
from keymw.api_keys.showing import project_roles
from keymw.call import Call
from keymw.identity.base import Caller
from keymw.identity.project_roles import ProjectRoles
from keymw.identity.trusts import RoleNotHeld
from keymw.storage import api_keys as storage
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import State
from keymw.web import faults

OfToken = Call[Caller, NewKey]


class Creation:
    """The handler that makes a key."""

    def __init__(self, api_keys: ApiKeys) -> None:
        self._keys = api_keys
        self._rows = api_keys.rows
        self._trusts = api_keys.trusts
        self._showing = Showing(api_keys)

    def create(self, call: OfToken) -> Shown:
        """Make a key; its secret is shown.

        :raises BadMember: a member is not valid.
        :raises Forbidden: the owner may not give these rights.
        :raises NameTaken: the owner has another key with this name.
        :raises TooMany: the owner has no place for another key.
        """
        call.target()
        secret = keys.new_secret()
        key = self._new(call, secret)
        # Before the key is made: a failure would lose its secret.
        names = self._showing.names(call, [key])
        key = self._add(key)
        if not key.unrestricted:
            key = self._complete(call, key)
        whole = self._keys.whole(key.id, secret)
        return Shown(key, names, key.enabled, whole)

    def _new(self, call: OfToken, secret: str) -> ApiKey:
        wanted, now, key_id = call.body, self._keys.now, keys.new_id()
        end = self._end(wanted, now)
        project_id, roles = self._rights(call)
        user_id = call.caller.user_id
        return ApiKey(
            id=key_id,
            user_id=user_id,
            name=wanted.name,
            description=wanted.description,
            project_id=project_id,
            roles=roles,
            unrestricted=wanted.unrestricted,
            expires_at=end,
            allowed_cidrs=wanted.allowed_cidrs,
            secret=self._keys.seal(key_id, user_id, secret),
            created_at=now,
            updated_at=now,
            state=State.COMPLETE if wanted.unrestricted else State.PENDING,
        )

    def _end(
        self, wanted: NewKey, now: datetime.datetime
    ) -> datetime.datetime | None:
        end, most = wanted.expires_at, self._keys.options.max_lifetime
        member = 'api_key.expires_at'
        if end is not None and end <= now:
            raise BadMember(member, 'it is in the past')
        if most is None:
            return end
        latest = later(now, most)
        if end is not None and end > latest:
            raise BadMember(member, f'it is more than {most} seconds away')
        return end or latest

    def _rights(self, call: OfToken) -> tuple[str | None, frozenset[str]]:
        """The project and the ids of the roles of a new key."""
        wanted = call.body
        if wanted.unrestricted:
            self._check_unrestricted(wanted)
            return None, frozenset()
        project_id = wanted.project_id or call.caller.project_id
        if project_id is None:
            raise BadMember(
                'api_key.project_id',
                'it is missing, and the token is for no project',
            )
        return project_id, self._roles(call, project_id)

    def _check_unrestricted(self, wanted: NewKey) -> None:
        if not self._keys.options.allow_unrestricted:
            raise faults.Forbidden('Unrestricted API keys are not allowed.')
        if wanted.project_id is not None:
            raise BadMember(
                'api_key.project_id', 'an unrestricted key has none'
            )
        if wanted.roles is not None:
            raise BadMember('api_key.roles', 'an unrestricted key has none')

    def _roles(self, call: OfToken, project_id: str) -> frozenset[str]:
        """The ids of the roles of a new key.

        Keystone itself refuses those that the owner does not have.
        """
        keystone = project_roles(call)
        if not keystone.is_open(call.origin, project_id):
            raise NoProject(project_id)
        held = keystone.held(call.origin, call.caller.user_id, project_id)
        if not held.all:
            raise NoProject(project_id)
        if call.body.roles is None:
            return held.assigned or held.all
        ids = [self._role_id(call, keystone, r) for r in call.body.roles]
        if len(set(ids)) < len(ids):
            raise BadMember('api_key.roles', 'a role is there twice')
        return frozenset(ids)

    def _role_id(
        self, call: OfToken, keystone: ProjectRoles, role: Role
    ) -> str:
        found = role.id
        if role.name is not None:
            found = keystone.id_of(call.origin, role.name)
        elif found is not None and not keystone.name_of(call.origin, found):
            raise RoleNotHeld()
        if found is None:
            raise RoleNotHeld()
        return found

    def _add(self, key: ApiKey) -> ApiKey:
        most = self._keys.options.per_user
        try:
            return self._rows.add(key, most)
        except storage.NameTaken:
            raise NameTaken(key.name) from None
        except storage.TooMany:
            raise TooMany(most) from None

    def _complete(self, call: OfToken, key: ApiKey) -> ApiKey:
        """A pending key with its trust; nothing stays if that fails."""
        try:
            return self._trusts.renew(
                call.origin, key, call.caller.token, state=State.COMPLETE
            )
        except BaseException:  # whatever failed, the pending row must go
            with contextlib.suppress(Exception):
                self._discard(call, key)
            raise

    def _discard(self, call: OfToken, key: ApiKey) -> None:
        """Remove a key that was not completed; purge does what fails here."""
        found = self._rows.get_any(key.id)
        if found is not None:
            marked = self._rows.swap(found, state=State.DELETED)
            self._trusts.remove(call.origin, marked)
