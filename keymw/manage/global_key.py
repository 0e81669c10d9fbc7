"""global-key: the API keys that belong to no user."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import datetime
import sys
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import admin_faults
from keymw import audit
from keymw import conf as configuration
from keymw import global_key
from keymw import keys
from keymw import vault
from keymw.bodies import admin as bodies
from keymw.conf import ConfigError
from keymw.manage import db
from keymw.manage import pipeline
from keymw.manage.cells import Text
from keymw.policies import global_keys as rules
from keymw.storage import load as storage_load
from keymw.storage.base import GlobalKey
from keymw.storage.base import GlobalKeyStore
from keymw.storage.base import LastOwner

COLUMNS = (
    *('ID', 'Public Key', 'Private Key', 'Description', 'Roles'),
    *('Created At', 'Updated At'),
)


class Create(show.ShowOne):
    """Make a global key, and show its private key this once.

    It is shown on a terminal, or with -f json to what reads it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = with_description(super().get_parser(prog_name))
        parser.add_argument(
            '--role',
            action='append',
            required=True,
            choices=global_key.ROLES,
            dest='roles',
            help='what it may do; may be given many times',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        self._check_reader(parsed_args.formatter)
        conf = configuration.load(self.app.options.config_file)
        kept, sealing = store(conf), vault.load(conf.vault.key_repository)
        told, roles = parsed_args.description, parsed_args.roles
        now = datetime.datetime.now(datetime.UTC)
        with operation(rules.ADD, '') as entry:
            row, private_key = global_key.add(kept, sealing, told, roles, now)
            entry.target = row.id
        return COLUMNS[:5], _shown(row, private_key)[:5]

    def _check_reader(self, formatter: str) -> None:
        """Refuse what could lose a key that is shown once.

        :raises ConfigError: nobody may be reading.
        """
        if formatter != 'json' and not self.app.stdout.isatty():
            raise ConfigError(
                'the private key is shown this once, and standard output is '
                'no terminal: give -f json to whatever is to keep it'
            )


class List(lister.Lister):
    """List the global keys, without what is secret of them."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = configuration.load(self.app.options.config_file)
        rows = every(store(conf))
        return COLUMNS, (
            _shown(row, keys.redacted(row.suffix)) for row in rows
        )


class Delete(command.Command):
    """Delete a global key; from then on nothing is done with it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('key_id', metavar='ID', help='id of the key')
        parser.add_argument(
            '--leave-no-owner',
            action='store_true',
            help='delete it even if no key is left that may write',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        kept, key_id = store(conf), parsed_args.key_id
        with operation(rules.DELETE, key_id):
            if not self._delete(kept, key_id, parsed_args.leave_no_owner):
                raise LookupError(f'There is no global key {key_id}.')
        print(f'deleted {Text(key_id)}', file=self.app.stdout)

    def _delete(
        self, kept: GlobalKeyStore, key_id: str, leave_no_owner: bool
    ) -> bool:
        try:
            return kept.delete(
                key_id, lambda _key: None, leave_no_owner=leave_no_owner
            )
        except LastOwner:
            raise ConfigError(
                f'{key_id} is the only key with the role GLOBAL_OWNER: make '
                'another, or give --leave-no-owner'
            ) from None


def with_description(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Ask for what others are to know it by."""
    parser.add_argument(
        '--description',
        required=True,
        type=_description,
        metavar='TEXT',
        help=f'what it is for, in 1 to {bodies.LONGEST} characters',
    )
    return parser


def _description(text: str) -> str:
    try:
        bodies.check_text('description', text.encode().decode())
    except (admin_faults.NotAMember, UnicodeError):
        text = ''
    if not text:
        raise argparse.ArgumentTypeError(
            f'it must be 1 to {bodies.LONGEST} characters, none for control'
        )
    return text


def store(conf: cfg.ConfigOpts) -> GlobalKeyStore:
    """The store of the configuration, ready to serve.

    :raises Outage: it cannot; the message says what to do.
    """
    if conf.storage.global_keys == 'sql':
        db.check_file(conf)
    found = storage_load.global_keys(conf)
    found.check()
    return found


def may_be(conf: cfg.ConfigOpts) -> bool:
    """Whether there can be global keys, in use or of former days.

    :raises Outage: the database cannot be reached.
    """
    if conf.global_keys.enabled:
        return True
    return conf.storage.global_keys == 'sql' and db.present(conf) is not None


def every(kept: GlobalKeyStore) -> Iterator[GlobalKey]:
    """All that is in a store.

    With one question: between two, a key that is deleted would hide another.
    """
    yield from kept.page(0, sys.maxsize)


@contextlib.contextmanager
def operation(rule: str, target: str) -> Iterator[audit.Entry]:
    """Log what is done, as a request is logged."""
    with audit.operation(rule, target, pipeline.request_id()) as entry:
        entry.caller = 'keymw-manage'
        yield entry


def _shown(row: GlobalKey, private_key: str) -> tuple[Any, ...]:
    return (
        Text(row.id),
        Text(row.public_key),
        private_key,
        Text(row.description),
        ', '.join(sorted(row.roles)),
        bodies.moment(row.created_at),
        bodies.moment(row.updated_at),
    )
