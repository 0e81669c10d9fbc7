"""The compute driver of apache-libcloud for Rackspace."""

from typing import Any

from libcloud.common.types import InvalidCredsError  # type: ignore[import-not-found]
from libcloud.compute.providers import get_driver  # type: ignore[import-not-found]
from libcloud.compute.types import Provider  # type: ignore[import-not-found]

from tests.live.clients import told


def sign_in_and_list(given: dict[str, str]) -> tuple[str, Any]:
    """List servers, sizes and images."""
    driver = get_driver(Provider.RACKSPACE)(
        given['name'],
        given['key'],
        region='dfw',
        ex_force_auth_url=given['url'],
        ex_force_auth_version='2.0_apikey',
    )
    listed = [driver.list_nodes(), driver.list_sizes(), driver.list_images()]
    return driver.connection.auth_token, listed


if __name__ == '__main__':
    told.run(sign_in_and_list, InvalidCredsError)
