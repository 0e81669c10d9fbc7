"""Entries of the access list: making, sealing and parsing them."""

import dataclasses
import datetime
import ipaddress
import re

from oslo_config import cfg

from keymw import row_seal
from keymw.global_keys import keys
from keymw.limits import addresses
from keymw.storage.global_keys import AccessEntry
from keymw.vault import Vault

ROW = 'entry of the access list'
_NETWORK = re.compile(r'[0-9A-Fa-f:.]+(/[0-9]{1,3})?', re.ASCII)


def new(
    conf: cfg.ConfigOpts,
    vault: Vault,
    cidr_block: str,
    description: str,
    now: datetime.datetime,
) -> AccessEntry:
    """Return a sealed entry for a network or a single address.

    :raises ValueError: see network.
    """
    made = AccessEntry(
        id=keys.new_id(now),
        cidr_block=cidr_block,
        network=network(conf, cidr_block),
        description=description,
        created_at=now,
        updated_at=now,
    )
    return bound(vault, made)


def bound(vault: Vault, entry: AccessEntry) -> AccessEntry:
    """Return an entry with the seal of its network and description."""
    seal = row_seal.make(vault, ROW, entry.id, _content(entry))
    return dataclasses.replace(entry, seal=seal)


def check(vault: Vault, entry: AccessEntry) -> None:
    """Return if the seal of an entry is valid.

    :raises CannotOpen: see row_seal.check.
    """
    row_seal.check(vault, ROW, entry.id, _content(entry), entry.seal)


def _content(entry: AccessEntry) -> list[str]:
    return [entry.cidr_block, entry.network, entry.description]


def network(conf: cfg.ConfigOpts, text: str) -> str:
    """Return a network in its canonical spelling, for comparison.

    A network with host bits is refused, because its meaning is not clear.

    :raises ValueError: the text is no network, or it is one that
        [global_keys] refuse_zero_prefix refuses.
    """
    if _NETWORK.fullmatch(text) is None:
        raise ValueError('it is no network')
    parsed = addresses.unmapped(ipaddress.ip_network(text))
    if conf.global_keys.refuse_zero_prefix and not parsed.prefixlen:
        raise ValueError(
            'it is all there is, which [global_keys] refuse_zero_prefix '
            'refuses'
        )
    return str(parsed)
