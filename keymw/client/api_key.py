"""openstack api key: commands of OpenStackClient for API keys.

They import none of the server's libraries. Source: doc/contract/api-keys 3.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any
import uuid

from cliff import columns
from osc_lib import exceptions
from osc_lib.command import command

from keymw.client import moments
from keymw.client.keystone import Keystone

Row = tuple[tuple[str, ...], tuple[Any, ...]]
_LISTED = {
    'ID': 'id',
    'Name': 'name',
    'Project ID': 'project_id',
    'Roles': 'roles',
    'Enabled': 'enabled',
    'Expires At': 'expires_at',
    'Last Used At': 'last_used_at',
}
_ONCE = 'The secret is shown this once, and cannot be shown again: store it.'


class Roles(columns.FormattableColumn[list[dict[str, Any]]]):
    """Roles: names for people, ids and names for programs."""

    def human_readable(self) -> str:
        return ', '.join(role['name'] or role['id'] for role in self._value)


class Networks(columns.FormattableColumn[list[str]]):
    """Networks: one line for people, a list for programs."""

    def human_readable(self) -> str:
        return ', '.join(self._value)


class Create(command.ShowOne):
    """Create an API key, and show its secret once"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('name', metavar='<name>', help='Name of the key')
        _add_description(parser)
        parser.add_argument(
            '--project',
            metavar='<project>',
            help='Project of the key, by name or ID (default: that of the '
            'token)',
        )
        parser.add_argument(
            '--role',
            metavar='<role>',
            action='append',
            dest='roles',
            help='Role of the key, by name or ID; may be repeated (default: '
            'all roles of the user on the project)',
        )
        parser.add_argument(
            '--expires',
            metavar='<time>',
            type=moments.option(moments.after),
            help='End of the key: from now on, as in 90d or 12h, or ISO 8601',
        )
        _add_networks(parser)
        parser.add_argument(
            '--unrestricted',
            action='store_true',
            help='Make a key for all that the user can do, in every project',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Row:
        keystone = Keystone(self.app.client_manager)
        body: dict[str, Any] = {'name': parsed_args.name}
        if parsed_args.description is not None:
            body['description'] = parsed_args.description
        if parsed_args.project:
            body['project_id'] = keystone.project_id(parsed_args.project)
        if parsed_args.roles:
            body['roles'] = list(map(_role, parsed_args.roles))
        if parsed_args.expires:
            body['expires_at'] = parsed_args.expires.isoformat()
        if parsed_args.cidrs:
            body['allowed_cidrs'] = parsed_args.cidrs
        if parsed_args.unrestricted:
            body['unrestricted'] = True
        made = keystone.create(keystone.user_id(), body)
        print(_ONCE, file=self.app.stderr)
        return _shown(made)


class List(command.Lister):
    """List API keys, without their secrets"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        whose = parser.add_mutually_exclusive_group()
        _add_user(whose)
        whose.add_argument(
            '--all-users',
            action='store_true',
            help='List the keys of all users (admin only)',
        )
        parser.add_argument(
            '--name', metavar='<name>', help='Only the key with this name'
        )
        _add_flags(parser, 'Only keys that are enabled', 'Only the others')
        parser.add_argument(
            '--unused-since',
            metavar='<time>',
            type=moments.option(moments.before),
            help='With --all-users: only keys that were not used since, as '
            'in 90d or ISO 8601',
        )
        parser.add_argument(
            '--expires-before',
            metavar='<time>',
            type=moments.option(moments.after),
            help='With --all-users: only keys that end before, as in 7d or '
            'ISO 8601',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        everybody = parsed_args.all_users
        query = _query(parsed_args)
        keystone = Keystone(self.app.client_manager)
        user_id = None if everybody else keystone.user_id(parsed_args.user)
        listed = {'User ID': 'user_id'} if everybody else {}
        names = {**_LISTED, **listed}
        rows = keystone.keys(user_id, query)
        return tuple(names), (
            tuple(_cell(row, member) for member in names.values())
            for row in rows
        )


class Show(command.ShowOne):
    """Show an API key, without its secret"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _with_key(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> Row:
        keystone = Keystone(self.app.client_manager)
        user_id = keystone.user_id(parsed_args.user)
        return _shown(keystone.find(user_id, parsed_args.key))


class Set(command.Command):
    """Change an API key"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_key(super().get_parser(prog_name))
        parser.add_argument(
            '--name', metavar='<new-name>', help='New name of the key'
        )
        _add_description(parser)
        networks = parser.add_mutually_exclusive_group()
        _add_networks(networks)
        networks.add_argument(
            '--no-cidr',
            action='store_true',
            help='Accept the key from anywhere',
        )
        _add_flags(
            parser,
            'Enable the key',
            'Disable the key and end its tokens',
            verbs=True,
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        given = {
            'name': parsed_args.name,
            'description': parsed_args.description,
            'allowed_cidrs': parsed_args.cidrs,
            'enabled': parsed_args.enabled,
        }
        body = {name: new for name, new in given.items() if new is not None}
        if parsed_args.no_cidr:
            body['allowed_cidrs'] = None
        if not body:
            raise exceptions.CommandError('Name what to change: see --help.')
        keystone = Keystone(self.app.client_manager)
        user_id = keystone.user_id(parsed_args.user)
        keystone.update(user_id, keystone.id(user_id, parsed_args.key), body)


class Rotate(command.ShowOne):
    """Give an API key a new secret, and show it once"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_key(super().get_parser(prog_name), of_others=False)
        parser.add_argument(
            '--grace',
            metavar='<time>',
            type=_seconds,
            default=0,
            help='Time for which the former secret works on, in seconds or '
            'as in 1h or 7d (default: 0)',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Row:
        keystone = Keystone(self.app.client_manager)
        user_id = keystone.user_id()
        key_id = keystone.id(user_id, parsed_args.key)
        rotated = keystone.rotate(user_id, key_id, parsed_args.grace)
        print(_ONCE, file=self.app.stderr)
        return _shown(rotated)


class Delete(command.Command):
    """Delete API keys and end their tokens"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'keys', metavar='<key>', nargs='+', help='Keys, by name or ID'
        )
        _add_user(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        keystone = Keystone(self.app.client_manager)
        user_id = keystone.user_id(parsed_args.user)
        # All are found before the first is deleted.
        for key_id in [keystone.id(user_id, key) for key in parsed_args.keys]:
            keystone.delete(user_id, key_id)


def _with_key(
    parser: argparse.ArgumentParser, *, of_others: bool = True
) -> argparse.ArgumentParser:
    parser.add_argument('key', metavar='<key>', help='Key, by name or ID')
    if of_others:
        _add_user(parser)
    return parser


def _add_user(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        '--user',
        metavar='<user>',
        help='Owner of the key, by name or ID (default: the current user)',
    )


def _add_description(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        '--description', metavar='<text>', help='Description of the key'
    )


def _add_networks(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        '--cidr',
        metavar='<network>',
        action='append',
        dest='cidrs',
        help='Network from which the key is accepted; may be repeated '
        '(default: any)',
    )


def _add_flags(
    parser: argparse.ArgumentParser,
    yes: str,
    no: str,
    *,
    verbs: bool = False,
) -> None:
    names = ('--enable', '--disable') if verbs else ('--enabled', '--disabled')
    flags = parser.add_mutually_exclusive_group()
    for name, value, text in zip(names, (True, False), (yes, no), strict=True):
        flags.add_argument(
            name,
            action='store_const',
            const=value,
            dest='enabled',
            help=text,
        )


def _seconds(text: str) -> int:
    length = moments.span(text if not text.isdecimal() else f'{text}s')
    if length is None:
        raise argparse.ArgumentTypeError(
            f'"{text}" is no length of time: give 3600, 1h or 7d'
        )
    return int(length.total_seconds())


def _role(text: str) -> dict[str, str]:
    try:
        is_id = uuid.UUID(hex=text).hex == text
    except ValueError:
        is_id = False
    return {'id' if is_id else 'name': text}


def _query(parsed_args: argparse.Namespace) -> dict[str, str]:
    """Return the parameters of a list.

    :raises CommandError: one is not for the keys that are listed.
    """
    found: dict[str, str] = {}
    if parsed_args.enabled is not None:
        found['enabled'] = str(parsed_args.enabled).lower()
    if parsed_args.name is not None:
        found['name'] = parsed_args.name
    times = {
        name: getattr(parsed_args, name)
        for name in ('unused_since', 'expires_before')
        if getattr(parsed_args, name)
    }
    if times and not parsed_args.all_users:
        raise exceptions.CommandError(
            '--unused-since and --expires-before need --all-users.'
        )
    if parsed_args.name is not None and parsed_args.all_users:
        raise exceptions.CommandError('--name is not for --all-users.')
    return found | {name: time.isoformat() for name, time in times.items()}


def _shown(key: dict[str, Any]) -> Row:
    members = [name for name in key if name != 'links']
    return tuple(members), tuple(_cell(key, name) for name in members)


def _cell(key: dict[str, Any], member: str) -> Any:
    value = key[member]
    if member == 'roles':
        return Roles(value)
    return Networks(value) if isinstance(value, list) else value
