"""keystoneauth1 with rackspaceauth."""

from typing import Any

from keystoneauth1 import exceptions
from keystoneauth1 import session
from rackspaceauth import v2  # type: ignore[import-not-found]

from tests.live.clients import told


def sign_in_and_list(given: dict[str, str]) -> tuple[str, Any]:
    """List containers and servers; let the token be checked by itself."""
    auth_url = f'{given["url"]}/v2.0/'
    auth = v2.APIKey(given['name'], given['key'], auth_url=auth_url)
    asking = session.Session(auth)
    token = str(asking.get_token())
    seen = v2.validate(asking, token, auth_url=auth_url)
    assert seen['access']['user']['name'] == given['name']
    containers = asking.get(
        '?format=json', endpoint_filter={'service_type': 'object-store'}
    )
    servers = asking.get(
        '/servers', endpoint_filter={'service_type': 'compute'}
    )
    return token, [containers.json(), servers.json()['servers']]


if __name__ == '__main__':
    told.run(sign_in_and_list, exceptions.Unauthorized)
