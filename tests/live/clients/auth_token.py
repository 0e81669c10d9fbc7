"""auth_token, set to v2.0, in front of a service that shows its headers."""

import json
import sys
from typing import Any

from keystonemiddleware import auth_token
import webob

given = json.load(sys.stdin)


def service(environ: Any, start_response: Any) -> Any:
    headers = dict(webob.Request(environ).headers)
    return webob.Response(json_body=headers)(environ, start_response)


protected = auth_token.filter_factory(
    {},
    auth_type='password',
    auth_version='v2.0',
    auth_url=given['url'],
    username=given['name'],
    password=given['password'],
    tenant_name=given['tenant'],
)(service)
request = webob.Request.blank('/', headers={'X-Auth-Token': given['token']})
response = request.get_response(protected)
if response.status_int != 200:
    sys.exit(response.status)
print(response.text)
