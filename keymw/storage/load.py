"""Find the driver that an option names."""

from typing import Any

from oslo_config import cfg
from stevedore import driver
from stevedore import exception

from keymw.conf import ConfigError
from keymw.storage import base


def credentials(conf: cfg.ConfigOpts) -> base.CredentialStore:
    """The store that [storage] credentials names.

    :raises ConfigError: no such driver, or its client library is missing.
    """
    store: base.CredentialStore
    store = _driver('keymw.credential_store', conf, 'credentials')(conf)
    return store


def global_keys(conf: cfg.ConfigOpts) -> base.GlobalKeyStore:
    """The store of keys that [storage] global_keys names.

    :raises ConfigError: as credentials says.
    """
    store: base.GlobalKeyStore
    store = _driver('keymw.global_key_store', conf, 'global_keys')(conf)
    return store


def access_list(conf: cfg.ConfigOpts) -> base.AccessListStore:
    """The store of the access list that [storage] global_keys names.

    :raises ConfigError: as credentials says.
    """
    store: base.AccessListStore
    store = _driver('keymw.access_list_store', conf, 'global_keys')(conf)
    return store


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
            'which is not installed'
        ) from None
    return manager.driver


def _fail(
    _manager: object, _entry_point: object, error: BaseException
) -> None:
    raise error
