"""api-key: the API keys that are more than one per user."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
import datetime
import itertools
import json
from typing import Any

from cliff import columns
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw.client import moments
from keymw.manage import db
from keymw.manage import session
from keymw.manage.cells import Names
from keymw.manage.cells import Text
from keymw.storage import load as storage_load
from keymw.storage.api_keys import COMPLETE
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.api_keys import Filter
from keymw.storage.api_keys import State

PAGE = 1000
COLUMNS = (
    *('ID', 'Name', 'User ID', 'Project ID', 'Enabled', 'Expires At'),
    *('Created At', 'Last Used At'),
)
_DETAILS = (
    *('Description', 'Roles', 'Unrestricted', 'Disabled By'),
    *('Allowed CIDRs', 'Updated At', 'Rotated At', 'Last Used From'),
    *('Previous Expires At', 'Previous Last Used At', 'Trust ID'),
)


class List(lister.Lister):
    """List the API keys of all users, without their secrets.

    A time is ISO 8601, or a number of days as in 90d: so long ago for
    --unused-since, so far ahead for --expires-before.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return with_filters(super().get_parser(prog_name))

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = session.of(self.app).conf
        rows = every(store(conf), filter_of(parsed_args))
        return COLUMNS, map(_shown, rows)

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Any,
        data: Any,
    ) -> int:
        """Write many rows as tables of one page, and JSON row by row.

        The formatters of cliff would hold all rows in memory.
        """
        if parsed_args.sort_columns:
            return super().produce_output(parsed_args, column_names, data)
        if parsed_args.formatter == 'json':
            self._write_json(parsed_args.columns, column_names, data)
        elif parsed_args.formatter == 'table':
            for page in _pages(data):
                super().produce_output(parsed_args, column_names, page)
                self.app.stdout.flush()
        else:
            super().produce_output(parsed_args, column_names, data)
        return 0

    def _write_json(
        self, wanted: list[str], names: Any, data: Iterable[Any]
    ) -> None:
        start = '['
        for row in data:
            named = zip(names, map(_machine_readable, row), strict=True)
            cells = {n: c for n, c in named if not wanted or n in wanted}
            self.app.stdout.write(f'{start}\n  {json.dumps(cells)}')
            start = ','
        self.app.stdout.write('[]\n' if start == '[' else '\n]\n')


class Show(show.ShowOne):
    """Show an API key, without its secret."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return with_key(super().get_parser(prog_name))

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        row = get(store(session.of(self.app).conf), parsed_args.key_id)
        return (*COLUMNS, *_DETAILS), (*_shown(row), *_details(row))


def with_key(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the argument for the id of a key."""
    parser.add_argument('key_id', metavar='ID', help='id of the key')
    return parser


def with_filters(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options that choose keys."""
    parser.add_argument(
        '--unused-since',
        metavar='TIME',
        type=moments.option(moments.before),
        help='only keys that were not used since, nor made since',
    )
    parser.add_argument(
        '--expires-before',
        metavar='TIME',
        type=moments.option(moments.after),
        help='only keys that end before this time, or have ended',
    )
    parser.add_argument(
        '--user', metavar='USER_ID', dest='user_id', help='only keys of a user'
    )
    return parser


def filter_of(parsed_args: argparse.Namespace) -> Filter:
    """Return the filter that the options of with_filters describe."""
    return Filter(
        user_id=parsed_args.user_id,
        unused_since=parsed_args.unused_since,
        expires_before=parsed_args.expires_before,
    )


def store(conf: cfg.ConfigOpts) -> ApiKeyStore:
    """Return the store of the configuration, ready to serve.

    :raises Outage: it cannot serve; the message says what to do.
    """
    return db.ready(conf, 'api_keys', storage_load.api_keys)


def may_be(conf: cfg.ConfigOpts) -> bool:
    """Whether API keys may exist, even if they are now disabled.

    :raises Outage: the database cannot be reached.
    """
    return conf.storage.api_keys == 'sql' and db.present(conf) is not None


def get(kept: ApiKeyStore, key_id: str) -> ApiKey:
    """Return a complete key.

    :raises LookupError: there is none with this id.
    """
    row = kept.get(key_id)
    if row is None or row.state is not State.COMPLETE:
        raise LookupError(f'There is no API key {Text(key_id)}.')
    return row


def every(kept: ApiKeyStore, where: Filter = COMPLETE) -> Iterator[ApiKey]:
    """Yield all keys of a filter, one page in memory at a time."""
    after = ''
    while page := kept.page(after, PAGE, where):
        yield from page
        after = page[-1].id


def _pages(data: Iterable[Any]) -> Iterator[list[Any]]:
    rows = iter(data)
    yield list(itertools.islice(rows, PAGE))
    while page := list(itertools.islice(rows, PAGE)):
        yield page


def _machine_readable(cell: Any) -> Any:
    if isinstance(cell, columns.FormattableColumn):
        return cell.machine_readable()
    return cell


def _shown(row: ApiKey) -> tuple[Any, ...]:
    return (
        row.id,
        Text(row.name),
        Text(row.user_id),
        _text(row.project_id),
        row.enabled,
        _moment(row.expires_at),
        _moment(row.created_at),
        _moment(row.last_used_at),
    )


def _details(row: ApiKey) -> tuple[Any, ...]:
    previous = row.previous
    return (
        Text(row.description),
        Names(sorted(row.roles)),
        row.unrestricted,
        row.disabled_by,
        None if row.allowed_cidrs is None else Names([*row.allowed_cidrs]),
        _moment(row.updated_at),
        _moment(row.rotated_at),
        row.last_used_from,
        previous and _moment(previous.expires_at),
        previous and _moment(previous.last_used_at),
        row.trust_id,
    )


def _text(text: str | None) -> Text | None:
    return None if text is None else Text(text)


def _moment(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else f'{moment:%Y-%m-%dT%H:%M:%SZ}'
