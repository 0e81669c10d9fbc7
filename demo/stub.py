"""An object store and a compute service without content.

The catalogue has their URLs, so that a client that signed in with an API key
can list something. The lists are empty. Keystone checks the token.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import re
from typing import TYPE_CHECKING
from typing import Any

import webob

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

# Name and path below the demo's URL, by type of service.
SERVICES = {
    'object-store': ('cloudFiles', '/v1/AUTH_$(project_id)s'),
    'compute': ('cloudServersOpenStack', '/compute/v2.1/$(project_id)s'),
}
ACCOUNT = re.compile('/v1/AUTH_(?P<project>[^/"]+)/?')
COMPUTE = re.compile('/compute/v2.1/?')
LIST = re.compile(
    '/compute/v2.1/(?P<project>[^/]+)/'
    '(?P<kind>flavors|images|servers)(/detail)?'
)
EMPTY = {
    'X-Account-Bytes-Used': '0',
    'X-Account-Container-Count': '0',
    'X-Account-Object-Count': '0',
}


def filter_factory(
    _global_conf: object,
) -> Callable[[WSGIApplication], WSGIApplication]:
    """Return the filter of [filter:services] in front of keymw."""
    return Services


class Services:
    """Serves both services, and passes every other request on."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '')
        if not path.startswith(('/v1/', '/compute/')):
            return self._app(environ, start_response)
        response = self._answer(webob.Request(environ))
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _answer(self, request: webob.Request) -> webob.Response:
        if request.method not in ('GET', 'HEAD'):
            return webob.Response(status=405, allow=('GET', 'HEAD'))
        if COMPUTE.fullmatch(request.path_info):
            return webob.Response(json=version(request.path_url))
        for pattern, answer in ((ACCOUNT, account), (LIST, empty_list)):
            if found := pattern.fullmatch(request.path_info):
                return self._checked(request, found, answer)
        return webob.Response(status=404)

    def _checked(
        self,
        request: webob.Request,
        found: re.Match[str],
        answer: Callable[[webob.Request, re.Match[str]], webob.Response],
    ) -> webob.Response:
        project = self._project(request.headers.get('X-Auth-Token', ''))
        if project is None:
            return webob.Response(status=401)
        if project != found['project']:
            return webob.Response(status=403)
        return answer(request, found)

    def _project(self, token: str) -> str | None:
        """Return the project of a token, or None if the token is invalid.

        The catalogue has it in a URL. A token of an API key may read the
        catalogue, and Keystone does not let it validate itself.
        """
        request = webob.Request.blank(
            '/v3/auth/catalog', headers={'X-Auth-Token': token}
        )
        response = request.send(self._app)
        if response.status_int == 401:
            return None
        found = ACCOUNT.search(response.text)
        return found['project'] if found else ''


def account(request: webob.Request, _found: object) -> webob.Response:
    """Return an account without containers, in the form of Swift."""
    asked = request.GET.get('format', ''), request.headers.get('Accept', '')
    if request.method == 'GET' and any('json' in word for word in asked):
        response = webob.Response(json=[])
    else:
        response = webob.Response(status=204)
    response.headers.update(EMPTY.items())
    return response


def empty_list(
    _request: webob.Request, found: re.Match[str]
) -> webob.Response:
    """Return an empty list of servers, images or flavours, as Nova does."""
    return webob.Response(json={found['kind']: []})


def version(url: str) -> dict[str, Any]:
    """Return the version document that clients of Nova request first."""
    return {
        'version': {
            'id': 'v2.1',
            'status': 'CURRENT',
            'version': '',
            'min_version': '',
            'links': [{'rel': 'self', 'href': url}],
        }
    }
