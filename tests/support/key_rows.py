"""API keys in the database, as requests stored them once."""

import datetime
from typing import Any

from keymw import conf
from keymw import vault
from keymw.api_keys import keys
from keymw.storage.sql.api_keys import SqlApiKeys
from tests.contract.api_keys import key
from tests.support.deployment import Deployment

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


def give(made: Deployment, key_id: str, **changes: Any) -> SqlApiKeys:
    """Store a key with sealed secrets, as a request did once."""
    loaded = conf.load(str(made.conf_file))
    sealing = vault.load(loaded.vault.key_repository)
    user_id = changes.get('user_id', 'ann')
    changes.setdefault('created_at', NOW - 100 * DAY)
    changes.setdefault('expires_at', None)
    changes['secret'] = keys.seal_secret(sealing, user_id, key_id, 'secret')
    store = SqlApiKeys(loaded)
    store.add(keys.bound(sealing, key(key_id, **changes)))
    return store
