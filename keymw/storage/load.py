"""Load the storage driver that an option names."""

import abc
from collections.abc import Iterable
from typing import Any
from typing import TypeVar

from oslo_config import cfg
from stevedore import driver
from stevedore import exception

from keymw.conf import ConfigError
from keymw.observe import metrics_base
from keymw.storage import api_keys as api_key_store
from keymw.storage import base
from keymw.storage.global_keys import AccessListStore
from keymw.storage.global_keys import GlobalKeyStore
from keymw.storage.global_keys import UsedNonceStore

T = TypeVar('T')


def credentials(conf: cfg.ConfigOpts) -> base.CredentialStore:
    """Return the store that [storage] credentials names.

    :raises ConfigError: no such driver, or its client library is missing.
    """
    store: base.CredentialStore
    store = _driver('keymw.credential_store', conf, 'credentials')(conf)
    return _timed(conf, store, base.CredentialStore, 'credentials', ['renew'])


def global_keys(conf: cfg.ConfigOpts) -> GlobalKeyStore:
    """Return the store of keys that [storage] global_keys names.

    :raises ConfigError: see credentials.
    """
    store: GlobalKeyStore
    store = _driver('keymw.global_key_store', conf, 'global_keys')(conf)
    return _timed(conf, store, GlobalKeyStore, 'global_keys')


def access_list(conf: cfg.ConfigOpts) -> AccessListStore:
    """Return the store of the access list that [storage] global_keys names.

    :raises ConfigError: see credentials.
    """
    store: AccessListStore
    store = _driver('keymw.access_list_store', conf, 'global_keys')(conf)
    return _timed(conf, store, AccessListStore, 'access_list')


def used_nonces(conf: cfg.ConfigOpts) -> UsedNonceStore:
    """Return the store of used nonces that [storage] global_keys names.

    :raises ConfigError: see credentials.
    """
    store: UsedNonceStore
    store = _driver('keymw.used_nonce_store', conf, 'global_keys')(conf)
    return _timed(conf, store, UsedNonceStore, 'used_nonces')


def api_keys(conf: cfg.ConfigOpts) -> api_key_store.ApiKeyStore:
    """Return the store of keys that [storage] api_keys names.

    :raises ConfigError: see credentials.
    """
    store: api_key_store.ApiKeyStore
    store = _driver('keymw.api_key_store', conf, 'api_keys')(conf)
    return _timed(conf, store, api_key_store.ApiKeyStore, 'api_keys')


def _timed(
    conf: cfg.ConfigOpts,
    store: T,
    promised: abc.ABCMeta,
    name: str,
    more: Iterable[str] = (),
) -> T:
    # The methods of the interface that a driver must have, or a request uses.
    methods = sorted({*promised.__abstractmethods__, *more})
    return metrics_base.of(conf).timed('store', store, methods, name)


def check_at_start(conf: cfg.ConfigOpts) -> None:
    """Check what can be known of the stores before the first request.

    :raises ConfigError: a store was never set up.
    """
    credentials(conf).check_at_start()
    if not conf.global_keys.enabled:
        return
    if conf.storage.global_keys != conf.storage.credentials:
        global_keys(conf).check_at_start()


def _driver(group: str, conf: cfg.ConfigOpts, option: str) -> Any:
    name = conf.storage[option]
    try:
        manager: driver.DriverManager[Any]
        manager = driver.DriverManager(
            group,
            name,
            on_load_failure_callback=_fail,
        )
    except exception.NoMatches:
        raise ConfigError(
            f'[storage] {option}: there is no driver "{name}"'
        ) from None
    except ImportError as error:
        raise ConfigError(
            f'[storage] {option}: driver "{name}" needs {error.name}, '
            f"which is not installed: pip install 'keymw[{name}]'"
        ) from None
    return manager.driver


def _fail(
    _manager: object, _entry_point: object, error: BaseException
) -> None:
    raise error
