"""Where a request comes from, behind proxies or not (ops-manager, 6.5)."""

from collections.abc import Mapping
import ipaddress
from typing import Any

from oslo_config import cfg

from keymw import access_entry
from keymw.conf import ConfigError
from keymw.storage.base import Address


class Clients:
    """Finds the addresses of clients as [global_keys] tells it to."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Read the options.

        :raises ConfigError: a trusted proxy is no address and no network,
            or a header is named and no proxy to believe it from.
        """
        options = conf.global_keys
        self._name = _environ_name(options.remote_ip_header)
        self._trusted = [_network(text) for text in options.trusted_proxies]
        if self._name and not self._trusted:
            raise ConfigError(
                '[global_keys] remote_ip_header: no request is believed '
                'while trusted_proxies is empty'
            )

    def find(self, environ: Mapping[str, Any]) -> Address | None:
        """The address of a client; None where it cannot be told.

        That is the last one before the first proxy, told by proxies that
        are all trusted.
        """
        hops = [str(environ.get('REMOTE_ADDR', ''))]
        if self._name and self._name in environ:
            hops = [*str(environ[self._name]).split(','), *hops]
        found = None
        for hop in reversed(hops):
            try:
                found = access_entry.address(hop.strip())
            except ValueError:
                return None
            if not any(found in network for network in self._trusted):
                return found
        return found


def _environ_name(header: str | None) -> str | None:
    if not header:
        return None
    return f'HTTP_{header.strip().upper().replace("-", "_")}'


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ConfigError(
            f'[global_keys] trusted_proxies: "{text}" is no address and no '
            'network'
        ) from None
