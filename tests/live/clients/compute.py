"""A compute service as a stub behind auth_token: members write, all read."""

import json
import sys
from typing import Any

from keystonemiddleware import auth_token
import webob

given = json.load(sys.stdin)


def service(environ: Any, start_response: Any) -> Any:
    request = webob.Request(environ)
    may = 'member' in request.headers['X-Roles'].split(',')
    if request.method == 'POST' and not may:
        return webob.Response(status=403)(environ, start_response)
    answer = webob.Response(json_body={'servers': []})
    return answer(environ, start_response)


protected = auth_token.filter_factory(
    {},
    auth_type='password',
    auth_url=f'{given["url"]}/v3',
    username=given['name'],
    password=given['password'],
    project_name=given['project'],
    user_domain_id='default',
    project_domain_id='default',
    token_cache_time='-1',
)(service)


def status(method: str) -> int:
    request = webob.Request.blank('/servers', method=method)
    request.headers['X-Auth-Token'] = given['token']
    return int(request.get_response(protected).status_int)


print(json.dumps([status('GET'), status('POST')]))
