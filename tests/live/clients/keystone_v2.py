"""python-keystoneclient by v2.0, which takes its URL from the catalogue."""

import json
import sys

from keystoneclient.v2_0 import client

given = json.load(sys.stdin)
keystone = client.Client(
    username=given['name'],
    password=given['password'],
    tenant_name=given['tenant'],
    auth_url=f'{given["url"]}/v2.0',
)
lists = {
    'tenants': [tenant.name for tenant in keystone.tenants.list()],
    'users': [user.name for user in keystone.users.list()],
}
print(json.dumps(lists))
