"""access-list: the networks from which global keys may be used."""

import argparse
from collections.abc import Iterable
import datetime
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import vault
from keymw.conf import ConfigError
from keymw.global_keys import access_list_policies as rules
from keymw.global_keys import networks as access_entry
from keymw.global_keys.json_shapes import moment
from keymw.manage import db
from keymw.manage import session
from keymw.manage.cells import Text
from keymw.manage.global_key import with_description
from keymw.storage import load as storage_load
from keymw.storage.base import Taken
from keymw.storage.global_keys import AccessEntry
from keymw.storage.global_keys import AccessListStore

COLUMNS = (
    *('ID', 'CIDR Block', 'Description'),
    *('Created At', 'Updated At', 'Last Used At'),
)


class Add(show.ShowOne):
    """Add a network from which global keys may be used."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = with_description(super().get_parser(prog_name))
        parser.add_argument(
            'cidr_block',
            metavar='CIDR',
            help='as in 10.0.0.0/8 or 2001:db8::/48, or a single address',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = session.of(self.app).conf
        entry_store, block = store(conf), parsed_args.cidr_block
        sealing = vault.load(conf.vault.key_repository)
        now = datetime.datetime.now(datetime.UTC)
        try:
            row = access_entry.new(
                conf, sealing, block, parsed_args.description, now
            )
        except ValueError as why:
            raise ConfigError(f'"{block}" is not taken: {why}') from None
        with session.of(self.app).operation(rules.ADD, row.id):
            _add(entry_store, row)
        return COLUMNS[:3], _row(row)[:3]


class List(lister.Lister):
    """List the networks from which global keys may be used."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = session.of(self.app).conf
        return COLUMNS, map(_row, store(conf).all())


class Delete(command.Command):
    """Remove a network from the access list."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('entry_id', metavar='ID', help='id of the entry')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = session.of(self.app).conf
        entry_store, entry_id = store(conf), parsed_args.entry_id
        with session.of(self.app).operation(rules.DELETE, entry_id):
            # This program has no address that must stay on the list.
            if not entry_store.delete(entry_id, keeps=None):
                raise LookupError(
                    f'There is no entry {entry_id} in the access list.'
                )
        print(f'deleted {Text(entry_id)}', file=self.app.stdout)


def store(conf: cfg.ConfigOpts) -> AccessListStore:
    """Return the store of the configuration, ready to serve.

    :raises Outage: it cannot serve; the message says what to do.
    """
    return db.ready(conf, 'global_keys', storage_load.access_list)


def _add(entry_store: AccessListStore, row: AccessEntry) -> None:
    try:
        entry_store.add(row)
    except Taken:
        raise ConfigError(
            f'{row.network} is in the access list already'
        ) from None


def _row(row: AccessEntry) -> tuple[Any, ...]:
    used = row.last_used_at
    return (
        Text(row.id),
        Text(row.cidr_block),
        Text(row.description),
        moment(row.created_at),
        moment(row.updated_at),
        None if used is None else moment(used),
    )
