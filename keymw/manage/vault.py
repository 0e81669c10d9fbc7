"""vault: the keys that seal the secrets in the store."""

import argparse
import collections
from collections.abc import Iterable

from cliff import command
from cliff import lister

from keymw import conf as configuration
from keymw import vault
from keymw.manage import credential


class Setup(command.Command):
    """Make the key repository and its first key.

    Nothing happens where there are keys.
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        repository = conf.vault.key_repository
        made = vault.setup(repository)
        # One that is there may have a mode or a key that keymw refuses.
        vault.load(repository)
        print(
            f'The first key is in {repository}: back it up, away from the '
            'database.'
            if made
            else f'There are keys in {repository}: nothing was done.',
            file=self.app.stdout,
        )


class Status(lister.Lister):
    """List the sealing keys, and how many credentials each has sealed.

    The exit code is 1 when not all of them are sealed with the newest key.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[int, str, int]]]:
        conf = configuration.load(self.app.options.config_file)
        known = vault.read_keys(conf.vault.key_repository).keys()
        used = collections.Counter(
            vault.sealed_by(row.secret)
            for row in credential.every(credential.store(conf))
        )
        self._behind = used.total() - used[max(known)]
        rows = [
            (id_, _state(id_, known), used[id_])
            for id_ in sorted(known | used.keys())
        ]
        return ('Key', 'State', 'Credentials'), rows

    def run(self, parsed_args: argparse.Namespace) -> int:
        super().run(parsed_args)
        return int(self._behind > 0)


def _state(id_: int, known: Iterable[int]) -> str:
    if id_ not in known:
        return 'missing'
    return 'seals' if id_ == max(known) else 'opens'
