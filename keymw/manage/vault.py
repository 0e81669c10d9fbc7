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

from keymw import vault
from keymw.conf import ConfigError
from keymw.credentials.handlers import KIND as CREDENTIAL
from keymw.global_keys.keys import KIND as GLOBAL_KEY
from keymw.manage import api_key
from keymw.manage import credential
from keymw.manage import global_key
from keymw.manage import row_seals
from keymw.manage import session
from keymw.manage import users
from keymw.manage.api_key_rows import ApiKeyRows

# An owner and its sealed value; in Change also the new value.
Secret = tuple[str, bytes]
Change = tuple[str, bytes, bytes]
# The number of secrets per sealing key, by place and id of the key.
Used = dict[str, collections.Counter[bytes]]


@dataclasses.dataclass(frozen=True)
class _Place:
    """A store of secrets of one kind."""

    name: str
    kind: str
    secrets: Callable[[], Iterable[Secret]]
    sealed_by: Callable[[], collections.Counter[bytes]]
    reseal: Callable[[Sequence[Change]], int]

    def old(self, keys: vault.Vault) -> Iterator[Secret]:
        """Yield the values that are not sealed with the current key."""
        for secret in tqdm(
            self.secrets(), unit=f' {self.name.lower()}', disable=None
        ):
            if not keys.is_current(secret[1]):
                yield secret

    def migrate(self, keys: vault.Vault) -> tuple[int, int]:
        """Seal values again; return how many were, and do not open."""
        done = stuck = 0
        old = self.old(keys)
        while batch := list(itertools.islice(old, credential.PAGE)):
            changes = [c for one in batch for c in self._change(keys, *one)]
            # A key that was written meanwhile is sealed with the current key.
            done += self.reseal(changes) if changes else 0
            stuck += len(batch) - len(changes)
        return done, stuck

    def sample(self, keys: vault.Vault, most: int) -> tuple[int, int]:
        """Try a number of values; return it, and that of failures."""
        tried = list(itertools.islice(self.secrets(), most))
        opened = sum(any(self._change(keys, *one)) for one in tried)
        return len(tried), len(tried) - opened

    def _change(
        self, keys: vault.Vault, owner: str, sealed: bytes
    ) -> Iterator[Change]:
        with contextlib.suppress(vault.CannotOpen):
            secret = keys.open(self.kind, owner, sealed)
            yield owner, sealed, keys.seal(self.kind, owner, secret)


def _places(conf: cfg.ConfigOpts) -> list[_Place | ApiKeyRows]:
    """Return all stores of sealed values."""
    found: list[_Place | ApiKeyRows] = [_credentials(conf)]
    if global_key.may_be(conf):
        found += [_global_keys(conf), *map(_rows, row_seals.kinds(conf))]
    return [*found, *_api_keys(conf)]


def _api_keys(conf: cfg.ConfigOpts) -> list[ApiKeyRows]:
    if not api_key.may_be(conf):
        return []
    return [ApiKeyRows(api_key.store(conf))]


def _credentials(conf: cfg.ConfigOpts) -> _Place:
    key_store = credential.store(conf)
    return _Place(
        'Credentials',
        CREDENTIAL,
        lambda: (
            (row.user_id, row.secret) for row in credential.every(key_store)
        ),
        key_store.sealed_by,
        key_store.reseal_all,
    )


def _global_keys(conf: cfg.ConfigOpts) -> _Place:
    key_store = global_key.store(conf)
    return _Place(
        'Global Keys',
        GLOBAL_KEY,
        lambda: ((row.id, row.ha1) for row in global_key.every(key_store)),
        key_store.sealed_by,
        lambda changes: sum(key_store.reseal(*change) for change in changes),
    )


def _rows(kind: row_seals.Kind) -> _Place:
    return _Place(
        kind.name,
        kind.seal_kind,
        kind.seals,
        lambda: _count(kind.seals()),
        lambda changes: sum(kind.reseal(*change) for change in changes),
    )


