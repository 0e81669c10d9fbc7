"""Paste factories, and wrap() for plain WSGI."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import datetime
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING
from typing import Any

from oslo_config import cfg

from keymw import conf as configuration
from keymw import families
from keymw import readiness
from keymw import vault
from keymw.api_keys import counts
from keymw.call import Parts
from keymw.conf import ConfigError
from keymw.filter import Filter
from keymw.identity import load as identity_load
from keymw.identity.transport import Pipeline
from keymw.limits import failures
from keymw.limits.client_address import Clients
from keymw.observe import health
from keymw.observe import logs
from keymw.observe import metrics_base
from keymw.observe.audit import Audit
from keymw.policy import rules as policy
from keymw.policy.stale import Changes
from keymw.policy.stale import StaleTokens
from keymw.storage import load as storage_load
from keymw.storage.api_keys import ApiKeyStore
from keymw.storage.base import Outage
from keymw.v2_api.discovery import Advertised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger(__name__)


class StartError(ConfigError, SystemExit):
    """keymw cannot start.

    A server that does not catch it ends, without a traceback of a mistake
    that is in no code.
    """

    # The status of an application that cannot be loaded, for uWSGI and for
    # gunicorn: after another one they would start the worker again, for ever.
    code = 22 if 'uwsgi' in sys.modules else 4


def wrap(
    app: WSGIApplication,
    config_file: str,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> WSGIApplication:
    """Put keymw in front of a WSGI application.

    config_file is one path, or several with ";" between them. clock returns
    seconds since the epoch; sleep takes seconds.

    :raises StartError: keymw cannot start; one line says why.
    """
    with _refusal_in_one_line():
        conf = configuration.load(config_file)
        logs.start(conf, is_guest=not identity_load.is_remote(conf))
        made = build(app, conf, clock, sleep)
        storage_load.check_at_start(conf)
    for line in configuration.unknown(conf):
        LOG.warning('keymw.conf: %s', line)
    return made


@contextlib.contextmanager
def _refusal_in_one_line() -> Iterator[None]:
    """Log a ConfigError, and show it where the server was started.

    :raises StartError: instead of the ConfigError.
    """
    try:
        yield
    except ConfigError as error:
        LOG.critical('keymw cannot start: %s', error)
        if not _shows_on_standard_error(LOG):
            print(f'keymw cannot start: {error}', file=sys.stderr)
        raise StartError(str(error)) from None


def _shows_on_standard_error(logger: logging.Logger) -> bool:
    """Whether a line of a logger comes to standard error."""
    if not logger.hasHandlers():
        return True  # by the handler of last resort
    found: logging.Logger | None = logger
    while found is not None:
        for handler in found.handlers:
            if getattr(handler, 'stream', None) is sys.stderr:
                return True
        found = found.parent if found.propagate else None
    return False


def build(
    app: WSGIApplication,
    conf: cfg.ConfigOpts,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> WSGIApplication:
    """The filter that a configuration describes, in front of app.

    :raises ConfigError: the filter cannot be built; one line says why.
    """
    credentials = storage_load.credentials(conf)
    api_keys = _api_keys(conf)
    stores: list[Changes] = [credentials, *([api_keys] if api_keys else [])]
    counted = metrics_base.of(conf)
    clients = Clients(conf)
    sealing = counted.timed('vault', _vault(conf), ['seal', 'open'])
    parts = Parts(
        identity=identity_load.load(app, conf, clock),
        pipeline=counted.timed('identity', Pipeline(app), ['send', 'pass_on']),
        rules=policy.Rules(conf, families.list_rules()),
        vault=sealing,
        credentials=credentials,
        api_keys=api_keys,
        stale=StaleTokens(conf, stores, clock, sleep),
        clients=clients,
        failures=failures.Failures(conf, clients, sealing, clock),
        audit=Audit(conf, clock),
        clock=clock,
        default_domain=conf.identity.default_domain,
        v1_services=_v1_services(conf.kskey),
        validate_with_catalog=conf.kskey.validate_with_catalog,
        login_names=conf.audit.login_names,
    )
    served = families.served(conf, parts)
    if served and failures.is_partial(conf, clients):
        LOG.warning(failures.NOT_LIMITED)
    made = Filter(_advertised(app, conf), served, conf, parts)
    readiness.watch(made, app, conf, parts)
    return made


def _api_keys(conf: cfg.ConfigOpts) -> ApiKeyStore | None:
    return storage_load.api_keys(conf) if conf.api_keys.enabled else None


def _vault(conf: cfg.ConfigOpts) -> vault.Vault:
    return vault.load(conf.vault.key_repository)


def _advertised(app: WSGIApplication, conf: cfg.ConfigOpts) -> WSGIApplication:
    """The application; its list of versions has v2.0 if configured so."""
    options = conf.kskey
    if not options.advertise_v2:
        return app
    if (
        not (options.enabled and options.serve_v2)
        or identity_load.is_remote(conf)
        or conf.identity.api_version == 'v2.0'
    ):
        LOG.warning(
            '[kskey] advertise_v2 does nothing: v2.0 is not served here'
        )
        return app
    return Advertised(app)


def _v1_services(options: Any) -> dict[str, str]:
    return {
        'X-Storage-Url': options.storage_service,
        'X-CDN-Management-Url': options.cdn_service,
        'X-Server-Management-Url': options.servers_service,
    }


def filter_factory(
    global_conf: Mapping[str, str],
    config_file: str | None = None,
    **unknown: str,
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Make the filter of [filter:…] use = egg:keymw#keymw.

    config_file is taken from the section, else from [DEFAULT], else from the
    environment variable KEYMW_CONFIG_FILE.

    :raises StartError: config_file is missing, or the section has another
        option.
    """
    with _refusal_in_one_line():
        file = _only_config_file(_named(global_conf, config_file), unknown)
    return lambda app: wrap(app, file)


