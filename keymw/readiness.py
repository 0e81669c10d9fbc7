"""What a filter needs to answer: its store, its vault, its identity service.

Paste and oslo.middleware build a health check apart from the filter, so the
filters of a process are found here.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import os
from typing import TYPE_CHECKING
from typing import Any
import weakref

from oslo_config import cfg

from keymw import vault
from keymw.call import Parts
from keymw.conf import ConfigError
from keymw.conf import files
from keymw.identity import load as identity_load
from keymw.identity.cached import Cached
from keymw.identity.transport import Origin
from keymw.observe import health
from keymw.observe.health import Checks
from keymw.observe.health import Health
from keymw.observe.health import Results
from keymw.storage import load as storage_load

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DEADLINE = 0.5
MOST_SECONDS = 3600
# The filters of this process, as long as each is in use.
_FILTERS: weakref.WeakKeyDictionary[Any, tuple[tuple[str, ...], Checks]] = (
    weakref.WeakKeyDictionary()
)
_NOBODY = '0' * 24
_ORIGIN = Origin(
    {
        'REMOTE_ADDR': '127.0.0.1',
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.url_scheme': 'http',
    },
    '/v2.0',
    'req-00000000-0000-0000-0000-000000000000',
)


def watch(
    filter_: WSGIApplication,
    app: WSGIApplication,
    conf: cfg.ConfigOpts,
    parts: Parts,
) -> None:
    """Make the checks of a filter in front of app known to this process."""
    checks = Checks(
        {
            'store': _store(conf, parts),
            'vault': lambda: vault.load(conf.vault.key_repository),
            'identity': _identity(app, conf, parts),
        }
    )
    _FILTERS[filter_] = (_names(conf.config_file), checks)


def run(deadline: float, config_file: str | None = None) -> Results:
    """Run the checks of the filters of this process.

    config_file  only those of the filters with it; None: of all
    deadline     seconds for each check; all run at once
    """
    wanted = config_file and _names(files.expand(config_file))
    results: dict[str, str] = {}
    for names, checks in list(_FILTERS.values()):
        if wanted is None or names == wanted:
            for name, result in checks.run(deadline).items():
                if results.get(name, health.OK) == health.OK:
                    results[name] = result
    return results


def page(
    app: WSGIApplication,
    global_conf: Mapping[str, str],
    options: Mapping[str, str],
) -> Health:
    """The health checks in front of app, by the options of a paste ini.

    config_file  only filters with this file; default: all of the process
    deadline     seconds for each check; default: 0.5
    detailed     whether the page names each check; default: false

    :raises ConfigError: an option is unknown or not valid.
    """
    left = dict(options)
    file = left.pop('config_file', None) or global_conf.get('config_file')
    deadline = _seconds(left.pop('deadline', str(DEADLINE)))
    detailed = left.pop('detailed', 'false').lower()
    if left or detailed not in ('true', 'false'):
        raise ConfigError(
            'egg:keymw#health: its options are config_file, deadline, and '
            'detailed = true or false'
        )
    return Health(
        lambda: run(deadline, file), app, is_detailed=detailed == 'true'
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < MOST_SECONDS:
        raise ConfigError(
            f'egg:keymw#health: deadline = {text} is no number of seconds '
            f'below {MOST_SECONDS}'
        )
    return seconds


def _names(config_files: list[str]) -> tuple[str, ...]:
    return tuple(os.path.abspath(name) for name in config_files)


def _store(conf: cfg.ConfigOpts, parts: Parts) -> Callable[[], object]:
    """Reads rows that are not there, of each kind, as a request does."""
    stores: list[Any] = [parts.credentials]
    if parts.api_keys is not None:
        stores.append(parts.api_keys)
    if conf.global_keys.enabled:
        stores.append(storage_load.global_keys(conf))
    return lambda: [store.get(_NOBODY) for store in stores]


def _identity(
    app: WSGIApplication, conf: cfg.ConfigOpts, parts: Parts
) -> Callable[[], object]:
    if conf.identity.service_user or identity_load.is_remote(conf):
        return _AsServiceUser(parts.identity)
    find = identity_load.dialect(app, conf, parts.clock)
    return lambda: find(_ORIGIN)


class _AsServiceUser:
    """Looks up the user that keymw asks as: Keystone reads its database."""

    def __init__(self, identity: Cached) -> None:
        self._identity = identity
        self._id: str | None = None

    def __call__(self) -> None:
        known, self._id = self._id, None
        id_ = known or self._identity.service(_ORIGIN).user_id
        self._identity.present(_ORIGIN, id_, None)
        self._id = id_
