"""Checks of the configuration, its passwords and the policy."""

import os
import pathlib

from oslo_config import cfg

from keymw import conf as configuration
from keymw import families
from keymw.conf import ConfigError
from keymw.manage import audit_log
from keymw.manage import db
from keymw.manage import users
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import mode
from keymw.policy import files as rule_files
from keymw.policy.files import RuleFiles


def _configuration(at: Installation) -> str:
    configuration.load(at.config_files)
    return ', '.join(at.config_files)


def _user(at: Installation) -> str:
    """Whether this user owns the files; root changes to their owner."""
    started = users.name(os.geteuid())
    whose = users.owner(at.conf.vault.key_repository)
    if os.geteuid() == 0 and whose != 0:
        users.become(users.name(whose))
    me = os.geteuid()
    files = (at.conf.vault.key_repository, db.sqlite_file(at.conf))
    for file in filter(None, files):
        owner = users.owner(file)
        if owner not in (me, 0):
            raise ConfigError(
                f'{file} belongs to {users.name(owner)}, and '
                f'{users.name(me)} looks: run "keymw-manage --user '
                f'{users.name(owner)} doctor" as root'
            )
    if me == 0:
        return 'root, whose the files are: the service must run as root too'
    return f'{users.name(me)} (started by {started})'


def _audit(at: Installation) -> str:
    """Whether the audit lines of keymw-manage have a place."""
    events = at.conf.audit.file
    if events and not _may_write(events):
        raise _may_not_write('[audit] file', events)
    found = audit_log.place(at.conf)
    if not found:
        return (
            'of keymw-manage to standard error, as [DEFAULT] log_file is not '
            'set'
        )
    file = audit_log.file(found)
    if file and not _may_write(file):
        raise _may_not_write('[DEFAULT] log_file', file)
    return f'of keymw-manage where {", ".join(found)} says'


def _may_not_write(option: str, file: str) -> ConfigError:
    return ConfigError(
        f'{option}: {users.name(os.geteuid())} may not write {file}: chown '
        'it to the user of the service'
    )


def _may_write(file: str) -> bool:
    there = os.path.exists(file)
    return os.access(file if there else os.path.dirname(file) or '.', os.W_OK)


def _options(at: Installation) -> str:
    """Whether every option in the files is known."""
    unknown = configuration.unknown(at.conf)
    if unknown:
        raise ConfigError('; '.join(unknown))
    return '; '.join(configuration.deprecated(at.conf)) or 'all are known'


def _passwords(at: Installation) -> str:
    """Whether other users can read a password in the configuration."""
    options = _options_with_password(at.conf)
    for file in map(pathlib.Path, at.config_files):
        if options and mode(file) & 0o007:
            raise ConfigError(
                f'{file} holds the password of {options[0]} and is open to '
                f'other users (mode {mode(file):04o}): chmod 0640 it'
            )
    return f'{", ".join(options) or "none"} in {", ".join(at.config_files)}'


def _options_with_password(conf: cfg.ConfigOpts) -> list[str]:
    places = {
        '[global_keys] replays': conf.global_keys.replays,
        '[limits] storage': conf.limits.storage,
    }
    in_urls = {
        '[database] connection': db.connection_url(conf).password,
        **{
            name: '@' in place or 'password=' in place
            for name, place in places.items()
        },
    }
    others = {
        f'[{group}] {opt.name}': conf[group][opt.dest]
        for group, opts in configuration.list_opts()
        for opt in opts
        if opt.secret
    }
    return [name for name, there in {**others, **in_urls}.items() if there]


def _rules(at: Installation) -> str:
    enforcer = RuleFiles(at.conf, families.list_rules()).enforcer
    unknown = list(rule_files.unknown(enforcer))
    if unknown:
        raise ConfigError(f'{rule_files.OPTION}: {"; ".join(unknown)}')
    name = at.conf.oslo_policy.policy_file
    return at.conf.find_file(name) or f'the defaults, as there is no {name}'


CHECKS = (
    Check('configuration', _configuration, needs=()),
    Check('user', _user),
    Check('options', _options),
    Check('passwords', _passwords),
    Check('rules', _rules),
    Check('audit lines', _audit),
)
