"""python-swiftclient with the login of v1.0.

Its login of v2.0 knows passwords alone, so no key can be sent with that.
"""

from typing import Any

from swiftclient import client  # type: ignore[import-not-found]

from tests.live.clients import told


def sign_in_and_list(given: dict[str, str]) -> tuple[str, Any]:
    """List containers."""
    store = client.Connection(
        authurl=f'{given["url"]}/v1.0',
        user=given['name'],
        key=given['key'],
        auth_version='1',
    )
    _headers, listed = store.get_account()
    return store.token, listed


if __name__ == '__main__':
    told.run(sign_in_and_list, client.ClientException)
