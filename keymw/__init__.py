"""API keys in front of an identity service, as WSGI middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def wrap(app: WSGIApplication, config_file: str) -> WSGIApplication:
    """Put keymw in front of a WSGI application.

    :raises keymw.conf.ConfigError: keymw cannot start; one line says why.
    """
    # Import the filter on first use: keymw.client is also imported where
    # the server's libraries are not installed.
    from keymw import factory

    return factory.wrap(app, config_file)
