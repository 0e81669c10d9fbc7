"""access-list: the networks that global keys may be used from."""

import argparse
from collections.abc import Iterable
import datetime
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import access_entry
from keymw import conf as configuration
from keymw.bodies.admin import moment
from keymw.conf import ConfigError
from keymw.manage import db
from keymw.manage.cells import Text
from keymw.manage.global_key import operation
from keymw.manage.global_key import with_description
from keymw.policies import access_list as rules
from keymw.storage import load as storage_load
from keymw.storage.base import AccessEntry
from keymw.storage.base import AccessListStore
from keymw.storage.base import Taken

COLUMNS = (
    *('ID', 'CIDR Block', 'Description'),
    *('Created At', 'Updated At', 'Last Used At'),
)


class Add(show.ShowOne):
    """Let requests with global keys come from a network."""

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
        conf = configuration.load(self.app.options.config_file)
        kept, block = store(conf), parsed_args.cidr_block
        now = datetime.datetime.now(datetime.UTC)
        try:
            row = access_entry.new(conf, block, parsed_args.description, now)
        except ValueError as why:
            raise ConfigError(f'"{block}" is not taken: {why}') from None
        with operation(rules.ADD, row.id):
            _add(kept, row)
        return COLUMNS[:3], _shown(row)[:3]


class List(lister.Lister):
    """List the networks that global keys may be used from."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = configuration.load(self.app.options.config_file)
        return COLUMNS, map(_shown, store(conf).all())


class Delete(command.Command):
    """Let requests with global keys come from a network no more."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('entry_id', metavar='ID', help='id of the entry')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        kept, entry_id = store(conf), parsed_args.entry_id
        with operation(rules.DELETE, entry_id):
            # No request of ours comes from anywhere.
            if not kept.delete(entry_id, keeps=None):
                raise LookupError(
                    f'There is no entry {entry_id} in the access list.'
                )
        print(f'deleted {Text(entry_id)}', file=self.app.stdout)


def store(conf: cfg.ConfigOpts) -> AccessListStore:
    """The store of the configuration, ready to serve.

    :raises Outage: it cannot; the message says what to do.
    """
    if conf.storage.global_keys == 'sql':
        db.check_file(conf)
    found = storage_load.access_list(conf)
    found.check()
    return found


def _add(kept: AccessListStore, row: AccessEntry) -> None:
    try:
        kept.add(row)
    except Taken:
        raise ConfigError(
            f'{row.network} is in the access list already'
        ) from None


def _shown(row: AccessEntry) -> tuple[Any, ...]:
    used = row.last_used_at
    return (
        Text(row.id),
        Text(row.cidr_block),
        Text(row.description),
        moment(row.created_at),
        moment(row.updated_at),
        None if used is None else moment(used),
    )
