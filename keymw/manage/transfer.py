"""credential export and import: the keys of a store as a file."""

import argparse
import base64
import binascii
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import csv
import datetime
import itertools
import os
import pathlib
import sys
from typing import IO
from typing import Any

from cliff import command
import msgspec
from oslo_config import cfg
from tqdm import tqdm

from keymw import conf as configuration
from keymw.bodies import credentials as bodies
from keymw.conf import ConfigError
from keymw.handlers.credentials import KIND
from keymw.manage import credential
from keymw.storage.base import Credential
from keymw.vault import CannotOpen
from keymw.vault import Vault

BATCH = 500
LONGEST = 255


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One credential in a file: sealed (base64), or with its key in clear."""

    user_id: str
    username: str | None = None
    domain_id: str | None = None
    secret: str | None = None
    apiKey: str | None = None  # noqa: N815, the name on the wire
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


class Export(command.Command):
    """Write all API keys to a new file, one JSON object a line.

    The keys stay sealed, and whoever reads them back needs the sealing keys.
    Only its owner may read the file.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='FILE', help='must not exist')
        parser.add_argument(
            '--clear',
            action='store_true',
            help='write the keys in clear: who has the file has the keys',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        kept = credential.store(conf)
        vault = Vault(conf.vault.key_repository) if parsed_args.clear else None
        count = 0
        with _new_file(parsed_args.file) as out:
            for row in _shown(credential.every(kept), unit=' keys'):
                out.write(_written(row, vault))
                count += 1
        print(f'exported {count}', file=self.app.stdout)


class Import(command.Command):
    """Store the API keys of a file, in place of any their users have.

    The file holds one JSON object a line, as export writes it, or is CSV with
    the header user_id,username,apiKey. A line that is wrong is told with its
    number and left out; the others are stored, and the exit code is 1. An
    import that was cut short goes on where it was when it is started again.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='FILE', help='JSON lines, or CSV')
        parser.add_argument(
            '--format',
            dest='file_format',
            choices=sorted(_READERS),
            help='what FILE is (default: by the end of its name)',
        )
        parser.add_argument(
            '--domain-id',
            default='default',
            metavar='ID',
            help='domain of users whose line names none '
            '(default: %(default)s)',
        )
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='only tell which lines are wrong',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = configuration.load(self.app.options.config_file)
        run = _Run(conf, parsed_args)
        run.go()
        word = 'valid' if parsed_args.dry_run else 'imported'
        print(f'{word} {run.good}, wrong {run.wrong}', file=self.app.stdout)
        return int(run.wrong > 0)


class _Run:
    """One import, counted."""

    def __init__(
        self, conf: cfg.ConfigOpts, parsed_args: argparse.Namespace
    ) -> None:
        self._file = pathlib.Path(parsed_args.file)
        self._kept = credential.store(conf)
        self._vault = Vault(conf.vault.key_repository)
        self._domain_id = parsed_args.domain_id
        self._dry = parsed_args.dry_run
        name = parsed_args.file_format
        self._reader = _READERS[name or _format_by_name(self._file)]
        self._bookmark = _Bookmark(self._file)
        self.good = 0
        self.wrong = 0

    def go(self) -> None:
        """Read the file once, storing as it goes."""
        done = 0 if self._dry else self._bookmark.read()
        with self._open() as stream:
            numbered = self._reader(_lines(stream))
            todo = itertools.dropwhile(lambda item: item[0] <= done, numbered)
            for batch in _batches(self._checked(todo)):
                self._store(batch)
        if not self._dry:
            self._bookmark.remove()

    def _open(self) -> IO[bytes]:
        try:
            return self._file.open('rb')
        except OSError as error:
            raise ConfigError(f'{self._file}: {error.strerror}') from None

    def _checked(
        self, numbered: Iterable[tuple[int, Line | str]]
    ) -> Iterator[tuple[int, Credential]]:
        now = datetime.datetime.now(datetime.UTC)
        for number, line in numbered:
            try:
                if isinstance(line, str):
                    raise ValueError(line)
                yield number, _record(line, self._vault, self._domain_id, now)
            except ValueError as error:
                self.wrong += 1
                tqdm.write(f'line {number}: {error}', file=sys.stderr)

    def _store(self, batch: list[tuple[int, Credential]]) -> None:
        if not self._dry:
            self._kept.put_all([row for _, row in batch])
            self._bookmark.write(batch[-1][0])
        self.good += len(batch)


class _Bookmark:
    """How far an import of one file has come, in a file beside it."""

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file
        self._path = file.with_name(f'{file.name}.imported')

    def read(self) -> int:
        """The number of the last line that is stored."""
        try:
            which, number = self._path.read_text().split()
        except (OSError, ValueError):
            return 0
        return int(number) if which == self._which() else 0

    def write(self, number: int) -> None:
        aside = self._path.with_name(f'{self._path.name}.new')
        aside.write_text(f'{self._which()} {number}')
        aside.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _which(self) -> str:
        # Another file of this name is another import.
        found = self._file.stat()
        return f'{found.st_ino}-{found.st_size}-{found.st_mtime_ns}'


def _record(
    line: Line, vault: Vault, domain_id: str, now: datetime.datetime
) -> Credential:
    """The credential in a line.

    :raises ValueError: it is none; the message says why, without the key.
    """
    _check_text('user_id', line.user_id, LONGEST)
    if line.username is not None:
        _check_text('username', line.username, LONGEST)
    return Credential(
        user_id=line.user_id,
        domain_id=domain_id if line.domain_id is None else line.domain_id,
        username=line.username,
        secret=_sealed(line, vault),
        created_at=line.created_at or now,
        updated_at=line.updated_at or now,
    )


def _sealed(line: Line, vault: Vault) -> bytes:
    if (line.secret is None) == (line.apiKey is None):
        raise ValueError('it needs either secret or apiKey')
    if line.apiKey is not None:
        _check_text('apiKey', line.apiKey, bodies.LONGEST)
        return vault.seal(KIND, line.user_id, line.apiKey)
    try:
        sealed = base64.b64decode(line.secret or '', validate=True)
        vault.open(KIND, line.user_id, sealed)
    except (binascii.Error, CannotOpen):
        raise ValueError('no sealing key here opens its secret') from None
    return sealed


def _check_text(name: str, text: str, longest: int) -> None:
    if not text.strip():
        raise ValueError(f'{name} is empty')
    if len(text) > longest:
        raise ValueError(f'{name} is longer than {longest} characters')
    if bodies.has_control(text):
        raise ValueError(f'{name} has a control character')


def _read_json(lines: Iterable[bytes]) -> Iterator[tuple[int, Line | str]]:
    decoder = msgspec.json.Decoder(Line)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            yield number, 'it is not one of the JSON objects expected'


def _read_csv(lines: Iterable[bytes]) -> Iterator[tuple[int, Line | str]]:
    texts = (line.decode('utf-8-sig', 'surrogateescape') for line in lines)
    rows = csv.DictReader(texts, strict=True)
    _check_header(rows.fieldnames or ())
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, str(error)
            continue
        yield rows.line_num, _from_row(row)


_HEADER = {'user_id', 'username', 'apiKey'}


def _check_header(names: Iterable[str]) -> None:
    if not _HEADER <= set(names) <= _HEADER | {'domain_id'}:
        raise ConfigError('the CSV header must be user_id,username,apiKey')


def _from_row(row: dict[str, Any]) -> Line | str:
    if None in row or None in row.values():
        return 'it has not as many fields as the header'
    if any('\ud800' <= c <= '\udfff' for c in ''.join(row.values())):
        return 'it is not UTF-8'
    return Line(**row)


_READERS: dict[
    str, Callable[[Iterable[bytes]], Iterator[tuple[int, Line | str]]]
] = {'csv': _read_csv, 'json': _read_json}


def _format_by_name(file: pathlib.Path) -> str:
    return 'csv' if file.suffix.lower() == '.csv' else 'json'


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    size = os.fstat(stream.fileno()).st_size
    with tqdm(total=size, unit='B', unit_scale=True, disable=None) as bar:
        for line in stream:
            bar.update(len(line))
            yield line


def _batches(
    numbered: Iterator[tuple[int, Credential]],
) -> Iterator[list[tuple[int, Credential]]]:
    while batch := list(itertools.islice(numbered, BATCH)):
        yield batch


def _written(row: Credential, vault: Vault | None) -> bytes:
    line = Line(
        user_id=row.user_id,
        domain_id=row.domain_id,
        username=row.username,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    if vault is None:
        line.secret = base64.b64encode(row.secret).decode()
    else:
        line.apiKey = vault.open(KIND, row.user_id, row.secret)
    return msgspec.json.encode(line) + b'\n'


def _shown(rows: Iterable[Credential], unit: str) -> Iterator[Credential]:
    yield from tqdm(rows, unit=unit, disable=None)


@contextlib.contextmanager
def _new_file(name: str) -> Iterator[IO[bytes]]:
    """A file that stands whole or not at all, for its owner alone."""
    path = pathlib.Path(name)
    aside = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, 'wb') as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.link(aside, path)
    except OSError as error:
        raise ConfigError(f'{name}: {error.strerror}') from None
    finally:
        aside.unlink(missing_ok=True)
