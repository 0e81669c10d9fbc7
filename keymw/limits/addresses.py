"""Parsing of IPv4 and IPv6 addresses and networks of clients."""

import functools
import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED = ipaddress.IPv6Network('::ffff:0:0/96')


def unmapped(found: Network) -> Network:
    """A network; an IPv4-mapped IPv6 network becomes an IPv4 network."""
    if isinstance(found, ipaddress.IPv4Network):
        return found
    if not found.subnet_of(_MAPPED):
        return found
    first = int(found.network_address) & 0xFFFFFFFF
    return ipaddress.IPv4Network((first, found.prefixlen - 96))


# A few proxies and clients send most of the requests.
@functools.lru_cache(maxsize=1024)
def address(text: str) -> Address:
    """Parse an address; an IPv4-mapped IPv6 address becomes IPv4.

    :raises ValueError: the text is not an address.
    """
    found = ipaddress.ip_address(text)
    mapped = getattr(found, 'ipv4_mapped', None)
    return mapped or found