class Setup(command.Command):
    """Make the key repository with a current and a staged key.

    A repository that has keys is not changed.
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        repository = _repository(session.of(self.app).conf)
        users.check_may_make('[vault] key_repository', repository)
        with session.of(self.app).operation('vault:setup', repository):
            made = vault.setup(repository)
        # An existing repository may have modes or keys that keymw refuses.
        vault.load(repository)
        print(
            f'The first keys are in {repository}: back them up, away from '
            f'the database.{users.note()}'
            if made
            else f'There are keys in {repository}: nothing was done.',
            file=self.app.stdout,
        )


class Rotate(command.Command):
    """Make the staged key the one that seals, and stage a new key.

    Copy the repository to every node after each rotation: a node needs the
    state after the former rotation to open new secrets. Running workers
    reload by themselves. Then run "vault migrate".
    """

    def take_action(self, _parsed_args: argparse.Namespace) -> None:
        repository = _repository(session.of(self.app).conf)
        users.check_may_make('[vault] key_repository', repository)
        with session.of(self.app).operation('vault:rotate', repository):
            number = vault.rotate(repository)
        print(
            f'Key {number} seals from now on. Copy the repository to all '
            'nodes, then run "vault migrate".',
            file=self.app.stdout,
        )


class Migrate(command.Command):
    """Seal all secrets again that an older sealing key has sealed.

    It runs beside the service, and can be interrupted and started again.

    The rows of API keys, global keys and the access list are sealed too. A
    row that was changed in the database is refused. With --bind such rows of
    global keys and the access list, and those of an older keymw, are sealed
    with their present content: check "global-key list" and "access-list list"
    first. An API key that was changed is not bound: delete it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--check',
            action='store_true',
            help='change nothing; the exit code is 1 when there is work to do',
        )
        parser.add_argument(
            '--bind',
            action='store_true',
            help='take global keys and the access list as they stand now',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = session.of(self.app).conf
        keys, places = vault.load(_repository(conf)), _places(conf)
        if parsed_args.check:
            return int(any(any(place.old(keys)) for place in places))
        if parsed_args.bind and global_key.may_be(conf):
            with session.of(self.app).operation('vault:bind', 'all'):
                bound = row_seals.bind(conf, keys)
            print(f'bound {bound}', file=self.app.stdout)
        with session.of(self.app).operation('vault:migrate', 'all'):
            counts = [place.migrate(keys) for place in places]
        done, stuck = (sum(column) for column in zip(*counts, strict=True))
        print(f'sealed anew {done}', file=self.app.stdout)
        if stuck:
            raise ConfigError(
                f'[vault] key_repository: no key there opens {stuck} of the '
                'secrets: restore the keys that sealed them'
            )
        return 0


def sample(
    conf: cfg.ConfigOpts, keys: vault.Vault, most: int
) -> Iterator[tuple[str, int, int]]:
    """Yield for each kind its name, the number tried, and of failures."""
    for place in _places(conf):
        yield place.name.lower(), *place.sample(keys, most)


def foreign(conf: cfg.ConfigOpts) -> Iterator[tuple[str, int]]:
    """Yield each kind and its number of values sealed with missing keys."""
    known = vault.read_keys(_repository(conf)).values()
    ids = {key.id for key in known}
    for place in _places(conf):
        used = place.sealed_by().items()
        yield place.name.lower(), sum(n for id_, n in used if id_ not in ids)


class Status(lister.Lister):
    """List the sealing keys and the number of secrets of each.

    The rows of all but credentials are counted too. The state
    "changed" is for rows that keymw did not write as they are. The exit code
    is 1 if there are any, or if a secret is not sealed with the current key.
    """

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[str | int, ...]]]:
        conf = session.of(self.app).conf
        keys = vault.read_keys(_repository(conf))
        used = _used(conf)
        sealing = keys[max(keys)].id
        self._behind = sum(c.total() - c[sealing] for c in used.values())
        found: list[tuple[str | int, ...]] = [
            (str(number), _state(number, keys), *_counts(used, key.id))
            for number, key in sorted(keys.items())
        ]
        known = {key.id for key in keys.values()}
        found += [
            ('-', 'missing', *_counts(used, id_))
            for id_ in sorted(set().union(*used.values()) - known)
        ]
        changed = _changed(conf, list(used))
        if any(changed):
            self._behind += sum(changed)
            found.append(('-', 'changed', *changed))
        return ('Key', 'State', *used), found

    def run(self, parsed_args: argparse.Namespace) -> int:
        super().run(parsed_args)
        return int(self._behind > 0)


class Drop(command.Command):
    """Remove a sealing key that has sealed no stored secret.

    Copy the repository to all nodes first: a node without the newer keys goes
    on sealing with the dropped one. A database refuses such a secret, a
    directory (LDAP) cannot, and no other node opens it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'number', metavar='KEY', type=int, help='as "vault status" says'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = session.of(self.app).conf
        number = parsed_args.number
        key_store, used = credential.store(conf), _used(conf)
        _check_count(used['Credentials'].total(), key_store.count())
        in_use = frozenset().union(*used.values())
        with session.of(self.app).operation('vault:drop', str(number)):
            vault.drop(_repository(conf), number, in_use, key_store.retire)
        print(f'dropped key {number}', file=self.app.stdout)


def _check_count(listed: int, count: int) -> None:
    if listed < count:
        raise ConfigError(
            f'[storage] credentials: the store lists {listed} of the {count} '
            'credentials that it counts: nothing was dropped'
        )


def _repository(conf: cfg.ConfigOpts) -> str:
    return str(conf.vault.key_repository)


def _used(conf: cfg.ConfigOpts) -> Used:
    return {place.name: _count(place.secrets()) for place in _places(conf)}


def _count(secrets: Iterable[Secret]) -> collections.Counter[bytes]:
    return collections.Counter(
        vault.sealed_by(sealed) for _, sealed in secrets
    )


def _changed(conf: cfg.ConfigOpts, places: Sequence[str]) -> list[int]:
    """Return per place the number of rows whose seal is wrong."""
    keys = vault.load(_repository(conf))
    kinds: list[row_seals.Kind | ApiKeyRows] = [*_api_keys(conf)]
    if global_key.may_be(conf):
        kinds += row_seals.kinds(conf)
    counts = {kind.name: len(kind.changed(keys)) for kind in kinds}
    return [counts.get(place, 0) for place in places]


def _counts(used: Used, id_: bytes) -> list[int]:
    return [count[id_] for count in used.values()]


def _state(number: int, keys: Mapping[int, vault.Key]) -> str:
    if number == max(keys):
        return 'seals'
    return 'staged' if number == vault.STAGED else 'opens'
