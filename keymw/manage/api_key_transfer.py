"""api-key export and import: the rows of a store as a file."""

import argparse
from collections.abc import Iterator
import dataclasses
import datetime
import pathlib
import sys

from cliff import app
from cliff import command
import msgspec
from tqdm import tqdm

from keymw import vault
from keymw.api_keys import keys
from keymw.manage import api_key
from keymw.manage import import_lines
from keymw.manage import own_files
from keymw.manage import session
from keymw.storage.api_keys import ALL
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import NameTaken
from keymw.storage.base import Taken
from keymw.vault import CannotOpen
from keymw.vault import Vault

EXPORT = 'api_key:export'
IMPORT = 'api_key:import'
# The longest text of an address with its zone is shorter.
_LONGEST_ADDRESS = 255


class Export(command.Command):
    """Write all API keys to a new file, one JSON object per line.

    The hashes of their secrets stay sealed: an import needs the same sealing
    keys. Rows of an interrupted creation or deletion are there too, so that
    "api-key purge" can finish them after an import. Only its owner may read
    the file.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='FILE', help='must not exist')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        kept = _store(self.app)
        with session.of(self.app).operation(EXPORT, parsed_args.file):
            count = _export(kept, parsed_args.file)
        print(f'exported {count}', file=self.app.stdout)


def _store(program: app.App) -> ApiKeyStore:
    return api_key.store(session.of(program).conf)


def _export(kept: ApiKeyStore, file: str) -> int:
    """Write the rows to a new file and return their number."""
    count = 0
    with own_files.new(file) as out:
        rows = api_key.every(kept, ALL)
        for row in tqdm(rows, unit=' keys', disable=None):
            out.write(msgspec.json.encode(row) + b'\n')
            count += 1
    return count


class Import(command.Command):
    """Store the API keys of a file that "api-key export" wrote.

    A key whose id the store has stays as it is, so an import can be repeated.
    A wrong line is reported with its number and skipped; the others are
    stored, and the exit code is 1. A line is wrong if it was changed, if no
    sealing key here opens it, or if its owner has another key with the name.
    per_user is no limit here. The trusts in Keystone are not touched: the
    keys log in if keymw has the same service_user before the same Keystone.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='FILE', help='JSON lines')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        kept = _store(self.app)
        conf = session.of(self.app).conf
        run = _Run(kept, vault.load(conf.vault.key_repository))
        with session.of(self.app).operation(IMPORT, parsed_args.file):
            run.go(pathlib.Path(parsed_args.file))
        print(
            f'imported {run.new}, already there {run.there}, '
            f'wrong {run.wrong}',
            file=self.app.stdout,
        )
        return int(run.wrong > 0)


class _Run:
    """One import, with its counts."""

    def __init__(self, kept: ApiKeyStore, opener: Vault) -> None:
        self._kept = kept
        self._vault = opener
        self.new = 0
        self.there = 0
        self.wrong = 0

    def go(self, file: pathlib.Path) -> None:
        """Read the file once and store its keys."""
        with own_files.open_regular(file) as stream:
            for number, row in import_lines.read_json(stream, _DECODER):
                try:
                    self._store(row)
                except (CannotOpen, NameTaken, Taken, ValueError) as error:
                    self.wrong += 1
                    tqdm.write(
                        f'line {number}: {_why(error)}', file=sys.stderr
                    )

    def _store(self, row: ApiKey | ValueError) -> None:
        """Write the key in a line, unless the store has one with its id.

        :raises CannotOpen: the line was changed.
        :raises ValueError: the line is no key.
        """
        if isinstance(row, ValueError):
            raise row
        _check_unsealed(row)
        keys.check(self._vault, row)
        if self._kept.get(row.id) is not None:
            self.there += 1
            return
        self._kept.add(dataclasses.replace(row, revision=0))
        self.new += 1


_DECODER = msgspec.json.Decoder(ApiKey)


def _check_unsealed(row: ApiKey) -> None:
    """Check what the seal does not cover, and the zones of times."""
    if any(moment.tzinfo is None for moment in _moments(row)):
        raise ValueError('a time has no zone')
    if len(row.last_used_from or '') > _LONGEST_ADDRESS:
        raise ValueError('last_used_from is too long')


def _moments(row: ApiKey) -> Iterator[datetime.datetime]:
    members = [getattr(row, field.name) for field in dataclasses.fields(row)]
    if row.previous is not None:
        previous = row.previous
        members += [previous.expires_at, previous.last_used_at]
    yield from (m for m in members if isinstance(m, datetime.datetime))


def _why(error: Exception) -> str:
    if isinstance(error, NameTaken):
        return 'its owner has another key with this name'
    if isinstance(error, CannotOpen):
        return f'cannot open {error}'
    return str(error)
