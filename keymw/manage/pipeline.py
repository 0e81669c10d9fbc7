"""The identity service of keymw, asked from here."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import contextlib
import io
import logging
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import quote
import uuid

from oslo_config import cfg
from paste import deploy

from keymw import faults
from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.identity.base import Identity
from keymw.identity.base import NotAnswered
from keymw.identity.base import User
from keymw.identity.cached import Cached
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

NEEDED = (
    '--pipeline: give it, as in --pipeline /etc/keymw/keymw-paste.ini#keystone'
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told whom to ask."""
    parser.add_argument(
        '--pipeline',
        metavar='FILE#NAME',
        type=_file_and_name,
        help='ask the identity application of the section [app:NAME] in '
        'this paste ini: the one that keymw stands before. Not needed with '
        '[identity] transport = remote',
    )


def beside(
    config_file: str, given: tuple[str, str] | None
) -> tuple[str, str] | None:
    """What --pipeline said, else the ini beside the configuration."""
    ini = os.path.join(os.path.dirname(config_file), 'keymw-paste.ini')
    if given is None and os.path.isfile(ini):
        return ini, 'keystone'
    return given


def _file_and_name(text: str) -> tuple[str, str]:
    file, _, name = text.rpartition('#')
    if not file or not name:
        raise argparse.ArgumentTypeError(
            f'"{text}" names no section: give FILE#NAME'
        )
    return file, name


def origin() -> Origin:
    """Where questions of this program come from."""
    return Origin({}, '/v2.0', request_id())


def request_id() -> str:
    """A name for one question or operation in logs."""
    return f'req-{uuid.uuid4()}'


def identity(conf: cfg.ConfigOpts, pipeline: tuple[str, str] | None) -> Cached:
    """The identity service, to be asked as a user of our own.

    :raises ConfigError: an option is missing, or it cannot be loaded.
    """
    if identity_load.is_remote(conf):
        return identity_load.load(None, conf, time.time)
    if pipeline is None:
        raise ConfigError(NEEDED)
    if not conf.identity.service_user:
        raise ConfigError(
            '[identity] service_user: set it; keymw-manage asks as this user'
        )
    return identity_load.load(load(*pipeline), conf, time.time)


def load(file: str, name: str) -> WSGIApplication:
    """The application that a section of a paste ini describes.

    :raises ConfigError: it cannot be loaded; the message says why.
    """
    path = os.path.abspath(file)
    if not os.path.isfile(path):
        raise ConfigError(f'--pipeline: there is no file {path}')
    try:
        with _own_logs():
            app: WSGIApplication = deploy.loadapp(
                f'config:{quote(path)}', name=name
            )
    except (Exception, SystemExit) as error:
        raise ConfigError(f'--pipeline {file}#{name}: {error}') from error
    return app


@contextlib.contextmanager
def _own_logs() -> Iterator[None]:
    # A service sets up the logs of the process it is loaded in, and some
    # write to the terminal when they start.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        with (
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def check_service_user(
    conf: cfg.ConfigOpts, identity: Identity, origin: Origin
) -> User:
    """As whom we ask, by a token issued for it, looked up by the id in it.

    :raises ConfigError: it cannot be had, or is not the token of this user.
    """
    with asking(conf):
        who = identity.service(origin)
        try:
            user = identity.user(origin, who.user_id, None)
        except faults.UserNotFound:
            user = None
    if user is None or user.name != who.name:
        raise ConfigError(
            f'{place(conf)}: the user in the token issued for {_asker(conf)}, '
            f'{who.user_id}, is not found under its id'
        )
    return user


def place(conf: cfg.ConfigOpts) -> str:
    """The option that says where the identity service is."""
    far = identity_load.is_remote(conf)
    return '[identity] auth_url' if far else '--pipeline'


def _asker(conf: cfg.ConfigOpts) -> str:
    far = identity_load.is_remote(conf)
    return f'[identity] {"auth_type" if far else "service_user"}'


@contextlib.contextmanager
def asking(conf: cfg.ConfigOpts) -> Iterator[None]:
    """Tell the operator why the identity service gave no answer.

    :raises ConfigError: it gave none, or refused; one line says why, and
        what to do.
    """
    try:
        yield
    except faults.UserNotFound:
        raise
    except faults.Fault as fault:
        raise ConfigError(f'{place(conf)}: {_reason(conf, fault)}') from fault


def _reason(conf: cfg.ConfigOpts, fault: faults.Fault) -> str:
    if isinstance(fault, faults.Unauthorized | faults.UserDisabled):
        return (
            'the identity service does not take the token that it issued '
            f'for {_asker(conf)}: is this user enabled?'
        )
    cause = fault.__cause__
    if isinstance(cause, NotAnswered):
        return f'{cause}: {_advice(conf, cause.answer)}'
    if cause is None:
        return fault.message
    why = str(cause).strip().partition('\n')[0]
    return f'{fault.message} {type(cause).__name__}: {why}'


def _advice(conf: cfg.ConfigOpts, answer: Answer) -> str:
    if answer.status >= 500:
        return 'see its log'
    if identity_load.is_remote(conf):
        return _advice_from_far(answer)
    if 'receipt' in answer.body:
        return 'give this user the MFA rule ["external"]'
    said = _said(answer)
    if 'unsupported method' in said:
        return (
            'add "external" to [auth] methods in keystone.conf, alike on '
            'all nodes'
        )
    if answer.status == 403:
        return f'{said} Give this user the role "admin"'
    return (
        'the user must exist in service_domain, be enabled, and have the '
        'role "admin" on service_project, or on the system; outside of the '
        'default domain "external = Domain" is needed in [auth] of '
        'keystone.conf and in [identity] here'
    )


def _advice_from_far(answer: Answer) -> str:
    if answer.status == 403:
        return f'{_said(answer)} Give this user the role "admin"'
    if answer.status < 400:
        return 'auth_url must be where the service itself is'
    return (
        'the user of [identity] auth_type must exist and be enabled, with '
        'this password or secret, and have the role "admin" in this scope'
    )


def _said(answer: Answer) -> str:
    error = answer.body.get('error')
    return str(error.get('message', '')) if isinstance(error, dict) else ''
