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
    name = conf.storage.credentials
    try:
        manager: driver.DriverManager[Any]
        manager = driver.DriverManager(
            'keymw.credential_store',
            name,
            on_load_failure_callback=_fail,
        )
    except exception.NoMatches:
        raise ConfigError(
            f'[storage] credentials: there is no driver "{name}"'
        ) from None
    except ImportError as error:
        raise ConfigError(
            f'[storage] credentials: driver "{name}" needs {error.name}, '
            'which is not installed'
        ) from None
    store: base.CredentialStore = manager.driver(conf)
    return store


def _fail(
    _manager: object, _entry_point: object, error: BaseException
) -> None:
    raise error
