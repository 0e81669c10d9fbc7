"""credential: the API keys of users."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import datetime
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import audit
from keymw import conf as configuration
from keymw import faults
from keymw import keys
from keymw import vault
from keymw.conf import ConfigError
from keymw.handlers.credentials import KIND
from keymw.identity import load as identity_load
from keymw.identity.base import Identity
from keymw.manage import db
from keymw.manage import pipeline
from keymw.manage.cells import Text
from keymw.policies import credentials as rules
from keymw.storage import load as storage_load
from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore

PAGE = 500
COLUMNS = ('User ID', 'Domain ID', 'Username', 'Created At', 'Updated At')


class List(lister.Lister):
    """List whose keys are stored, without the keys."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = configuration.load(self.app.options.config_file)
        return COLUMNS, map(_shown, every(store(conf)))


class Show(show.ShowOne):
    """Show whose key is stored, and since when."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_user(super().get_parser(prog_name))
        parser.add_argument(
            '--reveal', action='store_true', help='show the API key as well'
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configuration.load(self.app.options.config_file)
        user_id = parsed_args.user_id
        row = store(conf).get(user_id)
        if row is None:
            raise LookupError(f'No key of the user {user_id} is stored.')
        if not parsed_args.reveal:
            return COLUMNS, _shown(row)
        with _operation(rules.GET, user_id):
            key = _open(conf, row)
        return (*COLUMNS, 'API Key'), (*_shown(row), key)


class Reset(show.ShowOne):
    """Give a user a new API key, and show it this once.

    A user who has a key keeps the name that is stored with it, unless
    --pipeline is given: then it is the present one. A user who has none needs
    --pipeline.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_user(super().get_parser(prog_name))
        pipeline.add_option(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = configuration.load(self.app.options.config_file)
        kept, key = store(conf), keys.new_api_key()
        former = kept.get(parsed_args.user_id)
        row = _sealed(
            conf, key, parsed_args.user_id, _names(conf, parsed_args, former)
        )
        with _operation(rules.RESET, row.user_id):
            kept.put(row)
        names = ('User ID', 'Domain ID', 'Username', 'API Key')
        return names, (*_shown(row)[:3], key)


class Delete(command.Command):
    """Delete the API key of a user."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _with_user(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        kept, user_id = store(conf), parsed_args.user_id
        with _operation(rules.DELETE, user_id):
            if not kept.delete(user_id):
                raise faults.NothingToDelete(user_id)
        print(f'deleted {Text(user_id)}', file=self.app.stdout)


class Purge(command.Command):
    """Remove the API keys of users whom Keystone no longer knows.

    Keystone is asked about each user, as [identity] service_user, or as the
    user of auth_type with transport = remote. When it cannot answer, the
    command stops there.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='only tell whose keys would be removed',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = configuration.load(self.app.options.config_file)
        where = pipeline.beside(
            self.app.options.config_file, parsed_args.pipeline
        )
        identity = pipeline.identity(conf, where)
        kept = store(conf)
        word = 'would remove' if parsed_args.dry_run else 'removed'
        for row in _gone(conf, kept, identity):
            if not parsed_args.dry_run:
                with _operation(rules.DELETE, row.user_id):
                    kept.delete(row.user_id)
            print(f'{word} {_line(row)}', file=self.app.stdout, flush=True)


def store(conf: cfg.ConfigOpts) -> CredentialStore:
    """The store of the configuration, ready to serve.

    :raises Outage: it cannot; the message says what to do.
    """
    if conf.storage.credentials == 'sql':
        db.check_file(conf)
    found = storage_load.credentials(conf)
    found.check()
    return found


def every(kept: CredentialStore) -> Iterator[Credential]:
    """All that is in a store, a page in memory at a time."""
    after = ''
    while page := kept.page(after, PAGE):
        yield from page
        after = page[-1].user_id


def _gone(
    conf: cfg.ConfigOpts, kept: CredentialStore, identity: Identity
) -> Iterator[Credential]:
    origin = pipeline.origin()
    # Who is not found itself cannot tell who else is not there.
    pipeline.check_service_user(conf, identity, origin)
    for row in every(kept):
        try:
            with pipeline.asking(conf):
                identity.user(origin, row.user_id, None)
        except faults.UserNotFound:
            yield row


def _names(
    conf: cfg.ConfigOpts,
    parsed_args: argparse.Namespace,
    row: Credential | None,
) -> tuple[str, str | None]:
    """The domain and the name to store with a key."""
    if parsed_args.pipeline is not None or (
        row is None and identity_load.is_remote(conf)
    ):
        return _names_now(conf, parsed_args)
    if row is None:
        raise ConfigError(
            f'No key of the user {parsed_args.user_id} is stored, so its '
            f'name must be asked for. {pipeline.NEEDED}'
        )
    return row.domain_id, row.username


def _names_now(
    conf: cfg.ConfigOpts, parsed_args: argparse.Namespace
) -> tuple[str, str]:
    identity = pipeline.identity(conf, parsed_args.pipeline)
    user_id, origin = parsed_args.user_id, pipeline.origin()
    try:
        with pipeline.asking(conf):
            user = identity.user(origin, user_id, None)
            # v2.0 knows no domains in which names could be looked up.
            domain_id = user.domain_id if identity.has_domains(origin) else ''
    except faults.UserNotFound:
        raise LookupError(
            f'The identity service knows no user {user_id}.'
        ) from None
    return domain_id, user.name


def _sealed(
    conf: cfg.ConfigOpts,
    key: str,
    user_id: str,
    names: tuple[str, str | None],
) -> Credential:
    sealed = vault.load(conf.vault.key_repository).seal(KIND, user_id, key)
    now = datetime.datetime.now(datetime.UTC)
    return Credential(user_id, *names, sealed, now, now)


def _open(conf: cfg.ConfigOpts, row: Credential) -> str:
    try:
        return vault.load(conf.vault.key_repository).open(
            KIND, row.user_id, row.secret
        )
    except vault.CannotOpen as error:
        raise ConfigError(
            f'[vault] key_repository: no key there opens {error}: restore '
            'the one that sealed it, or reset the credential'
        ) from None


@contextlib.contextmanager
def _operation(rule: str, user_id: str) -> Iterator[None]:
    with audit.operation(rule, user_id, pipeline.request_id()) as entry:
        entry.caller = 'keymw-manage'
        yield


def _with_user(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument('user_id', metavar='USER_ID', help='id of the user')
    return parser


def _shown(row: Credential) -> tuple[Any, ...]:
    return (
        Text(row.user_id),
        Text(row.domain_id),
        None if row.username is None else Text(row.username),
        _moment(row.created_at),
        _moment(row.updated_at),
    )


def _moment(moment: datetime.datetime) -> str:
    return moment.strftime('%Y-%m-%dT%H:%M:%SZ')


def _line(row: Credential) -> str:
    user, domain, name = _shown(row)[:3]
    return f'{user} (domain {domain}, name {name})'
