"""The entries of a directory, and a key as attributes of one."""

from collections.abc import Mapping
import dataclasses
import datetime

import ldap
import ldap.filter
from oslo_config import cfg

from keymw.storage import base

# An operation, an attribute and its values, as python-ldap has them.
Change = tuple[int, str, list[bytes] | None]


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry; what it holds may be a sealed secret."""

    dn: str
    attributes: Mapping[str, list[bytes]] = dataclasses.field(repr=False)

    def values(self, attribute: str) -> list[bytes]:
        """The values of an attribute, named in any case."""
        return self.attributes.get(attribute.lower(), [])

    def is_a(self, object_class: str) -> bool:
        """Whether the entry has this object class itself."""
        names = [name.lower() for name in self.values('objectClass')]
        return object_class.lower().encode() in names


@dataclasses.dataclass(frozen=True)
class Held:
    """A key and the entry that holds it."""

    entry: Entry
    key: base.Credential


def equals(attribute: str, value: str) -> str:
    """The filter for entries whose attribute has a value."""
    return f'({attribute}={ldap.filter.escape_filter_chars(value)})'


class Names:
    """Our object class and attributes, by the names [ldap] gives them."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.object_class: str = conf.ldap.credential_objectclass
        self.user_id: str = conf.ldap.credential_user_id_attribute
        self.domain_id: str = conf.ldap.credential_domain_id_attribute
        self.username: str = conf.ldap.credential_username_attribute
        self.secret: str = conf.ldap.credential_secret_attribute
        self.created_at: str = conf.ldap.credential_created_at_attribute
        self.updated_at: str = conf.ldap.credential_updated_at_attribute

    @property
    def attributes(self) -> list[str]:
        """Our attributes, the user's id first."""
        return [
            self.user_id,
            self.domain_id,
            self.username,
            self.secret,
            self.created_at,
            self.updated_at,
        ]

    def held(self, wanted: str = '') -> str:
        """The filter for entries that hold a key, and pass another one."""
        return f'(&(objectClass={self.object_class}){wanted})'

    def read(self, entry: Entry) -> Held:
        """The key on an entry.

        :raises Outage: it is not whole, or may not be read.
        """
        try:
            key = self._read(entry)
        except (IndexError, ValueError):
            raise base.Outage(
                f'[ldap] the key on {entry.dn} is not whole, or the directory '
                'does not let [ldap] user read all of it'
            ) from None
        return Held(entry, key)

    def _read(self, entry: Entry) -> base.Credential:
        domain_ids = entry.values(self.domain_id)
        usernames = entry.values(self.username)
        return base.Credential(
            user_id=entry.values(self.user_id)[0].decode(),
            domain_id=domain_ids[0].decode() if domain_ids else '',
            username=usernames[0].decode() if usernames else None,
            secret=entry.values(self.secret)[0],
            created_at=_to_moment(entry.values(self.created_at)[0]),
            updated_at=_to_moment(entry.values(self.updated_at)[0]),
        )

    def write(self, key: base.Credential, entry: Entry) -> list[Change]:
        """What puts a key on an entry, in place of any it has.

        The directory refuses it when the entry gained or lost our object
        class since it was read.
        """
        changes = [
            (ldap.MOD_REPLACE, attribute, _values(value))
            for attribute, value in (
                (self.user_id, key.user_id),
                (self.domain_id, key.domain_id or None),
                (self.username, key.username),
                (self.secret, key.secret),
                (self.created_at, _to_time(key.created_at)),
                (self.updated_at, _to_time(key.updated_at)),
            )
        ]
        if not entry.is_a(self.object_class):
            changes.insert(0, self._our_class(ldap.MOD_ADD))
        return changes

    def clear(self, key: base.Credential) -> list[Change]:
        """What takes this user's key off an entry, and no other's."""
        return [
            self._our_class(ldap.MOD_DELETE),
            (ldap.MOD_DELETE, self.user_id, _values(key.user_id)),
            *((ldap.MOD_REPLACE, name, None) for name in self.attributes[1:]),
        ]

    def reseal(self, old: bytes, new: bytes) -> list[Change]:
        """What the directory refuses when the old secret is gone."""
        return [
            (ldap.MOD_DELETE, self.secret, [old]),
            (ldap.MOD_ADD, self.secret, [new]),
        ]

    def give_name(self, key: base.Credential) -> list[Change]:
        """What gives its name to a key that has none."""
        return [(ldap.MOD_ADD, self.username, _values(key.username))]

    def rename(self, key: base.Credential) -> list[Change]:
        """What gives its name to a key, in place of any it has."""
        return [(ldap.MOD_REPLACE, self.username, _values(key.username))]

    def take_name(self, key: base.Credential) -> list[Change]:
        """What takes its name off a key, and no other name."""
        return [(ldap.MOD_DELETE, self.username, _values(key.username))]

    def unless_written(self, key: base.Credential) -> list[Change]:
        """What the directory refuses when a key was written since."""
        moment = _values(_to_time(key.updated_at))
        return [
            (ldap.MOD_DELETE, self.updated_at, moment),
            (ldap.MOD_ADD, self.updated_at, moment),
        ]

    def _our_class(self, operation: int) -> Change:
        return (operation, 'objectClass', [self.object_class.encode()])


def _values(value: str | bytes | None) -> list[bytes] | None:
    if value is None:
        return None
    return [value.encode() if isinstance(value, str) else value]


def _to_time(moment: datetime.datetime) -> str:
    utc = moment.astimezone(datetime.UTC)
    return f'{utc:%Y%m%d%H%M%S}.{utc.microsecond:06}Z'


def _to_moment(time: bytes) -> datetime.datetime:
    text = time.decode()
    moment = datetime.datetime.fromisoformat(f'{text[:8]}T{text[8:]}')
    return moment.astimezone(datetime.UTC)
