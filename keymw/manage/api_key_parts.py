"""The rows of API keys and their trusts, for commands that change them."""

import argparse
from collections.abc import Iterator
import contextlib
import datetime
import functools

from cliff import app
from oslo_config import cfg

from keymw import vault
from keymw.api_keys.rows import Rows
from keymw.api_keys.trusts import KeyTrusts
from keymw.conf import ConfigError
from keymw.identity.cached import Cached
from keymw.identity.transport import Origin
from keymw.identity.v3 import V3
from keymw.manage import api_key
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.cells import Text
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import State
from keymw.web import faults


class ApiKeyParts:
    """What the service itself has for API keys, built from its configuration.

    The identity service is loaded at its first use, so that a row can be
    written even if that fails.
    """

    def __init__(
        self, conf: cfg.ConfigOpts, given: tuple[str, str] | None
    ) -> None:
        """given is the value of --pipeline.

        :raises ConfigError: an option is missing.
        :raises Outage: the store cannot serve.
        """
        self.conf = conf
        self._where = pipeline.beside(conf.config_file, given)
        pipeline.check(conf, self._where)
        self.store = api_key.store(conf)
        self.rows = Rows(self.store, vault.load(conf.vault.key_repository))
        self.trusts = KeyTrusts(self.rows, self._v3, now)
        self.origin = pipeline.origin()

    @functools.cached_property
    def identity(self) -> Cached:
        """The identity service. Raises as pipeline.identity does."""
        return pipeline.identity(self.conf, self._where)

    def _v3(self, origin: Origin) -> V3 | None:
        return self.identity.v3(origin)

    def owners(self) -> Iterator[str]:
        """Yield the user ids that have rows, one page in memory at a time."""
        after = ''
        while page := self.store.owners(after, api_key.PAGE):
            yield from page
            after = page[-1]


def of(program: app.App, parsed_args: argparse.Namespace) -> ApiKeyParts:
    """Return the parts for a command with --pipeline.

    Raises as ApiKeyParts does.
    """
    return ApiKeyParts(session.of(program).conf, parsed_args.pipeline)


def now() -> datetime.datetime:
    """Return the present time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def target(key: ApiKey) -> str:
    """Return the target of audit lines, as the service writes it."""
    return f'{key.user_id}/{key.id}'


def line(key: ApiKey) -> str:
    """Return a description of a key for people."""
    return f'{Text(key.id)} (user {Text(key.user_id)}, name {Text(key.name)})'


def mark_deleted(parts: ApiKeyParts, key: ApiKey) -> ApiKey:
    """Mark a row as deleted, unless it is; its key is dead from here on.

    :raises Meanwhile: the row was changed since it was read.
    """
    if key.state is State.DELETED:
        return key
    return parts.rows.swap(key, state=State.DELETED, updated_at=now())


def is_gone(parts: ApiKeyParts, user_id: str) -> bool:
    """Whether Keystone no longer has a user.

    :raises ConfigError: Keystone does not respond.
    """
    try:
        with pipeline.asking(parts.conf):
            parts.identity.user(parts.origin, user_id, None)
    except faults.UserNotFound:
        return True
    return False


@contextlib.contextmanager
def opened() -> Iterator[None]:
    """Report a row that the vault does not open.

    :raises ConfigError: it was changed in the database, or the vault lacks
        the key that sealed it.
    """
    try:
        yield
    except vault.CannotOpen as error:
        raise ConfigError(f'[vault] cannot open {error}') from None
