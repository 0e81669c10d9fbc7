"""doctor: whether an installation is in order, and what to do if not."""

from __future__ import annotations

import argparse
from collections.abc import Callable
import dataclasses
import functools
import os
import pathlib
import stat
import time
from typing import TYPE_CHECKING
from typing import Any
import uuid

from cliff import command
from oslo_config import cfg

from keymw import conf as configuration
from keymw import faults
from keymw import policy
from keymw import replays
from keymw import vault
from keymw.conf import ConfigError
from keymw.digest import Algorithm
from keymw.digest import is_available
from keymw.identity import base
from keymw.identity import load as identity_load
from keymw.identity import v2
from keymw.identity import v3
from keymw.identity.external import External
from keymw.identity.transport import Pipeline
from keymw.manage import access_list
from keymw.manage import credential
from keymw.manage import db
from keymw.manage import global_key
from keymw.manage import pipeline
from keymw.storage.base import OWNER

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Skipped(Exception):  # noqa: N818, it is no error
    """A check cannot be made; the message says what it needs."""


@dataclasses.dataclass
class Installation:
    """What is checked; a part is loaded when a check needs it."""

    config_file: str
    pipeline: tuple[str, str] | None

    @functools.cached_property
    def conf(self) -> cfg.ConfigOpts:
        """The configuration.

        :raises ConfigError: it is not valid.
        """
        return configuration.load(self.config_file)

    @functools.cached_property
    def app(self) -> WSGIApplication:
        """The identity application behind keymw.

        :raises ConfigError: it cannot be loaded.
        :raises Skipped: nobody said which it is.
        """
        if self.pipeline is None:
            raise Skipped(pipeline.NEEDED)
        return pipeline.load(*self.pipeline)

    @functools.cached_property
    def dialect(self) -> v3.V3 | v2.V2:
        """The identity service, in the dialect it speaks.

        :raises ConfigError: it cannot be had, or does not answer.
        :raises Skipped: nobody said which it is.
        """
        app = None if identity_load.is_remote(self.conf) else self.app
        find = identity_load.dialect(app, self.conf, time.time)
        with pipeline.asking(self.conf):
            return find(pipeline.origin())


