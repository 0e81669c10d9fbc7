"""How a question reaches the wrapped application: a call in this process."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import logging
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

import msgspec
import webob

from keymw import context
from keymw import faults

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a question takes over from the request that raised it.

    v2_root is what a path of Identity v2.0 starts with behind this mount:
    "/v2.0", or nothing where the server or a filter has taken that away.
    """

    environ: Mapping[str, Any] = dataclasses.field(repr=False)
    v2_root: str
    request_id: str


def origin(environ: WSGIEnvironment, v2_root: str, request_id: str) -> Origin:
    """The origin of a request: where it was sent, from where, and its id."""
    taken = {name: environ[name] for name in _TAKEN if name in environ}
    return Origin(taken, v2_root, request_id)


def v2_url(origin: Origin) -> str:
    """The URL of v2.0, as the client sees it."""
    base: str = webob.Request(dict(origin.environ)).application_url
    # A filter that took /v2.0 away left no trace of it in the URL.
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
class Question:
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
class Answer:
    """Status, headers, and the JSON object of the body, else an empty one."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: dict[str, Any] = dataclasses.field(repr=False)


class Transport(Protocol):
    """Puts questions to the identity service."""

    def ask(self, origin: Origin, question: Question) -> Answer:
        """The answer to a question, whatever it is.

        :raises Unavailable: there is none.
        """


class Pipeline:
    """Asks the wrapped application, as a request of its own."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def ask(self, origin: Origin, question: Question) -> Answer:
        """Put a question with nothing in it that the client sent.

        :raises Unavailable: the application failed.
        """
        request = _request(origin, question)
        try:
            with context.kept():
                response = request.send(self._app)
                body = response.body
        except Exception as error:
            LOG.exception('the wrapped application failed on our question')
            raise faults.Unavailable(
                'The identity service cannot be reached.'
            ) from error
        return Answer(response.status_int, response.headers, json_object(body))


def _request(origin: Origin, question: Question) -> webob.Request:
    headers = {
        'Accept': 'application/json',
        'X-Openstack-Request-Id': origin.request_id,
    }
    if question.token is not None:
        headers['X-Auth-Token'] = question.token
    if question.subject is not None:
        headers['X-Subject-Token'] = question.subject
    environ: dict[str, Any] = {**origin.environ, **question.remote}
    request = webob.Request.blank(
        question.path,
        environ,
        method=question.method,
        headers=headers,
    )
    if question.body is not None:
        request.body = msgspec.json.encode(question.body)
        request.content_type = 'application/json'
    return request


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty one where there is none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
