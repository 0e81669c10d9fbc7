"""Connections to the directory: set up, TLS and bind."""

from collections.abc import Iterator
import itertools
from typing import Any

import ldap
import ldappool

from keymw.storage import base
from keymw.storage.ldap import tls
from keymw.storage.ldap.settings import Settings

# The option that an error of the directory points to; the default is url.
_BLAMED = {
    ldap.ADMINLIMIT_EXCEEDED: 'user',
    ldap.CONFIDENTIALITY_REQUIRED: 'use_tls',
    ldap.INVALID_CREDENTIALS: 'password',
    ldap.INVALID_DN_SYNTAX: 'user',
    ldap.INSUFFICIENT_ACCESS: 'user',
    ldap.NO_SUCH_OBJECT: 'user_tree_dn',
    ldap.UNDEFINED_TYPE: 'credential_objectclass',
    ldap.INVALID_SYNTAX: 'credential_objectclass',
    ldap.OBJECT_CLASS_VIOLATION: 'credential_objectclass',
    ldap.SIZELIMIT_EXCEEDED: 'user',
    ldap.UNAVAILABLE_CRITICAL_EXTENSION: 'page_size',
}


class Connection(ldappool.StateConnector):  # type: ignore[misc]
    """A connection with settings of its own that does not reconnect.

    Keystone may use the same libraries in this process, so nothing global is
    set here.
    """

    # The library must not bind and send again by itself.
    _reconnect_exceptions = ()

    def __init__(
        self, settings: Settings, _url: object, **retries: Any
    ) -> None:
        self._urls = _answering(settings)
        super().__init__(' '.join(self._urls), **retries)
        self._settings = settings
        self._failure: Exception | None = None

    def simple_bind_s(self, *args: Any, **kwargs: Any) -> None:
        """Set up and bind. require() reports a failure.

        If it were raised here, the pool would log it with its traceback.
        """
        try:
            for option, value in _options(self._settings):
                self.set_option(option, value)
            if self._settings.use_tls:
                self.start_tls_s()
            super().simple_bind_s(*args, **kwargs)
        except (ldap.LDAPError, ValueError) as error:
            self._failure = error

    def require(self) -> None:
        """Return if bound.

        :raises Outage: the connection failed; the message says why.
        """
        if self._failure is not None:
            raise self._why(self._failure) from self._failure

    def _why(self, failure: Exception) -> base.Outage:
        if isinstance(failure, ValueError):
            return base.Outage('[ldap] tls_cacertfile: TLS cannot use it')
        if isinstance(failure, self._tls_error()):
            return base.Outage(
                '[ldap] tls_cacertfile: no TLS with the directory; its '
                'certificate must be of an authority in this file, and for '
                'the host that url names'
            )
        return outage(failure)

    def _tls_error(self) -> type[Exception]:
        """Return the error of the LDAP library for a failed TLS handshake.

        A server of ldaps:// that does not respond was left out before.
        """
        if all(tls.is_from_the_start(url) for url in self._urls):
            found: type[Exception] = ldap.SERVER_DOWN
        else:
            found = ldap.CONNECT_ERROR
        return found


def _answering(settings: Settings) -> list[str]:
    """Return the URLs, starting with the first server that responds."""
    wait = settings.connection_timeout
    urls = list(
        itertools.dropwhile(
            lambda url: not tls.answers(url, wait), settings.urls
        )
    )
    if not urls:
        raise base.Outage('[ldap] url: no server answers')
    return urls


def _options(settings: Settings) -> Iterator[tuple[int, Any]]:
    yield ldap.OPT_REFERRALS, ldap.OPT_OFF
    yield ldap.OPT_NETWORK_TIMEOUT, settings.connection_timeout
    yield ldap.OPT_TIMEOUT, settings.operation_timeout
    yield ldap.OPT_X_TLS_REQUIRE_CERT, settings.check
    if settings.ca_file is not None:
        yield ldap.OPT_X_TLS_CACERTFILE, settings.ca_file
    # This option comes last: it applies the TLS options to the connection.
    yield ldap.OPT_X_TLS_NEWCTX, 0


def outage(error: Exception) -> base.Outage:
    """Return an Outage with a one-line message for an LDAP error."""
    details = error.args[0] if error.args else {'desc': 'no response in time'}
    parts = [details['desc'], details.get('info')]
    why = ': '.join(part.strip() for part in parts if part)
    if isinstance(error, ldap.SIZELIMIT_EXCEEDED | ldap.ADMINLIMIT_EXCEEDED):
        why += ': the directory must lift its limit for this DN (olcLimits, '
        why += 'nsSizeLimit and nsLookThroughLimit)'
    text = f'[ldap] {_BLAMED.get(type(error), "url")}: {why}'
    return base.NoPlace(text) if _is_of_entry(error) else base.Outage(text)


def _is_of_entry(error: Exception) -> bool:
    """Whether the error concerns one entry, so that others may succeed."""
    return isinstance(
        error,
        ldap.CONSTRAINT_VIOLATION
        | ldap.INSUFFICIENT_ACCESS
        | ldap.OBJECT_CLASS_VIOLATION,
    )
