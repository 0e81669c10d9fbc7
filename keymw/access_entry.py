"""Entries of the access list: how one is made, and what is a network."""

import datetime
import ipaddress
import re

from oslo_config import cfg

from keymw import keys
from keymw.storage.base import AccessEntry
from keymw.storage.base import Address

_NETWORK = re.compile(r'[0-9A-Fa-f:.]+(/[0-9]{1,3})?', re.ASCII)
_MAPPED = ipaddress.IPv6Network('::ffff:0:0/96')


def new(
    conf: cfg.ConfigOpts,
    cidr_block: str,
    description: str,
    now: datetime.datetime,
) -> AccessEntry:
    """An entry for a network, or for a single address.

    :raises ValueError: as network says.
    """
    return AccessEntry(
        id=keys.new_id(now),
        cidr_block=cidr_block,
        network=network(conf, cidr_block),
        description=description,
        created_at=now,
        updated_at=now,
    )


def network(conf: cfg.ConfigOpts, text: str) -> str:
    """A network in the one spelling by which entries are compared.

    One with host bits is none: what is meant by it cannot be told.

    :raises ValueError: it is no network, or one that
        [global_keys] refuse_zero_prefix refuses.
    """
    if _NETWORK.fullmatch(text) is None:
        raise ValueError('it is no network')
    found = _unmapped(ipaddress.ip_network(text))
    if conf.global_keys.refuse_zero_prefix and not found.prefixlen:
        raise ValueError(
            'it is all there is, which [global_keys] refuse_zero_prefix '
            'refuses'
        )
    return str(found)


def _unmapped(
    found: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    # The addresses of clients are unmapped too.
    if isinstance(found, ipaddress.IPv4Network):
        return found
    if not found.subnet_of(_MAPPED):
        return found
    first = int(found.network_address) & 0xFFFFFFFF
    return ipaddress.IPv4Network((first, found.prefixlen - 96))


def address(text: str) -> Address:
    """An address; an IPv4 one in the guise of IPv6 is an IPv4 one.

    :raises ValueError: it is none.
    """
    found = ipaddress.ip_address(text)
    mapped = getattr(found, 'ipv4_mapped', None)
    return mapped or found
