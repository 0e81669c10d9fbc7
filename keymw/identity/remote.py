"""The transport to an identity service over the network."""

from collections.abc import Collection
from collections.abc import Iterator
import contextlib
from http import cookiejar
import logging
import os
import re
from typing import Any
from urllib.parse import urlsplit

from keystoneauth1 import exceptions
from keystoneauth1 import loading
from keystoneauth1 import session as sessions
from keystoneauth1.access import AccessInfo
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.loading.session import Session as SessionLoader
from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import transport
from keymw.identity.service import Issued
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.transport import SubRequest
from keymw.web import faults

LOG = logging.getLogger(__name__)


class Unreachable(Exception):  # noqa: N818, it says what happened
    """No response came; the message has URL and reason, but no secret."""


class Remote:
    """Sends requests to the service at [identity] auth_url.

    Each request has the id of the client's request, and no other data of the
    client's connection.

    With is_scoped = False its tokens have no scope.

    :raises ConfigError: an option is missing or not valid.
    """

    def __init__(
        self, conf: cfg.ConfigOpts, *, is_scoped: bool = True
    ) -> None:
        options = conf.identity
        self._plugin = _plugin(conf, () if is_scoped else _SCOPE)
        self._root = _root(options.auth_url)
        self._session = _session(options, options.timeout)
        # A login takes two requests if the version must be discovered first.
        self._half = _session(
            options, options.timeout / 2, session=self._session.session
        )
        for name in ('urllib3.connection', 'urllib3.connectionpool'):
            logging.getLogger(name).addFilter(_hide_token)

    def send(self, origin: Origin, sub_request: SubRequest) -> Response:
        """Send a request, once.

        :raises Unavailable: no response came.
        """
        with self._reached():
            response = self._session.request(
                f'{self._root}{_path(origin, sub_request)}',
                sub_request.method,
                json=sub_request.body,
                headers=transport.headers(origin, sub_request),
                authenticated=False,
                raise_exc=False,
                # Bodies, and paths of v2.0, contain tokens.
                log=False,
            )
            return _to_response(response)

    def issue(self, _origin: Origin) -> Issued:
        """Issue a new token for the user of [identity].

        :raises Unavailable: the login failed, or no response came.
        """
        with self._reached():
            self._plugin.invalidate()
            try:
                return _issued(self._plugin.get_access(self._half))
            except (
                exceptions.HttpError,
                exceptions.MissingAuthMethods,
            ) as refusal:
                return base.understood(
                    _to_response(refusal.response),
                    'for a token of the user of [identity] auth_type',
                    _no_token,
                )

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except faults.Fault:
            raise
        except Exception as error:  # plugins have no common exception
            why = f'{self._root}: {_why(error)}'
            LOG.error('no response from the identity service at %s', why)
            raise faults.Unavailable(
                'The identity service cannot be reached.'
            ) from Unreachable(why)


def _path(origin: Origin, sub_request: SubRequest) -> str:
    """The path of a request below the root of the service.

    The client's mount point of v2.0 does not apply to the service.
    """
    if sub_request.path.startswith('/v3'):
        return sub_request.path
    return f'/v2.0{sub_request.path.removeprefix(origin.v2_root)}'


def _to_response(response: Any) -> Response:
    return Response(
        response.status_code,
        response.headers,
        transport.json_object(response.content),
    )


def _issued(found: AccessInfo) -> Issued:
    if found.auth_token is None or found.expires is None:
        raise ValueError('no token, or no end of it')
    return Issued(found.auth_token, found.expires, found.user_id or '')


def _no_token(_refusal: dict[str, Any]) -> Issued:
    raise ValueError('no token')


def _why(error: BaseException) -> str:
    """The cause of an error without its message, which may hold a token."""
    first = error
    while first.__context__ is not None:
        first = first.__context__
    if isinstance(first, OSError) and first.strerror:
        return first.strerror
    return 'timed out' if isinstance(first, TimeoutError) else _kind(error)


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _hide_token(record: logging.LogRecord) -> bool:
    """A log filter that removes the token from a path of v2.0."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            _TOKEN.sub('/tokens/***', item) if isinstance(item, str) else item
            for item in record.args
        )
    return True


_TOKEN = re.compile('/tokens/[^/? ]+')


def _root(auth_url: str) -> str:
    """The root URL of the service, without a version.

    :raises ConfigError: auth_url is not the URL of a service.
    """
    try:
        parts = urlsplit(auth_url)
        fits = parts.scheme in ('http', 'https') and parts.hostname
        _ = parts.port
    except ValueError:
        fits = None
    # The URL is logged, and request paths are appended to it.
    if not fits or {'@', '?', '#'} & set(auth_url):
        raise ConfigError(
            '[identity] auth_url: set it to the URL of the identity service, '
            'http:// or https://, with no user, query or fragment in it'
        )
    return re.sub('/v(2[.]0|3)$', '', auth_url.rstrip('/')).rstrip('/')


def _session(options: Any, timeout: float, **more: Any) -> sessions.Session:
    """A session without redirects and cookies.

    :raises ConfigError: a file named by an option is missing.
    """
    for name in ('cafile', 'certfile', 'keyfile'):
        if options[name] and not os.path.isfile(options[name]):
            raise ConfigError(
                f'[identity] {name}: there is no file {options[name]}'
            )
    made = SessionLoader().load_from_options(
        insecure=options.insecure,
        cacert=options.cafile,
        cert=options.certfile,
        key=options.keyfile,
        timeout=timeout,
        # A redirect could send the token to another host.
        redirect=False,
        app_name='keymw',
        **more,
    )
    # A cookie of one caller must not go with the request of another.
    no_cookies = cookiejar.DefaultCookiePolicy(allowed_domains=())
    made.session.cookies.set_policy(no_cookies)
    return made


# The options of plugins that choose a scope.
_SCOPE = (
    *('project_id', 'project_name'),
    *('project_domain_id', 'project_domain_name'),
    *('domain_id', 'domain_name', 'system_scope', 'trust_id'),
)


def _plugin(
    conf: cfg.ConfigOpts, without: Collection[str]
) -> BaseIdentityPlugin:
    """The keystoneauth1 plugin for our own login, with its [identity] options.

    Options in without have no value.

    :raises ConfigError: the plugin is missing, or its options are not valid.
    """
    options = conf.identity
    for name in ('auth_type', 'auth_url'):
        if not options[name]:
            raise ConfigError(
                f'[identity] {name}: transport = remote needs it'
            )
    try:
        loader: loading.BaseLoader[Any]
        loader = loading.get_plugin_loader(options.auth_type)
        for opt in loading.get_auth_plugin_conf_options(loader):
            if opt.dest not in options:
                conf.register_opt(opt, group='identity')
        made = loader.load_from_options_getter(
            lambda o: None if o.dest in without else options[o.dest]
        )
    except (exceptions.ClientException, cfg.Error, TypeError) as error:
        raise ConfigError(f'[identity] auth_type: {error}') from None
    if not isinstance(made, BaseIdentityPlugin):
        raise ConfigError(
            f'[identity] auth_type: "{options.auth_type}" gets no token'
        )
    return made
