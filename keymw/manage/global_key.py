"""global-key: the API keys that belong to no user."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
import datetime
import sys
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import vault
from keymw.conf import ConfigError
from keymw.global_keys import faults as admin_faults
from keymw.global_keys import json_shapes as bodies
from keymw.global_keys import keys as global_key
from keymw.global_keys import policies as rules
from keymw.global_keys import redaction
from keymw.manage import db
from keymw.manage import session
from keymw.manage.cells import Names
from keymw.manage.cells import Text
from keymw.storage import load as storage_load
from keymw.storage.global_keys import GlobalKey
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import LastOwner

COLUMNS = (
    *('ID', 'Public Key', 'Private Key', 'Description', 'Roles'),
    *('Created At', 'Updated At'),
)


class Create(show.ShowOne):
    """Make a global key, and show its private key once.

    The output must be a terminal, or -f json for a program.
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
        conf = session.of(self.app).conf
        key_store, sealing = store(conf), vault.load(conf.vault.key_repository)
        description, roles = parsed_args.description, parsed_args.roles
        now = datetime.datetime.now(datetime.UTC)
        with session.of(self.app).operation(rules.ADD, '') as entry:
            row, private_key = global_key.add(
                key_store, sealing, description, roles, now
            )
            entry.target = row.id
        return COLUMNS[:5], _row(row, private_key)[:5]

    def _check_reader(self, formatter: str) -> None:
        """Check that the private key, which is shown once, is not lost.

        :raises ConfigError: the output is neither a terminal nor JSON.
        """
        if formatter != 'json' and not self.app.stdout.isatty():
            raise ConfigError(
                'the private key is shown this once, and standard output is '
                'no terminal: give -f json to whatever is to keep it'
            )


class List(lister.Lister):
    """List the global keys, without their secrets."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = session.of(self.app).conf
        rows = every(store(conf))
        return COLUMNS, (
            _row(row, redaction.redacted(row.suffix)) for row in rows
        )


class Delete(command.Command):
    """Delete a global key. No request can use it from then on."""

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
        conf = session.of(self.app).conf
        key_store, key_id = store(conf), parsed_args.key_id
        with session.of(self.app).operation(rules.DELETE, key_id):
            if not self._delete(key_store, key_id, parsed_args.leave_no_owner):
                raise LookupError(f'There is no global key {key_id}.')
        print(f'deleted {Text(key_id)}', file=self.app.stdout)

    def _delete(
        self, key_store: GlobalKeyStore, key_id: str, leave_no_owner: bool
    ) -> bool:
        try:
            return key_store.delete(
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
    """Add the option for the description, by which people know a key."""
    parser.add_argument(
        '--description',
        required=True,
        type=_description,
        metavar='TEXT',
        help='what it is for, in 1 to '
        f'{bodies.MAX_DESCRIPTION_LENGTH} characters',
    )
    return parser


def _description(text: str) -> str:
    try:
        bodies.check_text('description', text.encode().decode())
    except (admin_faults.NotAMember, UnicodeError):
        text = ''
    if not text:
        raise argparse.ArgumentTypeError(
            f'it must be 1 to {bodies.MAX_DESCRIPTION_LENGTH} characters, '
            'none for control'
        )
    return text


def store(conf: cfg.ConfigOpts) -> GlobalKeyStore:
    """Return the store of the configuration, ready to serve.

    :raises Outage: it cannot serve; the message says what to do.
    """
    return db.ready(conf, 'global_keys', storage_load.global_keys)


def may_be(conf: cfg.ConfigOpts) -> bool:
    """Whether global keys may exist, even if they are now disabled.

    :raises Outage: the database cannot be reached.
    """
    if conf.global_keys.enabled:
        return True
    return conf.storage.global_keys == 'sql' and db.present(conf) is not None


def every(key_store: GlobalKeyStore) -> Iterator[GlobalKey]:
    """Return all global keys of a store.

    It is one query: a deletion between two pages would hide another key.
    """
    yield from key_store.page(0, sys.maxsize)


def _row(row: GlobalKey, private_key: str) -> tuple[Any, ...]:
    return (
        Text(row.id),
        Text(row.public_key),
        private_key,
        Text(row.description),
        Names(sorted(row.roles)),
        bodies.moment(row.created_at),
        bodies.moment(row.updated_at),
    )
