"""vault: the keys that seal the secrets in the store."""

import argparse
import collections
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import itertools

from cliff import command
from cliff import lister
from oslo_config import cfg
from tqdm import tqdm

from keymw import conf as configuration
from keymw import vault
from keymw.conf import ConfigError
from keymw.handlers.credentials import KIND
from keymw.manage import credential
from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore


class Setup(command.Command):
    """Make the key repository, a key that seals and one staged.

    Nothing happens where there are keys.
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        repository = _repository(configuration.load(_file(self)))
        made = vault.setup(repository)
        # One that is there may have a mode or a key that keymw refuses.
        vault.load(repository)
        print(
            f'The first keys are in {repository}: back them up, away from '
            'the database.'
            if made
            else f'There are keys in {repository}: nothing was done.',
            file=self.app.stdout,
        )


class Rotate(command.Command):
    """Let the staged key seal from now on, and stage a new one.

    Every node needs the repository as it was after the rotation before this
    one, so that it can open what is sealed from now on: copy it to all of
    them after each rotation. Running workers follow by themselves. Then run
    "vault migrate".
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        number = vault.rotate(_repository(configuration.load(_file(self))))
        print(
            f'Key {number} seals from now on. Copy the repository to all '
            'nodes, then run "vault migrate".',
            file=self.app.stdout,
        )


class Migrate(command.Command):
    """Seal all secrets anew that are sealed with a key of former days.

    It runs beside the service, and may be cut short and started again.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--check',
            action='store_true',
            help='change nothing; the exit code is 1 when there is work to do',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = configuration.load(_file(self))
        kept, keys = credential.store(conf), vault.load(_repository(conf))
        old = (
            row
            for row in tqdm(
                credential.every(kept), unit=' credentials', disable=None
            )
            if not keys.is_current(row.secret)
        )
        if parsed_args.check:
            return int(any(True for _ in old))
        done, stuck = _reseal(kept, keys, old)
        print(f'sealed anew {done}', file=self.app.stdout)
        if stuck:
            raise ConfigError(
                f'[vault] key_repository: no key there opens {stuck} of the '
                'secrets: restore the keys that sealed them'
            )
        return 0


def _reseal(
    kept: CredentialStore, keys: vault.Vault, rows: Iterator[Credential]
) -> tuple[int, int]:
    """How many were sealed anew, and how many do not open."""
    done = stuck = 0
    while batch := list(itertools.islice(rows, credential.PAGE)):
        changes = [change for row in batch for change in _change(keys, row)]
        # Who wrote a key meanwhile has sealed it with the present one.
        done += kept.reseal_all(changes) if changes else 0
        stuck += len(batch) - len(changes)
    return done, stuck


def _change(
    keys: vault.Vault, row: Credential
) -> Iterator[tuple[str, bytes, bytes]]:
    with contextlib.suppress(vault.CannotOpen):
        secret = keys.open(KIND, row.user_id, row.secret)
        yield row.user_id, row.secret, keys.seal(KIND, row.user_id, secret)


class Status(lister.Lister):
    """List the sealing keys, and how many credentials each has sealed.

    The exit code is 1 when not all of them are sealed with the key that
    seals now.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[str, str, int]]]:
        conf = configuration.load(_file(self))
        keys = vault.read_keys(_repository(conf))
        used = _used(conf)
        self._behind = used.total() - used[keys[max(keys)].id]
        known = {key.id for key in keys.values()}
        rows = [
            (str(number), _state(number, keys), used[keys[number].id])
            for number in sorted(keys)
        ]
        rows += [
            ('-', 'missing', count)
            for id_, count in used.items()
            if id_ not in known
        ]
        return ('Key', 'State', 'Credentials'), rows

    def run(self, parsed_args: argparse.Namespace) -> int:
        super().run(parsed_args)
        return int(self._behind > 0)


class Drop(command.Command):
    """Remove a key with which nothing is sealed any more."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'number', metavar='KEY', type=int, help='as "vault status" says'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(_file(self))
        number = parsed_args.number
        vault.drop(_repository(conf), number, frozenset(_used(conf)))
        print(f'dropped key {number}', file=self.app.stdout)


def _file(of: command.Command) -> str:
    return str(of.app.options.config_file)


def _repository(conf: cfg.ConfigOpts) -> str:
    return str(conf.vault.key_repository)


def _used(conf: cfg.ConfigOpts) -> collections.Counter[bytes]:
    """How many credentials each key has sealed, by the id of the key."""
    rows = credential.every(credential.store(conf))
    return collections.Counter(vault.sealed_by(row.secret) for row in rows)


def _state(number: int, keys: Mapping[int, vault.Key]) -> str:
    if number == max(keys):
        return 'seals'
    return 'staged' if number == vault.STAGED else 'opens'
