"""openstacksdk with v3apikey, set up in the call or by clouds.yaml."""

from typing import Any

from keystoneauth1 import exceptions
import openstack

from tests.live.clients import told


def sign_in_and_list(given: dict[str, str]) -> tuple[str, Any]:
    """List containers, servers and flavours."""
    cloud = connect(given)
    listed = [
        list(cloud.object_store.containers()),
        list(cloud.compute.servers()),
        list(cloud.compute.flavors()),
    ]
    return str(cloud.auth_token), listed


def connect(given: dict[str, str]) -> openstack.connection.Connection:
    if 'cloud' in given:
        return openstack.connect(cloud=given['cloud'])
    return openstack.connect(
        load_yaml_config=False,
        auth_type='v3apikey',
        auth_url=f'{given["url"]}/v3',
        username=given['name'],
        user_domain_id='default',
        project_name='demo',
        project_domain_id='default',
        api_key=given['key'],
        region_name='RegionOne',
    )


if __name__ == '__main__':
    told.run(sign_in_and_list, exceptions.Unauthorized)
