"""Builds the identity service from the options of [identity]."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import TypeVar

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import cached
from keymw.identity import remote
from keymw.identity import trust_buyer
from keymw.identity import v2
from keymw.identity import v3
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline
from keymw.observe import metrics_base

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

T = TypeVar('T')


def load(
    app: WSGIApplication | None,
    conf: cfg.ConfigOpts,
    clock: Callable[[], float],
) -> cached.Cached:
    """The identity service of dialect(), behind a cache.

    :raises ConfigError: options of [identity] are missing or contradict
        each other.
    """
    check_options(conf)
    modern, old = _dialects(app, conf, clock)
    find = _finder(conf, modern, old)
    return cached.Cached(find, conf, clock, old.is_beside_v3)


def is_remote(conf: cfg.ConfigOpts) -> bool:
    """Whether the identity service is not the wrapped application."""
    return bool(conf.identity.transport == 'remote')


def why_no_login(conf: cfg.ConfigOpts) -> str | None:
    """The reason why logins with a key are impossible; None: possible."""
    if is_remote(conf):
        return '[identity] transport = remote can have no token issued'
    if not conf.identity.service_user:
        return '[identity] service_user is not set'
    return None


def check_options(conf: cfg.ConfigOpts) -> None:
    """Check the options of [identity] against each other.

    :raises ConfigError: two options contradict each other.
    """
    options = conf.identity
    if options.service_user and is_remote(conf):
        raise ConfigError(
            '[identity] service_user: leave it out with transport = remote, '
            'where the requests of keymw are those of the user of auth_type'
        )
    if options.service_user and not (
        options.system ^ bool(options.service_project)
    ):
        raise ConfigError(
            '[identity] service_user: set either service_project or system, '
            'where it has the role "admin"'
        )


def dialect(
    app: WSGIApplication | None,
    conf: cfg.ConfigOpts,
    clock: Callable[[], float],
) -> Callable[[Origin], v3.V3 | v2.V2]:
    """A function that probes the identity service for its dialect.

    The service is app, or with transport = remote the one at auth_url. The
    result has no cache. The function raises Unavailable if the service fails
    or speaks no known dialect.

    :raises ConfigError: options of [identity] are missing or not valid.
    """
    return _finder(conf, *_dialects(app, conf, clock))


def _finder(
    conf: cfg.ConfigOpts, modern: v3.V3, old: v2.V2
) -> Callable[[Origin], v3.V3 | v2.V2]:
    def find(origin: Origin) -> v3.V3 | v2.V2:
        version = conf.identity.api_version
        if version == 'v3' or (version == 'auto' and modern.speaks(origin)):
            return modern
        if version == 'v2.0' or old.speaks(origin):
            return old
        raise base.UnknownDialect() from ConfigError(
            f'[identity] api_version: {_name(conf)} speaks neither v3 nor '
            'v2.0 here'
        )

    return find


def _dialects(
    app: WSGIApplication | None,
    conf: cfg.ConfigOpts,
    clock: Callable[[], float],
) -> tuple[v3.V3, v2.V2]:
    if is_remote(conf):
        far = remote.Remote(conf)
        buyer = trust_buyer.TrustBuyer(
            far, remote.Remote(conf, is_scoped=False).issue, clock
        )
        return (
            _timed(conf, v3.V3(far, conf, clock, far.issue, buyer.buy)),
            _timed(conf, v2.V2(far, conf, clock, far.issue)),
        )
    if app is None:
        raise ConfigError(
            '[identity] transport: there is no pipeline to send to'
        )
    near = Pipeline(app)
    return (
        _timed(conf, v3.V3(near, conf, clock)),
        _timed(conf, v2.V2(near, conf, clock)),
    )


def _timed(conf: cfg.ConfigOpts, dialect: T) -> T:
    methods = sorted(base.Identity.__abstractmethods__)
    return metrics_base.of(conf).timed('identity', dialect, methods)


def _name(conf: cfg.ConfigOpts) -> str:
    return (
        'the service at auth_url'
        if is_remote(conf)
        else 'the wrapped application'
    )
