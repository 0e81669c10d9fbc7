"""Entries of a directory, and a key as attributes of an entry."""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime

import ldap
import ldap.filter
from oslo_config import cfg

from keymw.storage import base

# An operation, an attribute and its values, in the form of python-ldap.
Change = tuple[int, str, list[bytes] | None]


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry. Its values are not in repr, as one may be a sealed secret."""

    dn: str
    attributes: Mapping[str, list[bytes]] = dataclasses.field(repr=False)

    def values(self, attribute: str) -> list[bytes]:
        """Return the values of an attribute; its name is case-insensitive."""
        return self.attributes.get(attribute.lower(), [])

    def is_a(self, object_class: str) -> bool:
        """Whether the entry itself has this object class."""
        names = [name.lower() for name in self.values('objectClass')]
        return object_class.lower().encode() in names


@dataclasses.dataclass(frozen=True)
class Held:
    """A key and the entry that holds it."""

    entry: Entry
    key: base.Credential


def equals(attribute: str, value: str) -> str:
    """Return the filter for entries whose attribute has a value."""
    return f'({attribute}={ldap.filter.escape_filter_chars(value)})'


def any_of(filters: Sequence[str]) -> str:
    """Return the filter for entries that pass one of some filters."""
    return f'(|{"".join(filters)})'


class Names:
    """The object classes and attributes of keymw, as named in [ldap]."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.object_class: str = conf.ldap.credential_objectclass
        self.user_id: str = conf.ldap.credential_user_id_attribute
        self.domain_id: str = conf.ldap.credential_domain_id_attribute
        self.username: str = conf.ldap.credential_username_attribute
        self.secret: str = conf.ldap.credential_secret_attribute
        self.created_at: str = conf.ldap.credential_created_at_attribute
        self.updated_at: str = conf.ldap.credential_updated_at_attribute
        self.change_class: str = conf.ldap.change_objectclass
        self.changed_user_id: str = conf.ldap.change_user_id_attribute
        self.changed_at: str = conf.ldap.changed_at_attribute
        self.chain: str = conf.ldap.change_chain_attribute

    @property
    def attributes(self) -> list[str]:
        """Return the attributes of a key, the user's id first."""
        return [
            self.user_id,
            self.domain_id,
            self.username,
            self.secret,
            self.created_at,
            self.updated_at,
        ]

    @property
    def of_change(self) -> list[str]:
        """Return the attributes of a change, the user's id first."""
        return [self.changed_user_id, self.changed_at, self.chain]

    def changed(self, user_id: str) -> str:
        """Return the filter for entries with a change of a user's key."""
        return equals(self.changed_user_id, user_id)

    def changed_by(self, moment: datetime.datetime) -> str:
        """Return the filter for entries with a change up to a time."""
        upto = f'({self.changed_at}<={_to_time(moment)})'
        return f'(&(objectClass={self.change_class}){upto})'

    def read_change(self, entry: Entry) -> base.Change:
        """Return the change on an entry.

        :raises Outage: keymw may not read it.
        """
        chains = entry.values(self.chain)
        try:
            at = to_moment(entry.values(self.changed_at)[0])
        except (IndexError, ValueError):
            raise base.Outage(
                f'[ldap] the change on {entry.dn} is incomplete, or the '
                'directory does not let [ldap] user read all of it'
            ) from None
        return base.Change(at, chains[0].decode() if chains else None)

    def held(self, filter_: str = '') -> str:
        """Return the filter for entries that hold a key and pass a filter."""
        return f'(&(objectClass={self.object_class}){filter_})'

    def read(self, entry: Entry) -> Held:
        """Return the key on an entry.

        :raises Outage: an attribute is missing, or keymw may not read it.
        """
        try:
            key = self._read(entry)
        except (IndexError, ValueError):
            raise base.Outage(
                f'[ldap] the key on {entry.dn} is incomplete, or the '
                'directory does not let [ldap] user read all of it'
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
            created_at=to_moment(entry.values(self.created_at)[0]),
            updated_at=to_moment(entry.values(self.updated_at)[0]),
        )

    def write(self, key: base.Credential, entry: Entry) -> list[Change]:
        """Return the changes that write a key to an entry, replacing any.

        The directory refuses them if the entry gained or lost the object
        class of keymw since it was read.
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
        """Return the changes that remove this user's key, and no other."""
        return [
            self._our_class(ldap.MOD_DELETE),
            (ldap.MOD_DELETE, self.user_id, _values(key.user_id)),
            *((ldap.MOD_REPLACE, name, None) for name in self.attributes[1:]),
        ]

    def date(
        self, entry: Entry, user_id: str, change: base.Change
    ) -> list[Change]:
        """Return the changes that record a change, replacing an earlier one.

        The directory refuses them if the entry gained or lost the object
        class for changes since it was read.
        """
        changes = [
            (ldap.MOD_REPLACE, self.changed_user_id, _values(user_id)),
            (ldap.MOD_REPLACE, self.changed_at, _values(_to_time(change.at))),
            (ldap.MOD_REPLACE, self.chain, _values(change.chain)),
        ]
        if not entry.is_a(self.change_class):
            name = [self.change_class.encode()]
            changes.insert(0, (ldap.MOD_ADD, 'objectClass', name))
        return changes

    def forget(self, entry: Entry) -> list[Change]:
        """Return the changes that remove a record, unless it was replaced."""
        return [
            (ldap.MOD_DELETE, self.changed_at, entry.values(self.changed_at)),
            (ldap.MOD_REPLACE, self.changed_user_id, None),
            (ldap.MOD_REPLACE, self.chain, None),
            (ldap.MOD_DELETE, 'objectClass', [self.change_class.encode()]),
        ]

    def redate(
        self, was: datetime.datetime, now: datetime.datetime
    ) -> list[Change]:
        """Return changes that the directory refuses after another change."""
        return [
            (ldap.MOD_DELETE, self.changed_at, _values(_to_time(was))),
            (ldap.MOD_ADD, self.changed_at, _values(_to_time(now))),
        ]

    def reseal(self, old: bytes, new: bytes) -> list[Change]:
        """Return changes that the directory refuses if old is replaced."""
        return [
            (ldap.MOD_DELETE, self.secret, [old]),
            (ldap.MOD_ADD, self.secret, [new]),
        ]

    def give_name(self, key: base.Credential) -> list[Change]:
        """Return the changes that add its name to a key without one."""
        return [(ldap.MOD_ADD, self.username, _values(key.username))]

    def rename(self, key: base.Credential) -> list[Change]:
        """Return the changes that set the name of a key."""
        return [(ldap.MOD_REPLACE, self.username, _values(key.username))]

    def take_name(self, key: base.Credential) -> list[Change]:
        """Return the changes that remove this name of a key, and no other."""
        return [(ldap.MOD_DELETE, self.username, _values(key.username))]

    def unless_written(self, key: base.Credential) -> list[Change]:
        """Return changes that the directory refuses if the key was written."""
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
    utc = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    # strftime takes ten times as long.
    return f'{utc.isoformat("T", "microseconds").translate(_NO_SIGNS)}Z'


_NO_SIGNS = str.maketrans('', '', '-T:')


def to_moment(time: bytes) -> datetime.datetime:
    """Parse a GeneralizedTime; return an aware time in UTC.

    :raises ValueError: the text is no GeneralizedTime.
    """
    text = time.decode()
    moment = datetime.datetime.fromisoformat(f'{text[:8]}T{text[8:]}')
    return moment.astimezone(datetime.UTC)
