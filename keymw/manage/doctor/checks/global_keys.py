"""Checks of global keys, their access list and Digest."""

import time
from typing import Any

from keymw import vault
from keymw.conf import ConfigError
from keymw.global_keys import replays
from keymw.global_keys.digest import Algorithm
from keymw.global_keys.digest import is_available
from keymw.limits.client_address import Clients
from keymw.manage import access_list
from keymw.manage import global_key
from keymw.manage import row_seals
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped
from keymw.storage import load as storage_load
from keymw.storage.global_keys import OWNER


def _enabled(at: Installation) -> Any:
    """Return the options of global keys.

    :raises Skipped: global keys are disabled.
    """
    if not at.conf.global_keys.enabled:
        raise Skipped('[global_keys] enabled is off')
    return at.conf.global_keys


def _global_keys(at: Installation) -> str:
    _enabled(at)
    global_key.store(at.conf)
    access_list.store(at.conf)
    return f'driver "{at.conf.storage.global_keys}" serves'


def _owner(at: Installation) -> str:
    """Whether a key has the role of owner, which may make keys."""
    _enabled(at)
    rows = global_key.every(global_key.store(at.conf))
    owners = [row.public_key for row in rows if row.is_owner]
    if not owners:
        raise ConfigError(
            f'no global key has the role {OWNER}: run "keymw-manage '
            f'global-key create --description … --role {OWNER}"'
        )
    return f'{len(owners)} with the role {OWNER}'


def _access_list(at: Installation) -> str:
    """Whether the access list lets global keys be used from anywhere."""
    required = _enabled(at).access_list_required
    count = access_list.store(at.conf).count()
    if required and not count:
        raise ConfigError(
            'it is empty, so global keys are refused: run "keymw-manage '
            'access-list add CIDR --description …", or set [global_keys] '
            'access_list_required = false'
        )
    return f'{count} in it' if count else 'it is empty: all may come'


def _rows(at: Installation) -> str:
    """Whether the seals of keys and entries are valid."""
    _enabled(at)
    keys = vault.load(at.conf.vault.key_repository)
    changed = [
        f'{kind.seal_kind} {id_}'
        for kind in row_seals.kinds(at.conf)
        for id_ in kind.changed(keys)
    ]
    if changed:
        raise ConfigError(
            f'{len(changed)} were changed in the database or have no seal, '
            f'and are refused, the {changed[0]} first: delete them, or look '
            'at them and run "keymw-manage vault migrate --bind"'
        )
    return 'all keys and entries are as keymw wrote them'


def _client_address(at: Installation) -> str:
    """Return the source of the addresses in access list and audit lines."""
    Clients(at.conf)
    header = at.conf.client_address.remote_ip_header
    if not header:
        return 'that of the connection'
    # Only a request through the proxy would show it; doctor makes none.
    return (
        f'{header}, from the proxies; not checked, as it needs a request '
        f'through them: whether they drop {header.replace("-", "_")}, which '
        'uWSGI and a2wsgi take for it'
    )


def _replays(at: Installation) -> str:
    place = _enabled(at).replays
    memories = replays.of(at.conf, time.time)
    memories.begin()
    if place == replays.STORED and memories.reads is not memories.writes:
        storage_load.used_nonces(at.conf).check()
        return 'all workers share the record of writes, but not that of reads'
    if place in (replays.LOCAL, replays.STORED):
        return 'each worker has its own record: one worker, one node'
    return 'all workers share one record'


def _digest(at: Installation) -> str:
    """Whether this Python has the configured Digest algorithms."""
    offered = _enabled(at).algorithms
    for name in offered:
        if not is_available(Algorithm(name)):
            raise ConfigError(
                f'[global_keys] algorithms: this Python has no {name}'
            )
    return f'{", ".join(offered)} available'


CHECKS = (
    Check('global keys', _global_keys),
    Check('owner', _owner, needs=('global keys',)),
    Check('access list', _access_list, needs=('global keys',)),
    Check('sealed rows', _rows, needs=('global keys', 'vault'), gate=_enabled),
    Check('client address', _client_address),
    Check('replays', _replays, needs=('global keys',)),
    Check('Digest', _digest),
)