def _named(
    global_conf: Mapping[str, str], config_file: str | None
) -> str | None:
    return (
        config_file
        or global_conf.get('config_file')
        or os.environ.get(configuration.FILE_FROM_ENVIRONMENT)
    )


def _only_config_file(config_file: str | None, unknown: Any) -> str:
    if not config_file:
        raise ConfigError('config_file is not set in the paste ini')
    if unknown:
        raise ConfigError(
            f'unknown in the paste ini: {", ".join(sorted(unknown))}; '
            'options go into config_file'
        )
    return config_file


def metrics_factory(
    global_conf: Mapping[str, str],
    config_file: str | None = None,
    **unknown: str,
) -> WSGIApplication:
    """Make the page of metrics of [app:…] use = egg:keymw#metrics.

    config_file as in filter_factory.

    :raises StartError: config_file is missing, the section has another
        option, or metrics are off or cannot work.
    """
    with _refusal_in_one_line():
        file = _only_config_file(_named(global_conf, config_file), unknown)
        conf = configuration.load(file)
        if not conf.metrics.enabled:
            raise ConfigError(
                'egg:keymw#metrics: set [metrics] enabled = true in keymw.conf'
            )
        metrics_base.of(conf)
    from keymw.observe import metrics_prometheus

    repository = conf.vault.key_repository
    return metrics_prometheus.application(
        lambda: vault.sealing_since(repository), _counts_of(_api_keys(conf))
    )


def _counts_of(
    store: ApiKeyStore | None,
) -> Callable[[], Mapping[str, int]]:
    def count() -> Mapping[str, int]:
        now = datetime.datetime.now(datetime.UTC)
        with contextlib.suppress(Outage):
            return {} if store is None else counts.by_state(store, now)
        return {}

    return count


def health_factory(
    global_conf: Mapping[str, str], **options: str
) -> WSGIApplication:
    """Make the health checks of [app:…] use = egg:keymw#health.

    options are config_file, deadline and detailed (see etc/keymw-paste.ini).

    :raises ConfigError: an option is unknown or not valid.
    """
    return readiness.page(health.nowhere, global_conf, options)


def health_filter_factory(
    global_conf: Mapping[str, str], **options: str
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Make the same as [filter:…], which passes other requests on.

    :raises ConfigError: see health_factory.
    """
    return lambda app: readiness.page(app, global_conf, options)


def keystone_factory(
    global_conf: Mapping[str, str],
    config_file: str | None = None,
    **unknown: str,
) -> WSGIApplication:
    """Make the Keystone of [app:…] use = egg:keymw#keystone.

    Keystone's configuration is global to the process, so there is one
    application: a second call with the same file returns the first one.

    :raises StartError: an earlier call had another file, or Keystone is not
        installed.
    """
    named = config_file or global_conf.get('config_file')
    with _refusal_in_one_line(), _KEYSTONE_LOCK:
        file = os.path.abspath(_only_config_file(named, unknown))
        for other in _KEYSTONES:
            if other != file:
                raise ConfigError(
                    f'config_file: this process has a Keystone of {other}, '
                    f'and cannot have one of {file} too'
                )
        if file not in _KEYSTONES:
            _KEYSTONES[file] = _make_keystone(file)
        return _KEYSTONES[file]


# One Keystone for each process: see keystone_factory.
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
    # Keystone would parse the arguments of its server as its own.
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments
