"""doctor: checks of an installation, and advice if one fails."""

import argparse

from cliff import command

from keymw.conf import ConfigError
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped
from keymw.manage.doctor.checks import api_keys
from keymw.manage.doctor.checks import configuration
from keymw.manage.doctor.checks import global_keys
from keymw.manage.doctor.checks import identity
from keymw.manage.doctor.checks import limits
from keymw.manage.doctor.checks import secrets
from keymw.manage.doctor.checks import stale
from keymw.manage.doctor.checks import start
from keymw.manage.doctor.checks import storage
from keymw.manage.doctor.checks import vault

CHECKS = (
    *configuration.CHECKS,
    *vault.CHECKS,
    *storage.CHECKS,
    *global_keys.CHECKS,
    *secrets.CHECKS,
    *limits.CHECKS,
    *identity.CHECKS,
    *stale.CHECKS,
    *api_keys.CHECKS,
    *start.CHECKS,
)


class Doctor(command.Command):
    """Check an installation: one line for each check.

    The exit code is 1 if a check failed. The identity service that is checked
    is that of [identity] transport = remote, else that of --pipeline, else
    [app:keystone] of keymw-paste.ini beside the configuration; without any
    its checks are skipped. Started by root, the command becomes the owner of
    the key repository.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        files = session.of(self.app).config_files
        where = pipeline.beside(files, parsed_args.pipeline)
        installation = Installation(files, where)
        failed: dict[str, str] = {}
        for check in CHECKS:
            outcome, text = _make(check, installation, failed)
            if outcome == 'FAILED':
                failed[check.name] = text
            line = ' '.join(f'{check.name}: {text}'.split())
            print(f'{outcome:<8}{line}', file=self.app.stdout, flush=True)
        return int(bool(failed))


def _is_on(check: Check, installation: Installation) -> bool:
    """Whether the subject of a check is enabled, as far as can be told."""
    if check.gate is None:
        return True
    try:
        check.gate(installation)
    except Skipped:
        return False
    except ConfigError:
        pass
    return True


def _make(
    check: Check, installation: Installation, failed: dict[str, str]
) -> tuple[str, str]:
    missing = [name for name in check.needs if name in failed]
    if missing and _is_on(check, installation):
        return _skipped(check, missing[0], failed)
    try:
        return 'ok', check.look(installation)
    except Skipped as why:
        return 'skipped', str(why)
    except Exception as error:  # the other checks are made all the same
        fault = str(error) or type(error).__name__
    told = [name for name, text in failed.items() if text == fault]
    if told:
        return _skipped(check, told[0], failed)
    return 'FAILED', fault


def _skipped(
    check: Check, first: str, failed: dict[str, str]
) -> tuple[str, str]:
    """Skip a check until another one passes: a fault is told once."""
    failed[check.name] = ''
    return 'skipped', f'{first} must be in order first'
