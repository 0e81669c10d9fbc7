"""Requests to the identity service, and the transport within the process."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import functools
import logging
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

import msgspec
import webob

from keymw.observe import context
from keymw.web import faults
from keymw.web import hosts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Origin:
    """The data of a client's request that our own requests carry on.

    v2_root is the prefix of v2.0 paths in PATH_INFO: "/v2.0", or empty if the
    server or a filter removed it.
    """

    whole: Mapping[str, Any] = dataclasses.field(repr=False)
    v2_root: str
    request_id: str

    @functools.cached_property
    def environ(self) -> Mapping[str, Any]:
        """The part of the client's environ that our requests carry on."""
        whole = self.whole
        return hosts.checked(
            {name: whole[name] for name in _TAKEN if name in whole}
        )

    @property
    def passed_id(self) -> str:
        """The request id to send: the client's global id, else our own."""
        return context.id_to_pass(self.request_id)


def origin(environ: WSGIEnvironment, v2_root: str, request_id: str) -> Origin:
    """The Origin of a request: server, client address and request id."""
    return Origin(environ, v2_root, request_id)


def v2_url(origin: Origin) -> str:
    """The URL of v2.0, as the client sees it."""
    base: str = webob.Request(dict(origin.environ)).application_url
    # A filter may have removed /v2.0 from the URL.
    return f'{base.removesuffix("/v2.0")}/v2.0'


_TAKEN = (
    'HTTP_HOST',
    'KEYSTONE_API_VERSION',
    'REMOTE_ADDR',
    'SCRIPT_NAME',
    'SERVER_NAME',
    'SERVER_PORT',
    'SERVER_PROTOCOL',
    'wsgi.errors',
    'wsgi.multiprocess',
    'wsgi.multithread',
    'wsgi.url_scheme',
)


@dataclasses.dataclass(frozen=True)
class SubRequest:
    """One request to the identity service; path is percent-encoded.

    remote holds what only a front end of Keystone may put in the environ:
    REMOTE_USER and REMOTE_DOMAIN.
    """

    method: str
    path: str
    token: str | None = dataclasses.field(default=None, repr=False)
    subject: str | None = dataclasses.field(default=None, repr=False)
    body: object = dataclasses.field(default=None, repr=False)
    remote: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Response:
    """A response: status, headers and JSON object; body may be empty."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: dict[str, Any] = dataclasses.field(repr=False)


class Transport(Protocol):
    """Sends requests to the identity service."""

    def send(self, origin: Origin, sub_request: SubRequest) -> Response:
        """The response to a request, whatever its status.

        :raises Unavailable: no response came.
        """


class Pipeline:
    """Calls the wrapped application with requests of our own."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def send(self, origin: Origin, sub_request: SubRequest) -> Response:
        """Send a request of our own; Host is the client's only header in it.

        :raises Unavailable: the application failed.
        """
        request = _request(origin, sub_request)
        try:
            with context.kept():
                response = request.send(self._app)
                body = response.body
        except Exception as error:
            LOG.exception('the wrapped application failed on our request')
            raise faults.Unavailable(
                'The identity service cannot be reached.'
            ) from error
        return Response(
            response.status_int, response.headers, json_object(body)
        )

    def pass_on(self, environ: WSGIEnvironment) -> webob.Response:
        """The application's unchanged response to a client's request.

        Exceptions of the application go through.
        """
        with context.kept():
            return webob.Request(environ).send(self._app)


def headers(origin: Origin, sub_request: SubRequest) -> dict[str, str]:
    """The headers of a request to the identity service."""
    made = {
        'Accept': 'application/json',
        'X-Openstack-Request-Id': origin.passed_id,
    }
    if sub_request.token is not None:
        made['X-Auth-Token'] = sub_request.token
    if sub_request.subject is not None:
        made['X-Subject-Token'] = sub_request.subject
    return made


def _request(origin: Origin, sub_request: SubRequest) -> webob.Request:
    environ: dict[str, Any] = {**origin.environ, **sub_request.remote}
    request = webob.Request.blank(
        sub_request.path,
        environ,
        method=sub_request.method,
        headers=headers(origin, sub_request),
    )
    if sub_request.body is not None:
        request.body = msgspec.json.encode(sub_request.body)
        request.content_type = 'application/json'
    return request


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty dict if the body is none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
