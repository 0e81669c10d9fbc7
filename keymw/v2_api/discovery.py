"""Adds v2.0 to the wrapped application's list of versions."""

from __future__ import annotations

from collections.abc import Iterable
import re
from typing import TYPE_CHECKING
from typing import Any

import webob

from keymw.identity import transport
from keymw.v2_api import version as versions
from keymw.web import media
from keymw.web import negotiate
from keymw.web import rewrite
from keymw.web.negotiate import Format

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

_V3_END = re.compile(r'/v3/?\Z')


class Advertised:
    """An application that adds v2.0 to the list of versions.

    Only a JSON list with v3 and without v2.0 is changed. All other responses
    go on unchanged.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        method = environ['REQUEST_METHOD']
        if environ.get('PATH_INFO') in ('', '/') and method in _READS:
            response = self._listed(environ)
            if response is not None:
                start_response(response.status, response.headerlist)
                return [response.body] if method == 'GET' else []
        return self._app(environ, start_response)

    def _listed(self, environ: WSGIEnvironment) -> webob.Response | None:
        """The application's list with v2.0; None: not such a list."""
        inner = rewrite.whole_get(environ)
        response = webob.Request(inner).send(self._app)
        try:
            kind = negotiate.media_type(response.headers.get('Content-Type'))
            if response.status_int not in _LISTS or kind != Format.JSON.value:
                return None
            # The fallback if the list has no URL for v3.
            url = transport.v2_url(transport.origin(environ, '', ''))
            merged = _with_v2(response.body, f'{url}/')
        finally:
            getattr(response.app_iter, 'close', lambda: None)()
        if merged is None:
            return None
        rewrite.set_body(response, merged)
        return response


_READS = ('GET', 'HEAD')
_LISTS = (200, 300)


def _with_v2(body: bytes, url: str) -> bytes | None:
    data = transport.json_object(body)
    listed = data.get('versions')
    values = listed.get('values') if isinstance(listed, dict) else None
    if not isinstance(values, list):
        return None
    v3 = _of_version('v3', values)
    if v3 is None or _of_version('v2', values) is not None:
        return None
    values.append(versions.shown(_beside(v3) or url))
    return media.write_json(data)


def _of_version(start: str, values: list[Any]) -> dict[str, Any] | None:
    for value in values:
        if isinstance(value, dict) and str(value.get('id')).startswith(start):
            return value
    return None


def _beside(v3: dict[str, Any]) -> str | None:
    """The URL of v2.0, derived from the URL that the service has for v3."""
    for link in v3.get('links') or ():
        href = link.get('href') if isinstance(link, dict) else None
        if isinstance(href, str) and _V3_END.search(href):
            return _V3_END.sub('/v2.0/', href)
    return None
