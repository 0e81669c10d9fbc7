"""What the routes of API keys and the logins with them share."""

import dataclasses
import datetime
from typing import Any

from oslo_config import cfg

from keymw.api_keys import keys
from keymw.api_keys.last_used import LastUsed
from keymw.api_keys.rows import Rows
from keymw.api_keys.trusts import KeyTrusts
from keymw.call import Parts
from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.storage.api_keys import ApiKey


@dataclasses.dataclass(frozen=True)
class ApiKeys:
    """The parts of API keys, built once at start; options are [api_keys]."""

    options: Any
    is_remote: bool
    parts: Parts
    rows: Rows
    trusts: KeyTrusts
    last_used: LastUsed

    @property
    def now(self) -> datetime.datetime:
        """The present time, in UTC."""
        return self.parts.now()

    def seal(self, key_id: str, user_id: str, secret: str) -> bytes:
        """A secret as the row of a key has it."""
        return keys.seal_secret(self.parts.vault, user_id, key_id, secret)

    def whole(self, key_id: str, secret: str) -> str:
        """The whole key, to be shown once."""
        return keys.make(self.options.prefix, key_id, secret)

    def find(self, text: str) -> tuple[ApiKey | None, bool]:
        """The complete key of which text is the secret, or None.

        The flag tells that it is the secret before the last rotation, which
        may be over. An unknown id and a wrong secret cost the same work; a
        text without a valid checksum costs no look-up.
        """
        found = keys.parse(self.options.prefix, text)
        if found is None:
            return None, False
        vault, key = self.parts.vault, self.rows.get_unchecked(found.id)
        sealed = [] if key is None else [key.secret]
        if key is not None and key.previous is not None:
            sealed.append(key.previous.secret)
        right = [
            keys.matches(vault, key, value, found.secret)
            for value in sealed
            if key is not None
        ]
        for _ in range(2 - len(sealed)):
            keys.no_match(vault, found.secret)
        if key is None or not any(right):
            return None, False
        self.rows.check(key)
        return key, not right[0]


def load(conf: cfg.ConfigOpts, parts: Parts) -> ApiKeys | None:
    """The parts of API keys; None: they are off.

    :raises ConfigError: an option is not usable with the others.
    """
    options, store = conf.api_keys, parts.api_keys
    if store is None:
        return None
    check_options(conf)
    rows = Rows(store, parts.vault)
    return ApiKeys(
        options,
        identity_load.is_remote(conf),
        parts,
        rows,
        KeyTrusts(rows, parts.identity.v3, parts.now),
        LastUsed(store, options.last_used_interval, parts.clock),
    )


def check_options(conf: cfg.ConfigOpts) -> None:
    """Check [api_keys] against [identity].

    :raises ConfigError: two options contradict each other.
    """
    options, identity = conf.api_keys, conf.identity
    is_remote = identity_load.is_remote(conf)
    if not is_remote and not identity.service_user:
        raise ConfigError(
            '[api_keys] enabled: set [identity] service_user, for whom the '
            'trusts behind the keys are made'
        )
    if is_remote and 'applicationcredential' in (identity.auth_type or ''):
        raise ConfigError(
            f'[identity] auth_type: {identity.auth_type} gets no token for '
            'the trusts of [api_keys]: use "password"'
        )
    if is_remote and options.allow_unrestricted:
        raise ConfigError(
            '[api_keys] allow_unrestricted: it needs [identity] transport = '
            'pipeline'
        )


def later(now: datetime.datetime, seconds: int) -> datetime.datetime:
    """The time some seconds from now, no later than the year 9999."""
    try:
        return now + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)
