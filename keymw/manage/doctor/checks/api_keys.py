"""Checks of API keys and of the trusts behind them."""

from collections.abc import Iterator
import importlib
from importlib import metadata
import sys
from typing import Any

from keymw.api_keys import service
from keymw.conf import ConfigError
from keymw.conf import Options
from keymw.identity import load as identity_load
from keymw.identity import v3
from keymw.manage import pipeline
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped
from keymw.storage import load as storage_load
from keymw.storage.api_keys import Filter

_CACHES = ('token', 'revoke', 'identity', 'assignment', 'role')
# The backends of a cache that each worker has for itself.
_OWN = ('oslo_cache.dict', 'dogpile.cache.memory')
_CAPS = 30
# The name that "keystone-manage bootstrap" gives to the first person.
_PERSON = 'admin'


def _enabled(at: Installation) -> Options:
    """Return the options of API keys.

    :raises Skipped: API keys are disabled.
    """
    if not at.conf.api_keys.enabled:
        raise Skipped('[api_keys] enabled is off')
    options: Options = at.conf.api_keys
    return options


def _api_keys(at: Installation) -> str:
    _enabled(at)
    service.check_options(at.conf)
    storage_load.api_keys(at.conf).check()
    return f'driver "{at.conf.storage.api_keys}" serves'


def _trustee(at: Installation) -> str:
    """Whether service_user is a user of its own, for whom trusts can be."""
    _enabled(at)
    if not isinstance(at.dialect, v3.V3):
        raise ConfigError(
            '[api_keys] enabled: there are no trusts in Identity v2.0'
        )
    user = pipeline.check_service_user(at.conf, at.dialect, pipeline.origin())
    if user.name == _PERSON:
        raise ConfigError(
            f'[identity] service_user: "{user.name}" is a person, who could '
            'use every API key: make a user of its own'
        )
    owned = storage_load.api_keys(at.conf).page('', 1, Filter(user_id=user.id))
    if owned or storage_load.credentials(at.conf).get(user.id):
        raise ConfigError(
            f'[identity] service_user: "{user.name}" owns a key, with which '
            'all other keys could be used: delete it, or name another user'
        )
    return f'"{user.name}" owns no key'


def _caches(at: Installation) -> str:
    """Whether all workers of Keystone see at once that a trust is gone."""
    _enabled(at)
    if identity_load.is_remote(at.conf):
        raise Skipped(
            f'see that [{"], [".join(_CACHES)}] of keystone.conf have '
            'caching = false, or a cache that all workers share'
        )
    late = list(_late(at))
    if late:
        raise ConfigError(
            f'caching: [{"], [".join(late)}] of keystone.conf have a cache '
            'in each worker, so a token of a deleted key lives on in others: '
            'set caching = false there, or a backend that all share'
        )
    return 'the tokens of a deleted key end in all workers at once'


def _late(at: Installation) -> Iterator[str]:
    conf = _keystone_conf(at)
    if conf is None or not conf.cache.enabled:
        return
    if conf.cache.backend in _OWN:
        yield from (name for name in _CACHES if conf[name].caching)


def _keystone_conf(at: Installation) -> Any:
    """Return the options of the Keystone in this process, or None."""
    if at.app is None or 'keystone.server' not in sys.modules:
        return None
    return importlib.import_module('keystone.conf').CONF


def _release(at: Installation) -> str:
    """What the release of Keystone lets a token of a key do."""
    _enabled(at)
    if identity_load.is_remote(at.conf):
        return (
            f'before release {_CAPS}, Keystone lets a token of a key make '
            'credentials and live past the end of the key; every release '
            'lets it delete trusts. Clients that reach Keystone without '
            'keymw pass the fence by'
        )
    try:
        release = int(metadata.version('keystone').partition('.')[0])
    except (metadata.PackageNotFoundError, ValueError):
        raise Skipped('there is no Keystone here to see') from None
    if release >= _CAPS:
        return f'Keystone {release} ends a token with its key'
    return (
        f'Keystone {release} lets a token live past the end of its key, '
        'until "keymw-manage api-key purge" or the next login with the key'
    )


CHECKS = (
    Check('API keys', _api_keys),
    Check(
        'trustee', _trustee, needs=('API keys', 'service_user'), gate=_enabled
    ),
    Check('caches of Keystone', _caches, needs=('Keystone',), gate=_enabled),
    Check('release of Keystone', _release, needs=('Keystone',), gate=_enabled),
)
