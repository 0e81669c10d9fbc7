"""The families of routes, and which ones the options switch on."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import logging
from typing import TYPE_CHECKING

from oslo_config import cfg
from oslo_policy import policy

from keymw import openapi
from keymw.api_keys import policies as api_key_policies
from keymw.api_keys import service as api_keys
from keymw.api_keys.family import OfApiKeys
from keymw.api_keys.fence import Fence
from keymw.api_keys.service import ApiKeys
from keymw.api_keys.sign_in import KeyLogin
from keymw.call import Parts
from keymw.credentials import paths as credential_paths
from keymw.credentials import policies as credential_policies
from keymw.credentials import routes as credentials
from keymw.family import ByToken
from keymw.family import Family
from keymw.global_keys import access_list_policies
from keymw.global_keys import family as global_keys
from keymw.global_keys import policies as global_key_policies
from keymw.identity import load as identity_load
from keymw.login import paths as login_paths
from keymw.login import routes as login
from keymw.login.key_logins import KeyLogins
from keymw.policy import base
from keymw.v2_api import paths as v2_paths
from keymw.v2_api import routes as v2_api
from keymw.v2_api.undecided import Undecided
from keymw.web import fault_shapes
from keymw.web import reply
from keymw.web.request import Request
from keymw.web.table import Match
from keymw.web.table import Route
from keymw.web.table import Table

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOG = logging.getLogger(__name__)


class _OfV2(ByToken):
    """The families below /v2.0; one of them exists only in front of v3."""

    def otherwise(
        self,
        match: Match,
        request: Request,
        app: WSGIApplication,
        ours: Callable[..., WSGIApplication],
    ) -> WSGIApplication:
        """The wrapped application, asked first while its API is unknown."""
        identity = self._parts.identity
        if request.probe or identity.is_settled:
            return app
        if not any(v2_api.is_one(route) for route in match):
            return app
        return Undecided(app, ours, request, match)


def list_rules() -> list[policy.RuleDefault]:
    """Every rule of every family, with its documented default."""
    return [
        *base.RULES,
        *credential_policies.RULES,
        *global_key_policies.RULES,
        *access_list_policies.RULES,
        *api_key_policies.RULES,
    ]


def served(conf: cfg.ConfigOpts, parts: Parts) -> list[Family]:
    """The families that the options switch on.

    The first whose table matches a request answers it.

    :raises ConfigError: an option is not usable; the text is one line.
    """
    keys = api_keys.load(conf, parts)
    made = (
        _global_keys(conf, parts),
        *_api_keys(conf, parts, keys),
        _user_credentials(conf, parts, keys),
        _openapi(conf, parts),
    )
    return [family for family in made if family is not None]


def _global_keys(conf: cfg.ConfigOpts, parts: Parts) -> Family | None:
    if not conf.global_keys.enabled:
        return None
    return global_keys.GlobalKeys(conf, parts)


def _api_keys(
    conf: cfg.ConfigOpts, parts: Parts, keys: ApiKeys | None
) -> tuple[Family, ...]:
    if keys is None:
        return ()
    return OfApiKeys(keys, conf.kskey.www_authenticate_uri), Fence(parts)


def _is_other(keys: ApiKeys | None) -> Callable[[str], bool]:
    """Whether a secret has the form of an API key."""
    return KeyLogin(keys).has_form if keys else lambda _secret: False


def _user_credentials(
    conf: cfg.ConfigOpts, parts: Parts, keys: ApiKeys | None
) -> Family | None:
    """The credentials of users, logins with keys, and the rest of v2.0."""
    options = conf.kskey
    why_no_login = identity_load.why_no_login(conf)
    if why_no_login is not None:
        LOG.warning('login with API keys is off: %s', why_no_login)
    if not options.enabled and keys is None:
        return None
    has_credentials = options.enabled and why_no_login is None
    has_login = has_credentials or keys is not None
    has_api = options.serve_v2 and not identity_load.is_remote(conf)
    routes: list[Route] = []
    guarded: list[str] = []
    if options.enabled:
        routes += credentials.routes(options.min_key_length, _is_other(keys))
        guarded += credential_paths.GUARDED
    if has_login:
        logins = None if keys is None else KeyLogins(KeyLogin(keys))
        routes += login.routes(
            conf, parts, logins, has_credentials=has_credentials
        )
        guarded += login_paths.guarded(options)
    if has_api:
        routes += v2_api.routes(parts)
        guarded += v2_paths.GUARDED
    return _OfV2(
        Table(routes, guarded, v2_api.rest(parts) if has_api else None),
        parts,
        reply.faults_as(fault_shapes.write, options.www_authenticate_uri),
        words=('v2.0', 'v1.'),
        shared=_shared(keys, has_login=has_login),
    )


def _shared(
    keys: ApiKeys | None, *, has_login: bool
) -> Mapping[str, Callable[[bytes], bool]] | None:
    if not has_login:
        return None
    return login.SHARED if keys is None else login.shared(keys.options.prefix)


def _openapi(conf: cfg.ConfigOpts, parts: Parts) -> Family | None:
    if not conf.openapi.enabled:
        return None
    return ByToken(
        openapi.table(),
        parts,
        reply.faults_as(
            fault_shapes.write_v3, conf.kskey.www_authenticate_uri
        ),
        words=(openapi.WORD,),
    )
