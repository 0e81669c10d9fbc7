"""How a question reaches an identity service somewhere else."""

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

from keymw import faults
from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import transport
from keymw.identity.service import Issued
from keymw.identity.transport import Answer
from keymw.identity.transport import Origin
from keymw.identity.transport import Question

LOG = logging.getLogger(__name__)


class Unreachable(Exception):  # noqa: N818, it says what happened
    """No answer came: from where, and why, without what was asked."""


class Remote:
    """Asks the service at [identity] auth_url, over the network.

    A question goes out with the id of the request that raised it, and with
    nothing else of its client.

    :raises ConfigError: an option is missing or does not fit.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options = conf.identity
        self._plugin = _plugin(conf)
        self._root = _root(options.auth_url)
        self._session = _session(options, options.timeout)
        # To sign in takes two questions where the version is to be found.
        self._half = _session(
            options, options.timeout / 2, session=self._session.session
        )
        for name in ('urllib3.connection', 'urllib3.connectionpool'):
            logging.getLogger(name).addFilter(_hide_token)

    def ask(self, origin: Origin, question: Question) -> Answer:
        """Put a question, once.

        :raises Unavailable: no answer came.
        """
        with self._reached():
            response = self._session.request(
                f'{self._root}{_path(origin, question)}',
                question.method,
                json=question.body,
                headers=_headers(origin, question),
                authenticated=False,
                raise_exc=False,
                # Bodies, and paths of v2.0, hold tokens.
                log=False,
            )
            return _answer(response)

    def issue(self, _origin: Origin) -> Issued:
        """A new token of the user that keymw signs in as.

        :raises Unavailable: there is none, or no answer came.
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
                    _answer(refusal.response),
                    'for a token of the user of [identity] auth_type',
                    _no_token,
                )

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except faults.Fault:
            raise
        except Exception as error:  # plugins raise what they like
            why = f'{self._root}: {_why(error)}'
            LOG.error('no answer from the identity service at %s', why)
            raise faults.Unavailable(
                'The identity service cannot be reached.'
            ) from Unreachable(why)


def _path(origin: Origin, question: Question) -> str:
    """The path of a question under the root of the service.

    Where v2.0 begins for the client says nothing about the service.
    """
    if question.path.startswith('/v3'):
        return question.path
    return f'/v2.0{question.path.removeprefix(origin.v2_root)}'


def _headers(origin: Origin, question: Question) -> dict[str, str]:
    found = {
        'Accept': 'application/json',
        'X-Openstack-Request-Id': origin.request_id,
    }
    if question.token is not None:
        found['X-Auth-Token'] = question.token
    if question.subject is not None:
        found['X-Subject-Token'] = question.subject
    return found


def _answer(response: Any) -> Answer:
    return Answer(
        response.status_code,
        response.headers,
        transport.json_object(response.content),
    )


def _issued(found: AccessInfo) -> Issued:
    if found.auth_token is None or found.expires is None:
        raise ValueError('no token, or no end of it')
    return Issued(found.auth_token, found.expires)


def _no_token(_refusal: dict[str, Any]) -> Issued:
    raise ValueError('no token')


def _why(error: BaseException) -> str:
    """Where an error began, or its kind: what it says may hold tokens."""
    first = error
    while first.__context__ is not None:
        first = first.__context__
    if isinstance(first, OSError) and first.strerror:
        return first.strerror
    return 'timed out' if isinstance(first, TimeoutError) else _kind(error)


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _hide_token(record: logging.LogRecord) -> bool:
    """A filter of logs: a path of v2.0 without the token in it."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            _TOKEN.sub('/tokens/***', item) if isinstance(item, str) else item
            for item in record.args
        )
    return True


_TOKEN = re.compile('/tokens/[^/? ]+')


def _root(auth_url: str) -> str:
    """What the paths of every version are under.

    :raises ConfigError: it is no URL of a service.
    """
    try:
        parts = urlsplit(auth_url)
        fits = parts.scheme in ('http', 'https') and parts.hostname
        _ = parts.port
    except ValueError:
        fits = None
    # It stands in logs, and the path of a question is put after it.
    if not fits or {'@', '?', '#'} & set(auth_url):
        raise ConfigError(
            '[identity] auth_url: set it to the URL of the identity service, '
            'http:// or https://, with no user, query or fragment in it'
        )
    return re.sub('/v(2[.]0|3)$', '', auth_url.rstrip('/')).rstrip('/')


def _session(options: Any, timeout: float, **more: Any) -> sessions.Session:
    """A session that does what it is told, and nothing else.

    :raises ConfigError: a file that an option names is not there.
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
        # A token must not go where only an answer says.
        redirect=False,
        app_name='keymw',
        **more,
    )
    # Nor must what is kept for one caller go with the question of another.
    no_cookies = cookiejar.DefaultCookiePolicy(allowed_domains=())
    made.session.cookies.set_policy(no_cookies)
    return made


def _plugin(conf: cfg.ConfigOpts) -> BaseIdentityPlugin:
    """What signs in, with options of its own out of [identity].

    :raises ConfigError: it is not there, or its options do not fit.
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
        made = loader.load_from_options_getter(lambda o: options[o.dest])
    except (exceptions.ClientException, cfg.Error, TypeError) as error:
        raise ConfigError(f'[identity] auth_type: {error}') from None
    if not isinstance(made, BaseIdentityPlugin):
        raise ConfigError(
            f'[identity] auth_type: "{options.auth_type}" gets no token'
        )
    return made
