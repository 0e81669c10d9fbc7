"""vault: the keys that seal the secrets in the store."""

import argparse
import collections
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import dataclasses
import itertools

from cliff import command
from cliff import lister
from oslo_config import cfg
from tqdm import tqdm

from keymw import conf as configuration
from keymw import vault
from keymw.conf import ConfigError
from keymw.global_key import KIND as GLOBAL_KEY
from keymw.handlers.credentials import KIND as CREDENTIAL
from keymw.manage import credential
from keymw.manage import global_key

# An owner, and what is sealed for it; with what is to be there instead.
Secret = tuple[str, bytes]
Change = tuple[str, bytes, bytes]
# How many secrets each key has sealed, by place and id of the key.
Used = dict[str, collections.Counter[bytes]]


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where secrets of one kind are kept."""

    name: str
    kind: str
    secrets: Callable[[], Iterable[Secret]]
    reseal: Callable[[Sequence[Change]], int]


def _places(conf: cfg.ConfigOpts) -> list[_Place]:
    """All that keeps what the vault has sealed."""
    found = [_credentials(conf)]
    return [*found, _global_keys(conf)] if global_key.may_be(conf) else found


def _credentials(conf: cfg.ConfigOpts) -> _Place:
    kept = credential.store(conf)
    return _Place(
        'Credentials',
        CREDENTIAL,
        lambda: ((row.user_id, row.secret) for row in credential.every(kept)),
        kept.reseal_all,
    )


def _global_keys(conf: cfg.ConfigOpts) -> _Place:
    kept = global_key.store(conf)
    return _Place(
        'Global Keys',
        GLOBAL_KEY,
        lambda: ((row.id, row.ha1) for row in global_key.every(kept)),
        lambda changes: sum(kept.reseal(*change) for change in changes),
    )


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
        keys, places = vault.load(_repository(conf)), _places(conf)
        if parsed_args.check:
            return int(any(any(_old(place, keys)) for place in places))
        counts = [_reseal(place, keys) for place in places]
        done, stuck = (sum(column) for column in zip(*counts, strict=True))
        print(f'sealed anew {done}', file=self.app.stdout)
        if stuck:
            raise ConfigError(
                f'[vault] key_repository: no key there opens {stuck} of the '
                'secrets: restore the keys that sealed them'
            )
        return 0


def _old(place: _Place, keys: vault.Vault) -> Iterator[Secret]:
    """What is not sealed with the key that seals now."""
    for secret in tqdm(
        place.secrets(), unit=f' {place.name.lower()}', disable=None
    ):
        if not keys.is_current(secret[1]):
            yield secret


def _reseal(place: _Place, keys: vault.Vault) -> tuple[int, int]:
    """How many were sealed anew, and how many do not open."""
    done = stuck = 0
    old = _old(place, keys)
    while batch := list(itertools.islice(old, credential.PAGE)):
        changes = [c for one in batch for c in _change(place.kind, keys, *one)]
        # Who wrote a key meanwhile has sealed it with the present one.
        done += place.reseal(changes) if changes else 0
        stuck += len(batch) - len(changes)
    return done, stuck


def _change(
    kind: str, keys: vault.Vault, owner: str, sealed: bytes
) -> Iterator[Change]:
    with contextlib.suppress(vault.CannotOpen):
        secret = keys.open(kind, owner, sealed)
        yield owner, sealed, keys.seal(kind, owner, secret)


class Status(lister.Lister):
    """List the sealing keys, and how many secrets each has sealed.

    The exit code is 1 when not all of them are sealed with the key that
    seals now.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[str | int, ...]]]:
        conf = configuration.load(_file(self))
        keys = vault.read_keys(_repository(conf))
        used = _used(conf)
        sealing = keys[max(keys)].id
        self._behind = sum(c.total() - c[sealing] for c in used.values())
        rows: list[tuple[str | int, ...]] = [
            (str(number), _state(number, keys), *_counts(used, key.id))
            for number, key in sorted(keys.items())
        ]
        known = {key.id for key in keys.values()}
        rows += [
            ('-', 'missing', *_counts(used, id_))
            for id_ in sorted(set().union(*used.values()) - known)
        ]
        return ('Key', 'State', *used), rows

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
        in_use = frozenset().union(*_used(conf).values())
        vault.drop(_repository(conf), number, in_use)
        print(f'dropped key {number}', file=self.app.stdout)


def _file(of: command.Command) -> str:
    return str(of.app.options.config_file)


def _repository(conf: cfg.ConfigOpts) -> str:
    return str(conf.vault.key_repository)


def _used(conf: cfg.ConfigOpts) -> Used:
    return {
        place.name: collections.Counter(
            vault.sealed_by(sealed) for _, sealed in place.secrets()
        )
        for place in _places(conf)
    }


def _counts(used: Used, id_: bytes) -> list[int]:
    return [count[id_] for count in used.values()]


def _state(number: int, keys: Mapping[int, vault.Key]) -> str:
    if number == max(keys):
        return 'seals'
    return 'staged' if number == vault.STAGED else 'opens'
