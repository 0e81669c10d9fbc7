"""A connection to the directory, set up and bound."""

from collections.abc import Iterator
import itertools
from typing import Any

import ldap
import ldappool

from keymw.storage import base
from keymw.storage.ldap import tls
from keymw.storage.ldap.settings import Settings

# What an error of the directory says of the options; else it is the url.
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
    """A connection that fails plainly, set up apart from all others.

    Keystone may use the same libraries in this process: nothing global is
    set here.
    """

    # No binding and sending again behind our back.
    _reconnect_exceptions = ()

    def __init__(
        self, settings: Settings, _url: object, **retries: Any
    ) -> None:
        self._urls = _answering(settings)
        super().__init__(' '.join(self._urls), **retries)
        self._settings = settings
        self._failure: Exception | None = None

    def simple_bind_s(self, *args: Any, **kwargs: Any) -> None:
        """Set up and bind; a failure is kept until require().

        Raised here it would be logged with its traceback, by the pool.
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
        """Return when bound.

        :raises Outage: the connection could not be made; it says why.
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
        """What the LDAP library raises when TLS fails, and says no more.

        A server of ldaps:// that does not answer was left out before.
        """
        if all(tls.is_from_the_start(url) for url in self._urls):
            found: type[Exception] = ldap.SERVER_DOWN
        else:
            found = ldap.CONNECT_ERROR
        return found


def _answering(settings: Settings) -> list[str]:
    """The URLs from the first on that answers."""
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
    # Last: it makes what was set above hold for this connection.
    yield ldap.OPT_X_TLS_NEWCTX, 0


def outage(error: Exception) -> base.Outage:
    """The one line that an error of the LDAP library comes to."""
    said = error.args[0] if error.args else {'desc': 'no answer in time'}
    parts = [said['desc'], said.get('info')]
    why = ': '.join(part.strip() for part in parts if part)
    return base.Outage(f'[ldap] {_BLAMED.get(type(error), "url")}: {why}')