class Doctor(command.Command):
    """Check an installation: one line for each check.

    The exit code is 1 when a check failed. The identity service is checked
    where [identity] transport = remote says it is, else where --pipeline
    does, else where [app:keystone] of keymw-paste.ini beside the
    configuration does; without any it is skipped.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        installation = Installation(
            self.app.options.config_file,
            pipeline.beside(
                self.app.options.config_file, parsed_args.pipeline
            ),
        )
        failed: set[str] = set()
        for check in CHECKS:
            outcome, text = _make(check, installation, failed)
            if outcome == 'FAILED':
                failed.add(check.name)
            line = ' '.join(f'{check.name}: {text}'.split())
            print(f'{outcome:<8}{line}', file=self.app.stdout, flush=True)
        return int(bool(failed))


@dataclasses.dataclass(frozen=True)
class Check:
    """One line: look says what is in order, or raises what is not.

    needs names the check without which this one tells nothing.
    """

    name: str
    look: Callable[[Installation], str]
    needs: str | None = 'configuration'


def _make(
    check: Check, installation: Installation, failed: set[str]
) -> tuple[str, str]:
    if check.needs in failed:
        failed.add(check.name)
        return 'skipped', f'{check.needs} must be in order first'
    try:
        return 'ok', check.look(installation)
    except Skipped as why:
        return 'skipped', str(why)
    except Exception as error:  # the other checks are made all the same
        return 'FAILED', str(error) or type(error).__name__


def _configuration(at: Installation) -> str:
    configuration.load(at.config_file)
    return at.config_file


def _passwords(at: Installation) -> str:
    """Whether others can read a password in the configuration."""
    options = _options_with_password(at.conf)
    file = pathlib.Path(at.config_file)
    if options and _mode(file) & 0o007:
        raise ConfigError(
            f'{file} holds the password of {options[0]} and is open to other '
            f'users (mode {_mode(file):04o}): chmod 0640 it'
        )
    return f'{", ".join(options) or "none"} in {file}'


def _options_with_password(conf: cfg.ConfigOpts) -> list[str]:
    place = conf.global_keys.replays
    in_urls = {
        '[database] connection': db.connection_url(conf).password,
        '[global_keys] replays': '@' in place or 'password=' in place,
    }
    others = {
        f'[{group}] {opt.name}': conf[group][opt.dest]
        for group, opts in configuration.list_opts()
        for opt in opts
        if opt.secret
    }
    return [name for name, there in {**others, **in_urls}.items() if there]


def _rules(at: Installation) -> str:
    policy.Rules(at.conf)
    name = at.conf.oslo_policy.policy_file
    found = at.conf.find_file(name)
    place = at.conf.get_location('policy_file', 'oslo_policy')
    if found is None and place and place.location.is_user_controlled:
        raise ConfigError(
            f'[oslo_policy] policy_file: there is no file {name}'
        )
    return found or f'the defaults, as there is no {name}'


def _vault(at: Installation) -> str:
    repository = at.conf.vault.key_repository
    found = vault.load(repository)
    sealed = found.seal('doctor', 'nobody', 'probe')
    found.open('doctor', 'nobody', sealed)
    return f'{repository} seals and opens'


def _file(at: Installation) -> str:
    """Whether the file of an SQLite database is there, and ours alone."""
    file = db.sqlite_file(at.conf)
    if file is None or 'sql' not in _drivers(at.conf):
        raise Skipped('nothing is kept in one')
    db.check_file(at.conf)
    if _mode(file) & 0o007:
        raise ConfigError(
            f'[database] connection: {file} is open to other users (mode '
            f'{_mode(file):04o}): chmod 0600 it'
        )
    if not all(os.access(path, os.W_OK) for path in (file, file.parent)):
        raise ConfigError(
            f'[database] connection: this user may not write {file} and in '
            'its directory: run as the user that runs keymw, or change the '
            'owner'
        )
    return str(file)


def _drivers(conf: cfg.ConfigOpts) -> list[str]:
    if not conf.global_keys.enabled:
        return [conf.storage.credentials]
    return [conf.storage.credentials, conf.storage.global_keys]


def _store(at: Installation) -> str:
    credential.store(at.conf)
    return f'driver "{at.conf.storage.credentials}" serves'


def _enabled(at: Installation) -> Any:
    """The options of global keys.

    :raises Skipped: there are none.
    """
    if not at.conf.global_keys.enabled:
        raise Skipped('[global_keys] enabled is off')
    return at.conf.global_keys


def _global_keys(at: Installation) -> str:
    _enabled(at)
    global_key.store(at.conf)
    access_list.store(at.conf)
    return f'driver "{at.conf.storage.global_keys}" serves'


def _owner(at: Installation) -> str:
    """Whether there is a key that may make others."""
    _enabled(at)
    rows = global_key.every(global_key.store(at.conf))
    owners = [row.public_key for row in rows if row.is_owner]
    if not owners:
        raise ConfigError(
            f'no global key has the role {OWNER}: run "keymw-manage '
            f'global-key create --description … --role {OWNER}"'
        )
    return f'{len(owners)} with the role {OWNER}'


def _access_list(at: Installation) -> str:
    """Whether global keys can be used from anywhere."""
    required = _enabled(at).access_list_required
    count = access_list.store(at.conf).count()
    if required and not count:
        raise ConfigError(
            'it is empty, so global keys are refused: run "keymw-manage '
            'access-list add CIDR --description …", or set [global_keys] '
            'access_list_required = false'
        )
    return f'{count} in it' if count else 'it is empty: all may come'


def _replays(at: Installation) -> str:
    options = _enabled(at)
    replays.load(options.replays, options.nonce_lifetime).begin()
    if options.replays == replays.LOCAL:
        return 'each worker remembers its own'
    return 'all workers remember together'


def _digest(at: Installation) -> str:
    """Whether this Python can hash as clients are asked to."""
    offered = _enabled(at).algorithms
    for name in offered:
        if not is_available(Algorithm(name)):
            raise ConfigError(
                f'[global_keys] algorithms: this Python has no {name}'
            )
    return f'{", ".join(offered)} available'


def _keystone(at: Installation) -> str:
    name = 'v3' if isinstance(at.dialect, v3.V3) else 'v2.0'
    with pipeline.asking(at.conf):
        speaks = at.dialect.speaks(pipeline.origin())
    if not speaks:
        raise ConfigError(
            f'[identity] api_version: what {pipeline.place(at.conf)} names '
            f'speaks no {name}'
        )
    return f'speaks {name}'


def _service_user(at: Installation) -> str:
    identity_load.check_options(at.conf)
    if not (at.conf.identity.service_user or identity_load.is_remote(at.conf)):
        raise Skipped(
            '[identity] service_user is not set: keys of others are managed '
            'only by callers whom Keystone lets read that user'
        )
    origin = pipeline.origin()
    user = pipeline.check_service_user(at.conf, at.dialect, origin)
    with pipeline.asking(at.conf):
        # Nobody but an admin may ask this.
        at.dialect.roles(origin, user.id, None)
    return (
        f'a token for "{user.name}" is issued, is its own, and is an admin\'s'
    )


def _login(at: Installation) -> str:
    """Whether the owner of a key would be issued a token."""
    no_login = identity_load.why_no_login(at.conf)
    if no_login is not None:
        raise Skipped(f'login with API keys is off: {no_login}')
    origin = pipeline.origin()
    user = pipeline.check_service_user(at.conf, at.dialect, origin)
    with pipeline.asking(at.conf):
        owner = at.dialect.owner(origin, user.id)
        _issue(at, owner)
    if isinstance(at.dialect, v3.V3):
        _compare_external(at.conf.identity.external, _external_there(at))
    return f'a token is issued for "{user.name}" as for the owner of a key'


def _issue(at: Installation, owner: base.Owner) -> None:
    try:
        # It compares the ids of the two.
        at.dialect.issue(pipeline.origin(), owner, None)
    except faults.LoginRefused:
        raise ConfigError(
            '[identity] external: the identity service issues no token for '
            f'"{owner.name}" (id {owner.id}); with -v the reason is shown'
        ) from None


def _external_there(at: Installation) -> str | None:
    """What [auth] external of Keystone is; None: it does not show."""
    probe = configuration.load(at.config_file)
    probe.set_override('external', 'Domain', group='identity')
    # Only "Domain" minds a domain that is not there.
    with pipeline.asking(at.conf):
        answer = External(Pipeline(at.app), probe).ask(
            pipeline.origin(),
            at.conf.identity.service_user,
            f'no domain {uuid.uuid4()}',
            None,
            'nocatalog',
        )
    return {201: 'DefaultDomain', 401: 'Domain'}.get(answer.status)


def _compare_external(here: str, there: str | None) -> None:
    if there in (here, None):
        return
    others = 'users of other domains than the default one cannot log in'
    if here == 'Domain':
        raise ConfigError(
            f'[identity] external: it is Domain, but {others}: set external '
            '= Domain in [auth] of keystone.conf, or DefaultDomain here'
        )
    raise ConfigError(
        f'[identity] external: it is DefaultDomain, so {others}: set it to '
        'Domain, as [auth] external of keystone.conf is'
    )


def _mode(file: pathlib.Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


CHECKS = (
    Check('configuration', _configuration, needs=None),
    Check('passwords', _passwords),
    Check('rules', _rules),
    Check('vault', _vault),
    Check('SQLite file', _file),
    Check('credentials', _store),
    Check('global keys', _global_keys),
    Check('owner', _owner, needs='global keys'),
    Check('access list', _access_list, needs='global keys'),
    Check('replays', _replays),
    Check('Digest', _digest),
    Check('Keystone', _keystone),
    Check('service_user', _service_user, needs='Keystone'),
    Check('login', _login, needs='service_user'),
)
