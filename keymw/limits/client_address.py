"""The address of the client, directly connected or behind proxies.

Source: doc/contract/ops-manager-global-keys 6.5.
"""

from collections.abc import Callable
from collections.abc import Mapping
import functools
import ipaddress
import re
from typing import Any

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.limits import addresses
from keymw.storage.global_keys import Address

_HEADER = re.compile('[A-Za-z0-9-]+', re.ASCII)
# Some proxies append a port: 192.0.2.1:567, [2001:db8::1]:567.
_MEMBER = re.compile(
    r'\[(?P<v6>[^\[\]]+:[^\[\]]*)\](?::[0-9]{1,5})?'
    r'|(?P<v4>[0-9.]+):[0-9]{1,5}'
    r'|(?P<bare>[^\[\]]+)',
    re.ASCII,
)
_LONGEST = 64
# A few proxies and clients send most of the requests.
_CACHED = 1024
# Clients can make a header long, and all of them different.
_LONGEST_CACHED = 256


class Unreadable(Exception):  # noqa: N818, it says what the text is
    """The client's address is not readable; text is the value found.

    The message is one line of ASCII that quotes the value.
    """

    def __init__(self, text: str, why: str) -> None:
        super().__init__(why)
        self.text = text[:_LONGEST]


class Clients:
    """Determines the addresses of clients by [client_address].

    is_configured: a header has the address; proxies are known.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Read the options.

        :raises ConfigError: an option is not valid, or contradicts another;
            the message names it and its value.
        """
        options = conf.client_address
        self._header = (options.remote_ip_header or '').strip()
        self._hops = options.trusted_hops
        self._trusted = [_network(text) for text in options.trusted_proxies]
        self._check()
        name = self._header.upper().replace('-', '_')
        self._name = f'HTTP_{name}' if name else None
        self.is_configured = bool(name)
        self._show = functools.lru_cache(_CACHED)(self._shown)

    def _check(self) -> None:
        header, has_proxies = self._header, bool(self._trusted)
        if self._hops and has_proxies:
            raise _refusal(
                'trusted_hops',
                f'{self._hops} proxies are counted, and trusted_proxies names '
                'them: set one of the two',
            )
        if self._hops and not header:
            raise _refusal(
                'trusted_hops',
                f'{self._hops} without remote_ip_header: name the header',
            )
        if header and not _HEADER.fullmatch(header):
            raise _refusal(
                'remote_ip_header', f'{_quoted(header)} is no name of a header'
            )
        if header and not (self._hops or has_proxies):
            raise _refusal(
                'remote_ip_header',
                f'no proxy may send "{header}": set trusted_proxies or '
                'trusted_hops',
            )

    def find(self, environ: Mapping[str, Any]) -> Address:
        """The address of the client that sent a request.

        The trusted proxies at the end of the chain are skipped; the client is
        the last address before them.

        :raises Unreadable: a value is not an address, or the header has too
            few of them.
        """
        return self._find(*self._chain(environ))

    def _chain(self, environ: Mapping[str, Any]) -> tuple[str | None, str]:
        """The header, None if there is none, and the connection's address."""
        header = environ.get(self._name) if self._name else None
        return header, environ.get('REMOTE_ADDR') or ''

    def _find(self, header: str | None, connection: str) -> Address:
        hops = [connection]
        if header is not None:
            hops = [*header.split(','), *hops]
        return self._counted(hops) if self._hops else self._named(hops)

    def shown(self, environ: Mapping[str, Any]) -> str:
        """The address of the client for a log, as find() has it.

        If that is unreadable, the address of the connection; "-" for none.
        """
        header, connection = self._chain(environ)
        if header is not None and len(header) > _LONGEST_CACHED:
            return self._shown(header, connection)
        return self._show(header, connection)

    def _shown(self, header: str | None, connection: str) -> str:
        try:
            return str(self._find(header, connection))
        except Unreadable:
            return connection or '-'

    def _counted(self, hops: list[str]) -> Address:
        if len(hops) <= self._hops:
            raise Unreadable(
                ','.join(hops[:-1]),
                f'{self._header} has {len(hops) - 1} addresses and [client_'
                f'address] trusted_hops is {self._hops}',
            )
        return _address_of(hops[-1 - self._hops], self._header, read)

    def _named(self, hops: list[str]) -> Address:
        found = _address_of(hops.pop(), 'the connection', addresses.address)
        while hops and any(found in network for network in self._trusted):
            found = _address_of(hops.pop(), self._header, read)
        return found


def _address_of(
    text: str, place: str, reader: Callable[[str], Address]
) -> Address:
    text = text.strip(' \t')
    try:
        return reader(text)
    except ValueError:
        raise Unreadable(
            text, f'{_quoted(text)} of {place} is no address'
        ) from None


def read(text: str) -> Address:
    """Parse a member of X-Forwarded-For; port and zone are dropped.

    :raises ValueError: the member is not an address.
    """
    member = _MEMBER.fullmatch(text)
    if member is None:
        raise ValueError('it is no address')
    found = addresses.address(next(filter(None, member.groups())))
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        # The zone names the link, which is not part of the client's identity.
        return addresses.address(str(ipaddress.IPv6Address(int(found))))
    return found


def _quoted(text: str) -> str:
    """Text from outside, as one short line of ASCII."""
    return ascii(text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...')


def _refusal(option: str, why: str) -> ConfigError:
    return ConfigError(f'[client_address] {option}: {why}')


def _network(text: str) -> addresses.Network:
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _refusal(
            'trusted_proxies', f'{_quoted(text)} is no address and no network'
        ) from None
    if str(found.network_address) != str(
        ipaddress.ip_address(text.partition('/')[0])
    ):
        raise _refusal(
            'trusted_proxies',
            f'"{text}" has bits set beyond its network: "{found}" is meant, '
            'or the address alone',
        )
    return addresses.unmapped(found)
