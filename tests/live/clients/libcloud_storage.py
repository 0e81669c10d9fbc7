"""The driver of apache-libcloud for Cloud Files."""

from typing import Any

from libcloud.common.types import InvalidCredsError  # type: ignore[import-not-found]
from libcloud.storage.providers import get_driver  # type: ignore[import-not-found]
from libcloud.storage.types import Provider  # type: ignore[import-not-found]

from tests.live.clients import told


def sign_in_and_list(given: dict[str, str]) -> tuple[str, Any]:
    """List containers."""
    driver = get_driver(Provider.CLOUDFILES)(
        given['name'],
        given['key'],
        region='dfw',
        ex_force_auth_url=given['url'],
        ex_force_auth_version='2.0_apikey',
    )
    listed = driver.list_containers()
    return driver.connection.auth_token, listed


if __name__ == '__main__':
    told.run(sign_in_and_list, InvalidCredsError)
