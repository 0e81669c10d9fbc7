"""Operations on API keys (doc/contract/api-keys 3)."""

import dataclasses
import datetime
import logging
from typing import Any

from keymw.api_keys import keys
from keymw.api_keys import policies as rules
from keymw.api_keys.bodies import Shown
from keymw.api_keys.creation import Creation
from keymw.api_keys.faults import NameTaken
from keymw.api_keys.faults import NoKey
from keymw.api_keys.faults import OwnerMustEnable
from keymw.api_keys.queries import Page
from keymw.api_keys.rows import retried
from keymw.api_keys.service import ApiKeys
from keymw.api_keys.service import later
from keymw.api_keys.showing import Showing
from keymw.call import Call
from keymw.identity.base import Caller
from keymw.observe import audit
from keymw.storage import api_keys as storage
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.web import faults

LOG = logging.getLogger(__name__)
REVOKE = 'api_key:revoke'
OWNER, ADMIN = 'owner', 'admin'
OfToken = Call[Caller, Any]


@dataclasses.dataclass(frozen=True)
class Found:
    """A page of keys; marker is the id before the next page.

    A page may have fewer keys than were asked for before its end.
    """

    keys: list[Shown]
    is_last: bool
    marker: str


class Handlers:
    """The handlers of the routes.

    Each raises Unavailable or Outage if Keystone or the store fails.
    """

    def __init__(self, api_keys: ApiKeys) -> None:
        self._keys = api_keys
        self._rows = api_keys.rows
        self._trusts = api_keys.trusts
        self._showing = Showing(api_keys)
        self.create = Creation(api_keys).create

    def list_(self, call: Call[Caller, Page]) -> Found:
        """A page of the keys of a user."""
        where = dict(call.body.where)
        enabled = where.pop('enabled', None)
        user_id = self._target_id(call)
        rows, is_last = self._page(call.body, Filter(user_id=user_id, **where))
        shown = self._showing.all(
            call, rows, self._showing.there(call, user_id, rows)
        )
        fitting = [one for one in shown if enabled in (None, one.enabled)]
        return Found(fitting, is_last, _marker(rows))

    def list_all(self, call: Call[Caller, Page]) -> Found:
        """A page of the keys of all users.

        Their trusts are not looked up, so enabled is that of the row.
        """
        rows, is_last = self._page(call.body, Filter(**call.body.where))
        shown = self._showing.all(call, rows, None)
        return Found(shown, is_last, _marker(rows))

    def _page(self, page: Page, where: Filter) -> tuple[list[ApiKey], bool]:
        found = self._rows.store.page(page.marker, page.limit + 1, where)
        return found[: page.limit], len(found) <= page.limit

    def get(self, call: Call[Caller, None]) -> Shown:
        """A key, without its secret.

        :raises NoKey: there is no such key.
        """
        return self._showing.one(call, self._key(call))

    def update(self, call: Call[Caller, dict[str, Any]]) -> Shown:
        """Change a key.

        :raises NoKey: there is no such key.
        :raises NameTaken: the owner has another key with the new name.
        :raises Forbidden: an admin disabled it, and the caller is none.
        :raises OwnerMustEnable: an admin cannot enable it.
        """
        try:
            return retried(lambda: self._update(call))
        except storage.NameTaken:
            raise NameTaken(call.body['name']) from None

    def _update(self, call: Call[Caller, dict[str, Any]]) -> Shown:
        key = self._key(call)
        if call.body.get('enabled') is False:
            # The key ends first: no other failure may keep it alive.
            return self._showing.one(call, self._updated(call, key))
        show = self._showing.ahead(call, key)
        return show(self._updated(call, key))

    def _updated(
        self, call: Call[Caller, dict[str, Any]], key: ApiKey
    ) -> ApiKey:
        changes = {**call.body, 'updated_at': self._keys.now}
        enabled = changes.pop('enabled', None)
        if enabled is False:
            return self._disable(call, key, **changes)
        if enabled and not self._is_live(call, key):
            return self._enable(call, key, **changes)
        return self._rows.swap(key, **changes)

    def _disable(self, call: OfToken, key: ApiKey, **changes: Any) -> ApiKey:
        """Disable a key and delete its trust; its tokens end."""
        by = OWNER if call.caller.user_id == key.user_id else ADMIN
        if key.disabled_by == ADMIN:
            by = ADMIN
        key = self._rows.swap(
            key, call.caller.chain, enabled=False, disabled_by=by, **changes
        )
        return self._trusts.settle(call.origin, key)

    def _enable(self, call: OfToken, key: ApiKey, **changes: Any) -> ApiKey:
        """Enable a key with a new trust."""
        if key.disabled_by == ADMIN and not _is_admin(call):
            raise faults.Forbidden('An admin disabled this API key.')
        changes |= {'enabled': True, 'disabled_by': None}
        if key.unrestricted:
            return self._rows.swap(key, **changes)
        token = self._owners_token(call, key)
        return self._trusts.renew(call.origin, key, token, **changes)

    def _owners_token(self, call: OfToken, key: ApiKey) -> str:
        """A token of the owner: that of the caller, or a new one.

        :raises OwnerMustEnable: none can be had.
        """
        if call.caller.user_id == key.user_id:
            return call.caller.token
        if self._keys.is_remote:
            raise OwnerMustEnable()
        return self._trusts.token_of(call.origin, key.user_id)

    def rotate(self, call: Call[Caller, int]) -> Shown:
        """Give a key a new secret, which is shown; the body is the grace.

        Without a grace the trust is made anew, so tokens end too.

        :raises NoKey: there is no such key.
        """
        secret = keys.new_secret()
        return retried(lambda: self._rotate(call, secret))

    def _rotate(self, call: Call[Caller, int], secret: str) -> Shown:
        key = self._key(call)
        # Before the key is changed: a failure would lose its secret.
        names = self._showing.names(call, [key])
        key = self._rotated(call, key, secret)
        whole = self._keys.whole(key.id, secret)
        return Shown(key, names, key.enabled, whole)

    def _rotated(
        self, call: Call[Caller, int], key: ApiKey, secret: str
    ) -> ApiKey:
        now, previous = self._keys.now, None
        if call.body:
            previous = Previous(key.secret, later(now, call.body))
        changes: dict[str, Any] = {
            'secret': self._keys.seal(key.id, key.user_id, secret),
            'previous': previous,
            'rotated_at': now,
            'updated_at': now,
        }
        if previous is not None or key.unrestricted or not key.enabled:
            return self._rows.swap(key, call.caller.chain, **changes)
        token = self._owners_token(call, key)
        return self._trusts.renew(call.origin, key, token, **changes)

    def delete(self, call: Call[Caller, None]) -> None:
        """Delete a key: it is dead at once, then its trust goes.

        :raises NoKey: there is no such key.
        """
        retried(lambda: self._delete(call))

    def _delete(self, call: Call[Caller, None]) -> None:
        user_id = self._target_id(call)
        key = self._rows.get_any(call.path['id'])
        is_there = key is not None and key.state is not State.PENDING
        if key is None or not is_there or key.user_id != user_id:
            raise NoKey(call.path['id'])
        if key.state is not State.DELETED:
            key = self._rows.swap(
                key,
                call.caller.chain,
                state=State.DELETED,
                updated_at=self._keys.now,
            )
        self._trusts.remove(call.origin, key)

    def revoke(self, call: Call[None, str]) -> None:
        """Disable the key with a secret, as an admin would, if it is known."""
        failures, environ = call.parts.failures, call.request.environ
        with call.parts.audit.operation(
            REVOKE, '-', call.request.id, lambda: self._fields(call)
        ) as entry:
            failures.check(environ, faults.OverLimitV3)
            if not retried(lambda: self._revoke(call, entry)):
                failures.count(environ, '')

    def _revoke(self, call: Call[None, str], entry: audit.Entry) -> bool:
        """Whether the body is the secret of a key, which is disabled now."""
        key, was_previous = self._keys.find(call.body)
        if key is None:
            entry.reason = 'unknown'
            return False
        entry.target = f'{key.user_id}/{key.id}'
        if was_previous and is_past(key.previous, self._keys.now):
            entry.reason = 'previous_over'
            return False
        key = self._rows.swap(
            key,
            enabled=False,
            disabled_by=ADMIN,
            updated_at=self._keys.now,
        )
        self._trusts.settle(call.origin, key)
        return True

    def _fields(self, call: Call[None, str]) -> dict[str, str]:
        return {'address': call.parts.clients.shown(call.request.environ)}

    def _key(self, call: OfToken) -> ApiKey:
        """The key in the path, which belongs to the user in the path."""
        user_id = self._target_id(call)
        found = self._rows.get(call.path['id'])
        if found is None or found.user_id != user_id:
            raise NoKey(call.path['id'])
        return found

    def _target_id(self, call: OfToken) -> str:
        """The user in the path; one that is gone may still have keys."""
        try:
            return call.target().id
        except faults.UserNotFound:
            user_id = call.path['user_id']
            if not self._rows.store.page('', 1, Filter(user_id=user_id)):
                raise
            return user_id
        except faults.Forbidden:
            hide(call.parts.rules, call.caller, call.path)
            raise

    def _is_live(self, call: OfToken, key: ApiKey) -> bool:
        if not key.enabled or key.unrestricted:
            return key.enabled
        trust_id = key.trust_id
        return trust_id is not None and self._trusts.of(call.origin).exists(
            call.origin, trust_id
        )


def _marker(rows: list[ApiKey]) -> str:
    return rows[-1].id if rows else ''


def hide(policy: Any, caller: Caller, path: Any) -> None:
    """Raise NoKey for a key in the path that the caller may not see."""
    if 'id' not in path or caller.delegated:
        return
    try:
        policy.allow(rules.GET, caller, path['user_id'])
    except faults.Forbidden:
        raise NoKey(path['id']) from None


def _is_admin(call: OfToken) -> bool:
    try:
        call.parts.rules.administer('admin', call.caller)
    except faults.Forbidden:
        return False
    return True


def is_past(previous: Previous | None, now: datetime.datetime) -> bool:
    """Whether the grace of a former secret is over."""
    return previous is None or previous.expires_at <= now
