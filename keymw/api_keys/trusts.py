"""The trust behind an API key: the order of writes to Keystone and the store.

The row says what to look for before anything is made in Keystone, and what to
delete before it is deleted there. So a process that is killed at any moment
leaves no key that works without a row, and no trust that cannot be found.
Source: doc/contract/api-keys 2 and 3.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import datetime
import logging
import random
from typing import Any

from keymw.api_keys.faults import BadMember
from keymw.api_keys.faults import Conflict
from keymw.api_keys.faults import OwnerMustEnable
from keymw.api_keys.rows import Rows
from keymw.identity.transport import Origin
from keymw.identity.trusts import EndTaken
from keymw.identity.trusts import Grant
from keymw.identity.trusts import NoTrusts
from keymw.identity.trusts import Refused
from keymw.identity.trusts import Trusts
from keymw.identity.v3 import V3
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import State
from keymw.storage.base import Outage
from keymw.web import faults

LOG = logging.getLogger(__name__)

_TRIES = 5
_LONGEST_DELAY = 60
# A trust always has an end, because its end identifies it. That of a key
# without one is a random second between these years.
_FAR = datetime.datetime(3000, 1, 1, tzinfo=datetime.UTC)
_FARTHEST = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)
_RANDOM = random.SystemRandom()


class KeyTrusts:
    """Makes, replaces and deletes the trusts behind keys.

    Every method raises Unavailable if Keystone fails, Outage if the store
    does, and Meanwhile if the row is changed by another request.
    """

    def __init__(
        self,
        rows: Rows,
        v3: Callable[[Origin], V3 | None],
        now: Callable[[], datetime.datetime],
    ) -> None:
        """v3 returns the identity service, None if it speaks v2.0 alone."""
        self._rows = rows
        self._v3 = v3
        self._now = now

    def of(self, origin: Origin) -> Trusts:
        """The trusts of the identity service.

        :raises NoTrusts: it has none, because it speaks v2.0 alone.
        """
        keystone = self._v3(origin)
        if keystone is None:
            raise NoTrusts()
        return keystone.trusts

    def token_of(self, origin: Origin, user_id: str) -> str:
        """A new token of the owner of a key, by the external method.

        :raises OwnerMustEnable: Keystone issues none.
        """
        keystone = self._v3(origin)
        if keystone is None:
            raise OwnerMustEnable()
        try:
            owner = keystone.owner(origin, user_id)
            response = keystone.authenticate(
                origin, owner, 'unscoped', 'nocatalog'
            )
        except (
            faults.LoginRefused,
            faults.UserDisabled,
            faults.UserNotFound,
        ):
            raise OwnerMustEnable() from None
        if response.status >= 400:
            raise OwnerMustEnable()
        return response.headers['X-Subject-Token']

    def renew(
        self, origin: Origin, key: ApiKey, token: str, **changes: Any
    ) -> ApiKey:
        """Give a key a new trust and write changes with it; return the row.

        token is one of the owner. The former trust is deleted; while it cannot
        be, the key stays as it was.

        :raises BadMember: Keystone issues no token for the roles.
        :raises RoleNotHeld: the owner lacks a role, or the project.
        :raises NoTrusts: Keystone's policy forbids trusts.
        :raises Conflict: the key has ended.
        """
        trusts = self.of(origin)
        if is_over(key, self._now()):
            raise Conflict('The key has ended.')
        self._delete_unclaimed(origin, trusts, key)
        key = self.settle(origin, key)
        before, made = self._make(origin, trusts, key, token)
        try:
            self._try(origin, trusts, before, made)
            key = self._rows.swap(
                before,
                trust_id=made,
                former_trust_id=before.trust_id,
                **changes,
            )
        except BaseException:
            trusts.delete(origin, made)
            raise
        return self._settle_renewed(origin, before, key, changes)

    def _settle_renewed(
        self,
        origin: Origin,
        before: ApiKey,
        key: ApiKey,
        changes: Mapping[str, Any],
    ) -> ApiKey:
        """Delete the former trust of a key that has a new one.

        A failure undoes the change, as its secret would be shown to nobody.
        """
        try:
            return self.settle(origin, key)
        except Outage as error:
            # The trust is deleted already: only its id stays in the row.
            LOG.warning('key %s names a former trust: %s', key.id, error)
            return key
        except BaseException:  # gunicorn ends a long request by SystemExit
            self._undo(origin, before, key, changes)
            raise

    def _undo(
        self,
        origin: Origin,
        before: ApiKey,
        key: ApiKey,
        changes: Mapping[str, Any],
    ) -> None:
        """Write a row as it was; its new trust goes now or with the next."""
        names = ('trust_id', 'former_trust_id', *changes)
        former = {name: getattr(before, name) for name in names}
        try:
            self._rows.swap(key, **former)
            self.of(origin).delete(origin, key.trust_id or '')
        except (Outage, faults.Fault) as error:
            LOG.warning(
                'the change of key %s was not undone: %s', key.id, error
            )

    def _make(
        self, origin: Origin, trusts: Trusts, key: ApiKey, token: str
    ) -> tuple[ApiKey, str]:
        """A new trust; the row has its end before it is made."""
        trustee = trusts.trustee(origin)
        for end in _ends(key):
            key = self._rows.swap(
                key, trust_expires_at=end, trustee_id=trustee
            )
            try:
                return key, trusts.create(origin, _grant(key, end), token)
            except EndTaken:
                LOG.info('key %s: another trust ends at %s', key.id, end)
        raise faults.Unavailable('The key cannot be made now.')

    def _try(
        self, origin: Origin, trusts: Trusts, key: ApiKey, trust_id: str
    ) -> None:
        """Get a token for a new trust: Keystone makes some that give none.

        The token is given to nobody.
        """
        try:
            trusts.sign_in(origin, trust_id, key.user_id, 'nocatalog')
        except Refused as refused:
            LOG.info('key %s: its new trust: %s', key.id, refused.reason)
            raise BadMember(
                'api_key.roles',
                'Keystone issues no token for these roles; a role of a domain '
                'must imply a global one',
            ) from None

    def settle(self, origin: Origin, key: ApiKey) -> ApiKey:
        """Delete the trusts that a key should not have any more.

        These are the former one, and those of a key that is disabled or over.
        """
        former = [key.former_trust_id]
        trust_id = key.trust_id
        if not key.enabled or key.state is State.DELETED:
            former, trust_id = [*former, trust_id], None
        there = [id_ for id_ in former if id_ is not None]
        if not there:
            return key
        for id_ in there:
            self.of(origin).delete(origin, id_)
        return self._rows.swap(key, trust_id=trust_id, former_trust_id=None)

    def end(self, origin: Origin, key: ApiKey) -> ApiKey:
        """Delete the trust of a key that is over; return the row."""
        if key.trust_id is None:
            return key
        self.of(origin).delete(origin, key.trust_id)
        return self._rows.swap(key, trust_id=None)

    def remove(self, origin: Origin, key: ApiKey) -> None:
        """Delete all trusts of a row that is marked as deleted, and the row.

        It may have been interrupted before: what is gone already is no error.
        """
        key = self.settle(origin, key)
        if not key.unrestricted and key.trust_expires_at is not None:
            self._delete_unclaimed(origin, self.of(origin), key)
        self._rows.store.remove(key)

    def _delete_unclaimed(
        self, origin: Origin, trusts: Trusts, key: ApiKey
    ) -> None:
        """Delete a trust that was made for a row and never written to it."""
        if key.trust_expires_at is None:
            return
        made = trusts.made(origin, key.user_id, key.trust_expires_at)
        for trust_id in made:
            if trust_id not in (key.trust_id, key.former_trust_id):
                trusts.delete(origin, trust_id)


def is_over(key: ApiKey, now: datetime.datetime) -> bool:
    """Whether a key has ended."""
    return key.expires_at is not None and key.expires_at <= now


def _grant(key: ApiKey, end: datetime.datetime) -> Grant:
    return Grant(
        trustor_id=key.user_id,
        trustee_id=key.trustee_id or '',
        project_id=key.project_id or '',
        roles=key.roles,
        expires_at=end,
    )


def _ends(key: ApiKey) -> Iterator[datetime.datetime]:
    """Ends to try for the trust of a key, until one is free.

    Keystone allows one trust for each end, deleted ones included. The end of
    the key itself is judged at login, so that of the trust may be later.
    """
    if key.expires_at is None or key.expires_at >= _FAR:
        for _ in range(1 + _TRIES):
            yield _far_end()
        return
    # Keystone drops the fraction of a second.
    end = key.expires_at.replace(microsecond=0)
    if end < key.expires_at:
        end += datetime.timedelta(seconds=1)
    yield end
    for _ in range(_TRIES):
        delay = _RANDOM.randint(1, _LONGEST_DELAY)
        yield end + datetime.timedelta(seconds=delay)


def _far_end() -> datetime.datetime:
    seconds = int((_FARTHEST - _FAR).total_seconds())
    return _FAR + datetime.timedelta(seconds=_RANDOM.randrange(seconds))
