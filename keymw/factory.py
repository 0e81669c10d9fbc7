"""Paste factories, and wrap() for plain WSGI."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING
from typing import Any

from oslo_config import cfg

from keymw import conf as configuration
from keymw import middleware
from keymw import policy
from keymw import vault
from keymw.admin import Admin
from keymw.admin import Doors
from keymw.client_address import Clients
from keymw.conf import ConfigError
from keymw.digest_gate import DigestGate
from keymw.handlers.admin import AdminParts
from keymw.handlers.call import Parts
from keymw.identity import load as identity_load
from keymw.identity.transport import Pipeline
from keymw.last_used import LastUsed
from keymw.routes import ADMIN_ROUTES
from keymw.routing import AdminTable
from keymw.storage import load as storage_load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger(__name__)


def wrap(
    app: WSGIApplication,
    config_file: str,
    clock: Callable[[], float] = time.time,
) -> WSGIApplication:
    """Put keymw in front of a WSGI application.

    clock gives seconds since the epoch.

    :raises ConfigError: keymw cannot start; one line says why.
    """
    try:
        return _build(app, config_file, clock)
    except ConfigError as error:
        LOG.critical('keymw cannot start: %s', error)
        raise


def _build(
    app: WSGIApplication, config_file: str, clock: Callable[[], float]
) -> WSGIApplication:
    conf = configuration.load(config_file)
    parts = Parts(
        identity=identity_load.load(app, conf, clock),
        pipeline=Pipeline(app),
        rules=policy.Rules(conf),
        vault=vault.load(conf.vault.key_repository),
        credentials=storage_load.credentials(conf),
        clock=clock,
        default_domain=conf.identity.default_domain,
        v1_services=_v1_services(conf.kskey),
    )
    no_login = identity_load.why_no_login(conf)
    if no_login is not None:
        LOG.warning('login with API keys is off: %s', no_login)
    return middleware.Keymw(app, parts, conf, _admin(parts, conf))


def _admin(parts: Parts, conf: cfg.ConfigOpts) -> Admin | None:
    """What answers the routes of global keys, where they are on."""
    if not conf.global_keys.enabled:
        return None
    admin_parts = AdminParts(
        conf=conf,
        vault=parts.vault,
        keys=storage_load.global_keys(conf),
        access_list=storage_load.access_list(conf),
        clock=parts.clock,
    )
    grain = conf.global_keys.last_used_grain
    doors = Doors(
        identity=parts.identity,
        rules=parts.rules,
        gate=DigestGate(conf, parts.vault, admin_parts.keys, parts.clock),
        clients=Clients(conf),
        last_used=LastUsed(admin_parts.access_list, grain),
    )
    return Admin(admin_parts, doors, AdminTable(ADMIN_ROUTES))


def _v1_services(options: Any) -> dict[str, str]:
    return {
        'X-Storage-Url': options.storage_service,
        'X-CDN-Management-Url': options.cdn_service,
        'X-Server-Management-Url': options.servers_service,
    }


def filter_factory(
    _global_conf: Mapping[str, str],
    config_file: str | None = None,
    **unknown: str,
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Make the filter of [filter:…] use = egg:keymw#keymw.

    :raises ConfigError: config_file is missing, or is not alone.
    """
    file = _only_config_file(config_file, unknown)
    return lambda app: wrap(app, file)


def _only_config_file(config_file: str | None, unknown: Any) -> str:
    if not config_file:
        raise ConfigError('config_file is not set in the paste ini')
    if unknown:
        raise ConfigError(
            f'unknown in the paste ini: {", ".join(sorted(unknown))}; '
            'options go into config_file'
        )
    return config_file


def keystone_factory(
    _global_conf: Mapping[str, str],
    config_file: str | None = None,
    **unknown: str,
) -> WSGIApplication:
    """Make the Keystone of [app:…] use = egg:keymw#keystone.

    Keystone keeps its configuration for the whole process, so there is one:
    asked again with the same file, the same application is returned.

    :raises ConfigError: another file was asked for first, or Keystone is
        not installed.
    """
    file = os.path.abspath(_only_config_file(config_file, unknown))
    with _KEYSTONE_LOCK:
        for other in _KEYSTONES:
            if other != file:
                raise ConfigError(
                    f'config_file: this process has a Keystone of {other}, '
                    f'and cannot have one of {file} too'
                )
        if file not in _KEYSTONES:
            _KEYSTONES[file] = _make_keystone(file)
        return _KEYSTONES[file]


# The process has one Keystone, whoever asks for it: see keystone_factory.
_KEYSTONES: dict[str, WSGIApplication] = {}
_KEYSTONE_LOCK = threading.Lock()


def _make_keystone(config_file: str) -> WSGIApplication:
    if not os.path.isfile(config_file):
        raise ConfigError(f'config_file: there is no file {config_file}')
    try:
        with _no_arguments():
            from keystone.server.flask import core

            made: WSGIApplication = core.initialize_application(
                'public', config_files=[config_file]
            )
    except ImportError as error:
        if error.name != 'keystone':
            raise ConfigError(f'Keystone cannot be loaded: {error}') from None
        raise ConfigError(
            'egg:keymw#keystone: install keymw[keystone]'
        ) from None
    return made


@contextlib.contextmanager
def _no_arguments() -> Iterator[None]:
    # Keystone takes the arguments of the server it runs in for its own.
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments
