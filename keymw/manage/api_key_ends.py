"""api-key disable and delete: the end of one key."""

import abc
import argparse
from collections.abc import Iterator
import contextlib

from cliff import command

from keymw.api_keys import policies as rules
from keymw.api_keys.handlers import ADMIN
from keymw.api_keys.rows import retried
from keymw.conf import ConfigError
from keymw.manage import api_key
from keymw.manage import api_key_parts
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.api_key_parts import ApiKeyParts
from keymw.manage.cells import Text
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import State
from keymw.vault import CannotOpen
from keymw.vault import KeyMissing

DISABLE = 'api_key:disable'


class _End(command.Command):
    """Writes the row first, so that the key is dead if Keystone is out."""

    rule: str
    done: str
    advice: str

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = api_key.with_key(super().get_parser(prog_name))
        pipeline.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        parts = api_key_parts.of(self.app, parsed_args)
        key_id = parsed_args.key_id
        target = api_key_parts.target(self._find(parts, key_id))
        with session.of(self.app).operation(self.rule, target):
            with api_key_parts.opened():
                retried(lambda: self._write(parts, self._find(parts, key_id)))
            with self._unfinished(parts):
                retried(lambda: self._finish(parts, key_id))
        print(f'{self.done} {Text(key_id)}', file=self.app.stdout)

    @abc.abstractmethod
    def _find(self, parts: ApiKeyParts, key_id: str) -> ApiKey:
        """Return the row with an id.

        :raises LookupError: there is none that the command may change.
        """

    @abc.abstractmethod
    def _write(self, parts: ApiKeyParts, key: ApiKey) -> None:
        """Write to the row that the key has ended."""

    @abc.abstractmethod
    def _finish(self, parts: ApiKeyParts, key_id: str) -> None:
        """Delete the trust of the key; it may have been done already."""

    @contextlib.contextmanager
    def _unfinished(self, parts: ApiKeyParts) -> Iterator[None]:
        try:
            with pipeline.asking(parts.conf):
                yield
        except ConfigError as error:
            raise ConfigError(
                f'the key is {self.done}, but its trust is not deleted: '
                f'{error}. {self.advice}'
            ) from error


class Disable(_End):
    """Disable an API key as an admin does, and end its tokens.

    Only an admin can enable it again. The tokens of an unrestricted key live
    on.
    """

    rule, done = DISABLE, 'disabled'
    advice = 'Run the command again.'

    def _find(self, parts: ApiKeyParts, key_id: str) -> ApiKey:
        return api_key.get(parts.store, key_id)

    def _write(self, parts: ApiKeyParts, key: ApiKey) -> None:
        parts.rows.check(key)
        parts.rows.swap(
            key,
            enabled=False,
            disabled_by=ADMIN,
            updated_at=api_key_parts.now(),
        )

    def _finish(self, parts: ApiKeyParts, key_id: str) -> None:
        key = parts.rows.get(key_id)
        if key is not None:
            parts.trusts.settle(parts.origin, key)


class Delete(_End):
    """Delete an API key and end its tokens.

    The key is dead at once, even if Keystone does not respond; then the next
    run or "api-key purge" deletes the rest. The tokens of an unrestricted key
    live on. Of a row that was changed in the database only the row is
    deleted, as it may name the trust of another key.
    """

    rule, done = rules.DELETE, 'deleted'
    advice = 'Run the command again, or "api-key purge".'

    def _find(self, parts: ApiKeyParts, key_id: str) -> ApiKey:
        found = parts.store.get(key_id)
        if found is not None and found.state is State.DELETED:
            return found
        return api_key.get(parts.store, key_id)

    def _write(self, parts: ApiKeyParts, key: ApiKey) -> None:
        try:
            parts.rows.check(key)
        except KeyMissing:
            raise
        except CannotOpen as error:
            parts.store.remove(key)
            raise ConfigError(
                f'the row is deleted, but not its trust {key.trust_id}, which '
                f'may be of another key: cannot open {error}'
            ) from None
        api_key_parts.mark_deleted(parts, key)

    def _finish(self, parts: ApiKeyParts, key_id: str) -> None:
        key = parts.rows.get_any(key_id)
        if key is not None:
            parts.trusts.remove(parts.origin, key)
