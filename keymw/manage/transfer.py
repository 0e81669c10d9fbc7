"""credential export and import: the keys of a store as a file."""

import argparse
import base64
import binascii
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import datetime
import gc
import hashlib
import itertools
import pathlib
import sys
from typing import IO
from typing import TypeVar

from cliff import command
import msgspec
from oslo_config import cfg
from tqdm import tqdm

from keymw.api_keys import keys
from keymw.conf import ConfigError
from keymw.conf import ldap
from keymw.credentials import bodies
from keymw.credentials.handlers import KIND
from keymw.key_length import MAX_API_KEY_LENGTH
from keymw.manage import credential
from keymw.manage import db
from keymw.manage import import_lines
from keymw.manage import own_files
from keymw.manage import session
from keymw.manage.bookmark import Bookmark
from keymw.manage.bookmark import Mark
from keymw.manage.import_lines import Line
from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore
from keymw.storage.base import NoPlace
from keymw.vault import CannotOpen
from keymw.vault import Vault
from keymw.web import faults

T = TypeVar('T')
Seal = Callable[[str, str], bytes]

BATCH = 1000
MAX_NAME_LENGTH = 255
# MariaDB has no earlier years, and a directory has four digits.
EARLIEST = 1000


class Export(command.Command):
    """Write all API keys to a new file, one JSON object per line.

    The keys stay sealed: an import needs the same sealing keys. Only its owner
    may read the file.
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
        conf = session.of(self.app).conf
        key_store = credential.store(conf)
        vault = Vault(conf.vault.key_repository) if parsed_args.clear else None
        rule = 'credential:export-clear' if vault else 'credential:export'
        with session.of(self.app).operation(rule, parsed_args.file):
            count = _export(key_store, vault, parsed_args.file)
        print(f'exported {count}', file=self.app.stdout)


def _export(key_store: CredentialStore, vault: Vault | None, file: str) -> int:
    """Write the keys to a new file and return their number."""
    count = 0
    with own_files.new(file) as out:
        for row in _with_progress(credential.every(key_store), unit=' keys'):
            out.write(_written(row, vault))
            count += 1
    return count


class Import(command.Command):
    """Store the API keys of a file, replacing any that their users have.

    The file has one JSON object per line, as export writes it, or is CSV with
    the header user_id,username,apiKey. A wrong line is reported with its
    number and skipped; the others are stored, and the exit code is 1. An
    interrupted import continues where it stopped if it is started again with
    the same file, store and options. It reports the lines that it skips. A
    time without a zone is in UTC.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('file', metavar='FILE', help='JSON lines, or CSV')
        parser.add_argument(
            '--format',
            dest='file_format',
            choices=['csv', 'json'],
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
            help='only report which lines are wrong',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = session.of(self.app).conf
        run = _Run(conf, parsed_args)
        rule = 'credential:import'
        with session.of(self.app).operation(rule, parsed_args.file):
            run.go()
        word = 'valid' if parsed_args.dry_run else 'imported'
        skipped = f', skipped {run.skipped}' if run.skipped else ''
        print(
            f'{word} {run.good}, wrong {run.wrong}{skipped}',
            file=self.app.stdout,
        )
        return int(run.wrong > 0)


class _Run:
    """One import, with its counts."""

    def __init__(
        self, conf: cfg.ConfigOpts, parsed_args: argparse.Namespace
    ) -> None:
        self._conf = conf
        self._file = pathlib.Path(parsed_args.file)
        self._kept = credential.store(conf)
        self._vault = Vault(conf.vault.key_repository)
        self._domain_id = parsed_args.domain_id
        self._dry = parsed_args.dry_run
        self._shortest = conf.kskey.min_key_length
        self._is_other = _other(conf)
        self._format = parsed_args.file_format or import_lines.format_by_name(
            self._file
        )
        self._now = datetime.datetime.now(datetime.UTC)
        self._number = 0
        self._last = ''
        self.good = 0
        self.wrong = 0
        self.skipped = 0

    def go(self) -> None:
        """Read the file once and store its keys."""
        _check_domain(self._domain_id)
        # Each full collection would visit every object of the libraries.
        gc.freeze()
        with own_files.open_regular(self._file) as stream:
            bookmark = self._bookmark(stream)
            done = 0 if self._dry else self._resume(bookmark)
            todo = self._after(done, import_lines.read(stream, self._format))
            for batch in _batches(todo):
                self._store([*self._checked(batch)], bookmark)
        if not self._dry:
            bookmark.remove()

    def _bookmark(self, stream: IO[bytes]) -> Bookmark:
        options = [self._domain_id, self._format]
        return Bookmark(self._file, stream, _target(self._conf, options))

    def _resume(self, bookmark: Bookmark) -> int:
        """Return the last line that an interrupted import has read, or 0."""
        mark = bookmark.read()
        if mark is None:
            return 0
        why = bookmark.why_not(mark) or self._why_lost(mark)
        if why is not None:
            _say(f'{bookmark.path}: {why}: starting anew')
            return 0
        _say(f'{bookmark.path}: going on after line {mark.number}')
        self.wrong, self._last = mark.wrong, mark.user_id
        return mark.number

    def _why_lost(self, mark: Mark) -> str | None:
        if mark.user_id and self._kept.get(mark.user_id) is None:
            return 'the store no longer has the last key that was imported'
        return None

    def _after(
        self, done: int, numbered: Iterable[tuple[int, Line | ValueError]]
    ) -> Iterator[tuple[int, Line | ValueError]]:
        for number, line in numbered:
            if number > done:
                yield number, line
            else:
                self.skipped += 1

    def _checked(
        self, batch: list[tuple[int, Line | ValueError]]
    ) -> Iterator[tuple[int, Credential]]:
        seal = self._vault.sealer(KIND)
        for number, line in batch:
            try:
                if isinstance(line, ValueError):
                    raise line
                self._check_new(line)
                yield number, self._record(line, seal)
            except ValueError as error:
                self._refuse(number, error)
        self._number = number

    def _record(self, line: Line, seal: Seal) -> Credential:
        """Return the credential in a line.

        :raises ValueError: the line is invalid; the message has no key.
        """
        _check_names(line)
        domain_id = line.domain_id
        return Credential(
            user_id=line.user_id,
            domain_id=self._domain_id if domain_id is None else domain_id,
            username=line.username,
            secret=self._sealed(line, seal),
            created_at=self._moment('created_at', line.created_at),
            updated_at=self._moment('updated_at', line.updated_at),
        )

    def _sealed(self, line: Line, seal: Seal) -> bytes:
        if (line.secret is None) == (line.apiKey is None):
            raise ValueError('it needs either secret or apiKey')
        if line.apiKey is not None:
            _check_text('apiKey', line.apiKey, MAX_API_KEY_LENGTH)
            return seal(line.user_id, line.apiKey)
        try:
            sealed = base64.b64decode(line.secret or '', validate=True)
            self._vault.open(KIND, line.user_id, sealed)
        except (binascii.Error, CannotOpen):
            raise ValueError('no sealing key here opens its secret') from None
        return sealed

    def _moment(
        self, name: str, given: datetime.datetime | None
    ) -> datetime.datetime:
        return self._now if given is None else _moment(name, given)

    def _check_new(self, line: Line) -> None:
        """Refuse what the API refuses; a sealed key was accepted before."""
        if line.apiKey is None or not line.apiKey.strip():
            return
        try:
            bodies.check_new(line.apiKey, self._shortest, self._is_other)
        except faults.BadRequest as fault:
            raise ValueError(fault.message) from None

    def _refuse(self, number: int, why: Exception) -> None:
        self.wrong += 1
        _say(f'line {number}: {why}')

    def _store(
        self, batch: list[tuple[int, Credential]], bookmark: Bookmark
    ) -> None:
        if self._dry:
            self.good += len(batch)
            return
        self._store_all(batch)
        bookmark.write(self._number, self.wrong, self._last)

    def _store_all(self, batch: list[tuple[int, Credential]]) -> None:
        """Store rows, and halves of them until a refused one is alone."""
        try:
            if batch:
                self._put([row for _, row in batch])
        except NoPlace as error:
            if len(batch) == 1:
                self._refuse(batch[0][0], error)
            else:
                middle = len(batch) // 2
                self._store_all(batch[:middle])
                self._store_all(batch[middle:])

    def _put(self, rows: list[Credential]) -> None:
        self._kept.put_all(rows)
        self.good += len(rows)
        self._last = rows[-1].user_id


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def _target(conf: cfg.ConfigOpts, options: list[str]) -> str:
    """Return a digest of the store and the options, without secrets."""
    url = db.connection_url(conf).set(password=None)
    file = db.sqlite_file(conf)
    directory = {
        opt.name: conf.ldap[opt.dest] for opt in ldap.OPTS if not opt.secret
    }
    fields = [
        conf.storage.credentials,
        url.difference_update_query(['password']).render_as_string(),
        file and str(file.resolve()),
        directory,
        str(pathlib.Path(conf.vault.key_repository).resolve()),
        options,
    ]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()


def _other(conf: cfg.ConfigOpts) -> Callable[[str], bool]:
    """Return whether a text has the form of another kind of key."""
    options = conf.api_keys
    prefix, enabled = options.prefix, options.enabled
    return lambda text: enabled and keys.has_form(prefix, text)


def _check_names(line: Line) -> None:
    _check_text('user_id', line.user_id, MAX_NAME_LENGTH)
    if line.username is not None:
        _check_text('username', line.username, MAX_NAME_LENGTH)
    if line.domain_id:
        _check_text('domain_id', line.domain_id, MAX_NAME_LENGTH)


def _moment(name: str, given: datetime.datetime) -> datetime.datetime:
    """Check that every store can keep a time; without a zone it is UTC."""
    try:
        aware = given if given.tzinfo else given.replace(tzinfo=datetime.UTC)
        moment = aware.astimezone(datetime.UTC)
    except OverflowError:
        moment = _NEVER
    if moment.year < EARLIEST:
        raise ValueError(f'{name} is not within the years {EARLIEST} to 9999')
    return moment


_NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


def _check_domain(domain_id: str) -> None:
    try:
        if domain_id:
            _check_text('--domain-id', domain_id, MAX_NAME_LENGTH)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _check_text(name: str, text: str, longest: int) -> None:
    if text.isalnum() and len(text) <= longest:
        return
    if not text.strip():
        raise ValueError(f'{name} is empty')
    if len(text) > longest:
        raise ValueError(f'{name} is longer than {longest} characters')
    if bodies.has_control(text):
        raise ValueError(f'{name} has a control character')


def _batches(numbered: Iterator[T]) -> Iterator[list[T]]:
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


def _with_progress(
    rows: Iterable[Credential], unit: str
) -> Iterator[Credential]:
    yield from tqdm(rows, unit=unit, disable=None)
