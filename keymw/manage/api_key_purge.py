"""api-key purge: the keys that nobody can use any more."""

import argparse
from collections.abc import Iterator
import datetime

from cliff import command

from keymw.api_keys import policies as rules
from keymw.api_keys import trusts
from keymw.api_keys.rows import Meanwhile
from keymw.conf import ConfigError
from keymw.manage import api_key
from keymw.manage import api_key_parts
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.api_key_parts import ApiKeyParts
from keymw.storage.api_keys import ANY_STATE
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import State
from keymw.vault import CannotOpen

# A request that takes longer than this was interrupted.
_LONGEST = datetime.timedelta(minutes=10)
_DELETED = 'deleted'


class Purge(command.Command):
    """Delete the API keys that nobody can use any more, with their trusts.

    These are keys that have ended, keys whose creation or deletion was
    interrupted more than 10 minutes ago, and keys of users whom Keystone no
    longer has. Each is listed; --yes deletes them. Other trusts in Keystone
    stay. If Keystone does not respond, the command stops.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        parser.add_argument(
            '--yes', action='store_true', help='delete them, not only list'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        parts = api_key_parts.of(self.app, parsed_args)
        # If Keystone cannot find service_user itself, its "not found" about
        # others proves nothing.
        pipeline.check_service_user(parts.conf, parts.identity, parts.origin)
        act = self._delete if parsed_args.yes else _would_delete
        left = 0
        for key, why in _useless(parts):
            word = act(parts, key)
            left += word != _DELETED
            line = f'{word} {api_key_parts.line(key)}: {why}'
            print(line, file=self.app.stdout, flush=True)
        if left and not parsed_args.yes:
            raise ConfigError('nothing is deleted without --yes')
        if left:
            raise ConfigError('not all are deleted: see the lines "left"')

    def _delete(self, parts: ApiKeyParts, key: ApiKey) -> str:
        """Delete a key; return the result as the first words of a line.

        :raises ConfigError: Keystone does not respond.
        """
        target = api_key_parts.target(key)
        with session.of(self.app).operation(rules.DELETE, target) as entry:
            try:
                with pipeline.asking(parts.conf):
                    _remove(parts, key)
            except (CannotOpen, Meanwhile) as error:
                entry.reason = str(error)
                return f'left ({error})'
        return _DELETED


def _would_delete(_parts: ApiKeyParts, _key: ApiKey) -> str:
    return 'would delete'


def _remove(parts: ApiKeyParts, key: ApiKey) -> None:
    parts.rows.check(key)
    parts.trusts.remove(parts.origin, api_key_parts.mark_deleted(parts, key))


def _useless(parts: ApiKeyParts) -> Iterator[tuple[ApiKey, str]]:
    """Yield the rows to delete, each once, and the reason."""
    now = api_key_parts.now()
    interrupted = Filter(
        frozenset({State.PENDING, State.DELETED}),
        updated_before=now - _LONGEST,
    )
    for key in api_key.every(parts.store, interrupted):
        yield key, f'it is {key.state}, by an interrupted request'
    for key in api_key.every(parts.store, Filter(expires_before=now)):
        yield key, 'it has ended'
    for user_id in parts.owners():
        if not api_key_parts.is_gone(parts, user_id):
            continue
        of_owner = Filter(ANY_STATE, user_id=user_id)
        for key in api_key.every(parts.store, of_owner):
            if not interrupted.admits(key) and not trusts.is_over(key, now):
                yield key, 'its owner is gone'
