"""credential: the API keys of users."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
import datetime
from typing import Any

from cliff import command
from cliff import lister
from cliff import show
from oslo_config import cfg

from keymw import vault
from keymw.conf import ConfigError
from keymw.credentials import keys
from keymw.credentials import policies as rules
from keymw.credentials.handlers import KIND
from keymw.identity import load as identity_load
from keymw.identity.base import Identity
from keymw.manage import db
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.cells import Text
from keymw.storage import load as storage_load
from keymw.storage.base import Credential
from keymw.storage.base import CredentialStore
from keymw.web import faults

PAGE = 500
COLUMNS = ('User ID', 'Domain ID', 'Username', 'Created At', 'Updated At')


class List(lister.Lister):
    """List the users who have an API key, without the keys."""

    def take_action(
        self, _parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
        conf = session.of(self.app).conf
        return COLUMNS, map(_row, every(store(conf)))


class Show(show.ShowOne):
    """Show the user and the times of a stored API key."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_user(super().get_parser(prog_name))
        parser.add_argument(
            '--reveal', action='store_true', help='show the API key as well'
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = session.of(self.app).conf
        user_id = parsed_args.user_id
        row = store(conf).get(user_id)
        if row is None:
            raise LookupError(f'No key of the user {user_id} is stored.')
        if not parsed_args.reveal:
            return COLUMNS, _row(row)
        with session.of(self.app).operation(rules.GET, user_id):
            key = _open(conf, row)
        return (*COLUMNS, 'API Key'), (*_row(row), key)


class Reset(show.ShowOne):
    """Give a user a new API key, and show it once.

    If the user has a key, the stored name stays, unless --pipeline is given:
    then the present name is stored. For a user without a key --pipeline is
    required.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _with_user(super().get_parser(prog_name))
        pipeline.add_option(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        conf = session.of(self.app).conf
        key_store, key = store(conf), keys.new_api_key()
        former = key_store.get(parsed_args.user_id)
        row = _sealed(
            conf, key, parsed_args.user_id, _names(conf, parsed_args, former)
        )
        with session.of(self.app).operation(rules.RESET, row.user_id):
            key_store.put(row)
        names = ('User ID', 'Domain ID', 'Username', 'API Key')
        return names, (*_row(row)[:3], key)


class Delete(command.Command):
    """Delete the API key of a user."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _with_user(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = session.of(self.app).conf
        key_store, user_id = store(conf), parsed_args.user_id
        with session.of(self.app).operation(rules.DELETE, user_id):
            if not key_store.delete(user_id):
                raise faults.NothingToDelete(user_id)
        print(f'deleted {Text(user_id)}', file=self.app.stdout)


class Purge(command.Command):
    """Delete the API keys of users whom Keystone no longer has.

    Each user is looked up in Keystone as [identity] service_user, or as the
    user of auth_type with transport = remote. If Keystone does not respond,
    the command stops. Afterwards the records of key changes are deleted that
    are older than any token can be, by [kskey] tombstone_ttl.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='only list the users whose keys would be removed',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        conf = session.of(self.app).conf
        where = pipeline.beside(conf.config_file, parsed_args.pipeline)
        identity = pipeline.identity(conf, where)
        key_store = store(conf)
        word = 'would remove' if parsed_args.dry_run else 'removed'
        for row in _gone(conf, key_store, identity):
            if not parsed_args.dry_run:
                with session.of(self.app).operation(rules.DELETE, row.user_id):
                    key_store.delete(row.user_id)
            print(f'{word} {_line(row)}', file=self.app.stdout, flush=True)
        if not parsed_args.dry_run:
            key_store.forget_changes(_oldest(conf, key_store))


def store(conf: cfg.ConfigOpts) -> CredentialStore:
    """Return the store of the configuration, ready to serve.

    :raises Outage: it cannot serve; the message says what to do.
    """
    return db.ready(conf, 'credentials', storage_load.credentials)


def every(key_store: CredentialStore) -> Iterator[Credential]:
    """Yield all credentials of a store, one page in memory at a time."""
    after = ''
    while page := key_store.page(after, PAGE):
        yield from page
        after = page[-1].user_id


def _oldest(
    conf: cfg.ConfigOpts, key_store: CredentialStore
) -> datetime.datetime:
    """Return the time before which records of changes are obsolete."""
    now = key_store.now() or datetime.datetime.now(datetime.UTC)
    return now - datetime.timedelta(seconds=conf.kskey.tombstone_ttl)


def _gone(
    conf: cfg.ConfigOpts, key_store: CredentialStore, identity: Identity
) -> Iterator[Credential]:
    origin = pipeline.origin()
    # If Keystone cannot find service_user itself, its "not found" about
    # others proves nothing.
    pipeline.check_service_user(conf, identity, origin)
    for row in every(key_store):
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
    """Return the domain and the name to store with a key."""
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
        with pipeline.asking(conf, identity):
            user = identity.user(origin, user_id, None)
            # v2.0 has no domains, so names are not looked up in one.
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


def _with_user(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument('user_id', metavar='USER_ID', help='id of the user')
    return parser


def _row(row: Credential) -> tuple[Any, ...]:
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
    user, domain, name = _row(row)[:3]
    return f'{user} (domain {domain}, name {name})'
