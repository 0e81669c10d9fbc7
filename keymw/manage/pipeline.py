"""Access to the identity service of keymw from commands."""

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

from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.identity.base import Identity
from keymw.identity.base import UnexpectedResponse
from keymw.identity.base import User
from keymw.identity.cached import Cached
from keymw.identity.transport import Origin
from keymw.manage import service_user
from keymw.manage import users
from keymw.web import faults

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

NEEDED = (
    '--pipeline: give it, as in --pipeline /etc/keymw/keymw-paste.ini#keystone'
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option --pipeline, which names the identity service."""
    parser.add_argument(
        '--pipeline',
        metavar='FILE#NAME',
        type=_file_and_name,
        help='ask the identity application of the section [app:NAME] in '
        'this paste ini: the one that keymw stands before. Not needed with '
        '[identity] transport = remote',
    )


def beside(
    config_files: list[str], given: tuple[str, str] | None
) -> tuple[str, str] | None:
    """Return the value of --pipeline, else the ini beside the conf file."""
    ini = os.path.join(os.path.dirname(config_files[0]), 'keymw-paste.ini')
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
    """Return the origin of requests of this program."""
    return Origin({}, '/v2.0', request_id())


def request_id() -> str:
    """Return an id for one request or operation in logs."""
    return f'req-{uuid.uuid4()}'


def check(conf: cfg.ConfigOpts, pipeline: tuple[str, str] | None) -> None:
    """Check that nothing is missing to load the identity service.

    :raises ConfigError: an option is missing.
    """
    if identity_load.is_remote(conf):
        return
    if pipeline is None:
        raise ConfigError(NEEDED)
    if not conf.identity.service_user:
        raise ConfigError(
            '[identity] service_user: set it; keymw-manage sends its '
            'requests as this user'
        )
    # Some services make files when they are loaded, for example a log.
    users.check_may_make('--pipeline', conf.vault.key_repository)


def identity(conf: cfg.ConfigOpts, pipeline: tuple[str, str] | None) -> Cached:
    """Return the identity service, used as service_user.

    :raises ConfigError: an option is missing, or it cannot be loaded.
    """
    check(conf, pipeline)
    if pipeline is None or identity_load.is_remote(conf):
        return identity_load.load(None, conf, time.time)
    return identity_load.load(load(*pipeline), conf, time.time)


def load(file: str, name: str) -> WSGIApplication:
    """Return the application that a section of a paste ini describes.

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
    """Return service_user, looked up by the id in a token issued for it.

    :raises ConfigError: no token can be issued, or it is for another user.
    """
    with asking(conf, identity):
        who = identity.service(origin)
        try:
            user = identity.user(origin, who.user_id, None)
        except faults.UserNotFound:
            user = None
    if user is None or user.name != who.name:
        raise ConfigError(
            f'{place(conf)}: the user in the token issued for '
            f'{service_user.name(conf)}, '
            f'{who.user_id}, is not found under its id'
        )
    return user


def place(conf: cfg.ConfigOpts) -> str:
    """Return the name of the option that sets the identity service."""
    far = identity_load.is_remote(conf)
    return '[identity] auth_url' if far else '--pipeline'


@contextlib.contextmanager
def asking(
    conf: cfg.ConfigOpts, identity: Identity | None = None
) -> Iterator[None]:
    """Report a failure of the identity service to the operator.

    If our own user was refused, more requests to identity find the cause.

    :raises ConfigError: it did not respond, or refused; the message is one
        line with the reason and what to do.
    """
    try:
        yield
    except faults.UserNotFound:
        raise
    except faults.Fault as fault:
        raise ConfigError(_reason(conf, identity, fault)) from fault


def _reason(
    conf: cfg.ConfigOpts, identity: Identity | None, fault: faults.Fault
) -> str:
    if isinstance(fault, faults.Unauthorized | faults.UserDisabled):
        return service_user.disabled(conf)
    cause = fault.__cause__
    if isinstance(cause, UnexpectedResponse):
        known = service_user.refused(conf, identity, origin(), cause.response)
        return known or f'{place(conf)}: {cause}: {_advice(conf, cause)}'
    if cause is None:
        return f'{place(conf)}: {fault.message}'
    why = str(cause).strip().partition('\n')[0]
    return f'{place(conf)}: {fault.message} {type(cause).__name__}: {why}'


def _advice(conf: cfg.ConfigOpts, cause: UnexpectedResponse) -> str:
    if cause.response.status >= 500:
        return 'see its log'
    if not identity_load.is_remote(conf):
        return 'service_user must be enabled, with the role "admin"'
    if cause.response.status < 400:
        return 'auth_url must be where the service itself is'
    return 'the user of auth_type must be enabled, with the role "admin"'
