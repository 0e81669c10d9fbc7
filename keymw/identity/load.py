"""The identity service by the options of [identity]."""

from __future__ import annotations

from collections.abc import Callable
import logging
from typing import TYPE_CHECKING

from oslo_config import cfg

from keymw import faults
from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import cached
from keymw.identity import v2
from keymw.identity import v3
from keymw.identity.transport import Origin
from keymw.identity.transport import Pipeline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger(__name__)


def load(
    app: WSGIApplication, conf: cfg.ConfigOpts, clock: Callable[[], float]
) -> base.Identity:
    """The identity service that a WSGI application is.

    :raises ConfigError: options of [identity] do not go together.
    """
    check_options(conf)
    return cached.Cached(dialect(app, conf, clock), conf, clock)


def check_options(conf: cfg.ConfigOpts) -> None:
    """Refuse options of [identity] that do not go together.

    :raises ConfigError: they do not.
    """
    options = conf.identity
    if options.service_user and not (
        options.system ^ bool(options.service_project)
    ):
        raise ConfigError(
            '[identity] service_user: set either service_project or system, '
            'where it has the role "admin"'
        )


def dialect(
    app: WSGIApplication, conf: cfg.ConfigOpts, clock: Callable[[], float]
) -> Callable[[Origin], v3.V3 | v2.V2]:
    """How to find the dialect that a WSGI application speaks; by asking it.

    What is found remembers no answers. Finding raises Unavailable where the
    application is out of order, or speaks none.
    """
    transport = Pipeline(app)
    modern = v3.V3(transport, conf, clock)
    old = v2.V2(transport, conf, clock)

    def find(origin: Origin) -> v3.V3 | v2.V2:
        version = conf.identity.api_version
        if version == 'v3' or (version == 'auto' and modern.speaks(origin)):
            return modern
        if version == 'v2.0' or old.speaks(origin):
            return old
        problem = ConfigError(
            '[identity] api_version: the wrapped application speaks neither '
            'v3 nor v2.0 here'
        )
        LOG.error('%s', problem)
        raise faults.Unavailable(
            'The identity service cannot answer now.'
        ) from problem

    return find
