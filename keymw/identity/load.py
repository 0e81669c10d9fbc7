"""The identity service that the options of [identity] name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import cached
from keymw.identity import remote
from keymw.identity import v2
from keymw.identity import v3
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def load(
    app: WSGIApplication | None,
    conf: cfg.ConfigOpts,
    clock: Callable[[], float],
) -> cached.Cached:
    """The identity service: as dialect says, remembering its answers.

    :raises ConfigError: options of [identity] are missing, or do not go
        together.
    """
    check_options(conf)
    return cached.Cached(dialect(app, conf, clock), conf, clock)


def is_remote(conf: cfg.ConfigOpts) -> bool:
    """Whether another service is asked than the wrapped application."""
    return bool(conf.identity.transport == 'remote')


def why_no_login(conf: cfg.ConfigOpts) -> str | None:
    """Why no token can be had for the owner of a key; None: it can."""
    if is_remote(conf):
        return '[identity] transport = remote can have no token issued'
    if not conf.identity.service_user:
        return '[identity] service_user is not set'
    return None


def check_options(conf: cfg.ConfigOpts) -> None:
    """Refuse options of [identity] that do not go together.

    :raises ConfigError: they do not.
    """
    options = conf.identity
    if options.service_user and is_remote(conf):
        raise ConfigError(
            '[identity] service_user: leave it out with transport = remote, '
            'where keymw asks as the user of auth_type'
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
    """How to find the dialect of the identity service; by asking it.

    It is a WSGI application, or with transport = remote the service at
    auth_url, whatever the application is. What is found remembers no
    answers. Finding raises Unavailable where the service is out of order, or
    speaks none.

    :raises ConfigError: options of [identity] are missing, or do not fit.
    """
    modern, old = _dialects(app, conf, clock)

    def find(origin: Origin) -> v3.V3 | v2.V2:
        version = conf.identity.api_version
        if version == 'v3' or (version == 'auto' and modern.speaks(origin)):
            return modern
        if version == 'v2.0' or old.speaks(origin):
            return old
        raise base.SpeaksNeither() from ConfigError(
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
        return (
            v3.V3(far, conf, clock, far.issue),
            v2.V2(far, conf, clock, far.issue),
        )
    if app is None:
        raise ConfigError('[identity] transport: there is no pipeline to ask')
    near = Pipeline(app)
    return v3.V3(near, conf, clock), v2.V2(near, conf, clock)


def _name(conf: cfg.ConfigOpts) -> str:
    return (
        'the service at auth_url'
        if is_remote(conf)
        else 'the wrapped application'
    )
