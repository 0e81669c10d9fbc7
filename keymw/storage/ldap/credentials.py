"""The API keys of users, each on the user's own entry."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import TypeVar

from oslo_config import cfg

from keymw.storage import base
from keymw.storage.ldap import settings
from keymw.storage.ldap import survey
from keymw.storage.ldap import writing
from keymw.storage.ldap.directory import Directory
from keymw.storage.ldap.entries import Held
from keymw.storage.ldap.entries import Names
from keymw.storage.ldap.keys import Keys
from keymw.storage.ldap.keys import age
from keymw.storage.ldap.keys import newest
from keymw.storage.ldap.users import Users

T = TypeVar('T')


class LdapCredentials(base.CredentialStore):
    """Credentials in a directory; the entries themselves are not ours.

    A key is its user's by the id written with it: an entry that was made
    again, or copied, has no key for its new user. To put a key where its
    user has no entry is an Outage, too.
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

    def put(self, credential: base.Credential) -> None:
        self._ask(lambda keys: writing.put(keys, self._users, credential))

    def rename(self, credential: base.Credential, username: str) -> None:
        self._ask(lambda keys: writing.rename(keys, credential, username))

    def reseal(self, user_id: str, old: bytes, new: bytes) -> bool:
        return self._ask(lambda keys: writing.reseal(keys, user_id, old, new))

    def delete(self, user_id: str) -> bool:
        return self._ask(lambda keys: writing.delete(keys, user_id))

    def page(self, after: str, limit: int) -> list[base.Credential]:
        """As promised, in constant memory.

        A directory does not sort: each page reads every key, so ask for
        large pages.
        """
        return self._ask(lambda keys: _lowest(keys.all(), after, limit))

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
