"""opsmanager, which only reads."""

import json
import sys
from typing import Any

from opsmanager import OpsManagerClient  # type: ignore[import-not-found]
from opsmanager.errors import OpsManagerError  # type: ignore[import-not-found]


def read(given: dict[str, str]) -> list[Any]:
    """All keys and the last of them, all entries and the first of them."""
    client = OpsManagerClient(
        base_url=given['url'],
        public_key=given['public_key'],
        private_key=given['private_key'],
        rate_limit=0,
        retry_count=0,
    )
    admin = client.global_admin
    keys = list(admin.list_api_keys(items_per_page=2))
    entries = list(admin.list_whitelist())
    key = admin.get_api_key(keys[-1].id)
    entry = admin.get_whitelist_entry(entries[0].id)
    return [keys, entries, key, entry]


if __name__ == '__main__':
    try:
        told = read(json.load(sys.stdin))
    except OpsManagerError as error:
        told = [type(error).__name__]
    print(json.dumps(told, default=vars))
