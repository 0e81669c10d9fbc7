"""The API keys of users, stored on their entries in a directory."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
import datetime
from typing import TypeVar

from oslo_config import cfg

from keymw.storage import base
from keymw.storage.ldap import bulk
from keymw.storage.ldap import settings
from keymw.storage.ldap import survey
from keymw.storage.ldap import writing
from keymw.storage.ldap.directory import Directory
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.entries import Names
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.keys import age
from keymw.storage.ldap.keys import latest
from keymw.storage.ldap.keys import newest
from keymw.storage.ldap.users import Users

T = TypeVar('T')


class LdapCredentials(base.CredentialStore):
    """Credentials in a directory; keymw never makes or deletes an entry.

    A key belongs to the user whose id was written with it. So an entry that
    was made again or copied has no key for its new user. A write for a user
    without an entry raises NoPlace.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._directory = Directory(settings.read(conf))
        self._names = Names(conf)
        self._users = Users(conf)

    def _ask(self, question: Callable[[Keys], T]) -> T:
        return self._directory.ask(
            lambda session: question(Keys(session, self._names))
        )

    def get(self, user_id: str) -> base.Credential | None:
        return newest(self._ask(lambda keys: keys.of_user(user_id)))

    def find(self, domain_id: str, username: str) -> base.Credential | None:
        return newest(self._ask(lambda keys: keys.named(domain_id, username)))

    def change(self, user_id: str) -> base.Change | None:
        return latest(self._ask(lambda keys: keys.changes(user_id)))

    def now(self) -> datetime.datetime | None:
        """Return None: a directory reports its time only after a write."""
        return None

    def put(
        self, credential: base.Credential, chain: str | None = None
    ) -> None:
        self._ask(
            lambda keys: writing.put(keys, self._users, credential, chain)
        )

    def put_all(self, credentials: Sequence[base.Credential]) -> None:
        self._ask(lambda keys: bulk.put_all(keys, self._users, credentials))

    def rename(self, credential: base.Credential, username: str) -> None:
        self._ask(lambda keys: writing.rename(keys, credential, username))

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        return self._ask(lambda keys: writing.reseal(keys, user_id, old, new))

    def delete(self, user_id: str, chain: str | None = None) -> bool:
        return self._ask(lambda keys: writing.delete(keys, user_id, chain))

    def forget_changes(self, before: datetime.datetime) -> int:
        return self._ask(lambda keys: writing.forget_changes(keys, before))

    def page(self, after: str, limit: int) -> list[base.Credential]:
        """Return a page, in constant memory.

        A directory does not sort, so each page reads every key. Use large
        pages.
        """
        return self._ask(lambda keys: _lowest(keys.all(), after, limit))

    def count(self) -> int:
        return self._ask(lambda keys: keys.session.count(keys.names.held()))

    def check(self) -> None:
        self._ask(lambda keys: survey.check(keys, self._users))


def _lowest(
    held: Iterable[Held], after: str, limit: int
) -> list[base.Credential]:
    found: dict[str, Held] = {}
    for one in held:
        id_ = one.key.user_id
        if id_ > after:
            found[id_] = max(one, found.get(id_, one), key=age)
        if len(found) > 2 * limit:
            found = {id_: found[id_] for id_ in sorted(found)[:limit]}
    return [found[id_].key for id_ in sorted(found)[:limit]]
