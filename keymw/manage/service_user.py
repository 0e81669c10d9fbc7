"""Why our own user gets no token, or none that works: a line per cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.identity import remote
from keymw.identity.base import Identity
from keymw.identity.cached import Cached
from keymw.identity.external import message
from keymw.identity.transport import Origin
from keymw.identity.transport import Response
from keymw.identity.v3 import V3
from keymw.web import faults


def name(conf: cfg.ConfigOpts) -> str:
    """The option that says who our own user is."""
    far = identity_load.is_remote(conf)
    return f'[identity] {"auth_type" if far else "service_user"}'


def disabled(conf: cfg.ConfigOpts) -> str:
    """The line for a token that was issued and is then not valid."""
    # Keystone's external method does not look whether a user is enabled.
    return f'{name(conf)}: {_who(conf)} is disabled: its token is not valid'


def refused(
    conf: cfg.ConfigOpts,
    identity: Identity | None,
    origin: Origin,
    response: Response,
) -> str | None:
    """The cause of a refusal, found by further requests; None: not known."""
    try:
        return _cause(conf, identity, origin, response)
    except (faults.Fault, ConfigError, LookupError, TypeError):
        return None


def _cause(
    conf: cfg.ConfigOpts,
    identity: Identity | None,
    origin: Origin,
    response: Response,
) -> str | None:
    if response.status >= 500:
        return None
    if response.status == 403:
        return (
            f'{name(conf)}: {_who(conf)} may not do this: give it the role '
            f'"admin"{_place(conf)}'
        )
    if identity_load.is_remote(conf):
        return _cause_far(conf, origin, response)
    modern = _modern(identity, origin)
    if modern is None:
        return None
    return _cause_near(conf.identity, modern, origin, response)


def _who(conf: cfg.ConfigOpts) -> str:
    if identity_load.is_remote(conf):
        return 'this user'
    return f'"{conf.identity.service_user}"'


def _place(conf: cfg.ConfigOpts) -> str:
    options = conf.identity
    if identity_load.is_remote(conf):
        return ''
    if options.system:
        return ' on the system'
    return f' on the project "{options.service_project}"'


def _modern(identity: Identity | None, origin: Origin) -> V3 | None:
    if isinstance(identity, Cached):
        return identity.v3(origin)
    return identity if isinstance(identity, V3) else None


def _cause_near(
    options: Any, modern: V3, origin: Origin, response: Response
) -> str | None:
    user, domain = options.service_user, options.service_domain
    if 'receipt' in response.body:
        return (
            f'[identity] service_user: give "{user}" the MFA rule ["external"]'
        )
    if 'unsupported method' in message(response):
        return (
            '[identity] service_user: add "external" to [auth] methods in '
            'keystone.conf, alike on all nodes'
        )
    found = modern.external.send(origin, user, domain, 'unscoped', 'nocatalog')
    if found.status == 401:
        return _unknown(options, modern, origin)
    if found.status == 404:
        return f'[identity] service_domain: the domain "{domain}" is disabled'
    if found.status != 201:
        return None
    of = found.body['token']['user']['domain']['name']
    if of != domain:
        return _of_another_domain(options, of)
    return _no_role(options, modern, origin, found.headers)


def _unknown(options: Any, modern: V3, origin: Origin) -> str:
    user, domain = options.service_user, options.service_domain
    line = f'there is no user "{user}" in the domain "{domain}"'
    default = _default_domain(options, modern, origin)
    if default is not None:
        return f'[identity] service_domain: {line}, but in "{default}"'
    if domain == _DEFAULT:
        return f'[identity] service_user: {line}'
    if options.external != 'Domain':
        return (
            f'[identity] external: set it to Domain, for "{user}" is not in '
            'the default domain'
        )
    return (
        f'[identity] service_user: {line}, or [auth] external in '
        'keystone.conf is not Domain'
    )


_DEFAULT = 'Default'


def _default_domain(options: Any, modern: V3, origin: Origin) -> str | None:
    """The name of the default domain, if it has a user of this name."""
    found = modern.external.send(
        origin, options.service_user, None, 'unscoped', 'nocatalog'
    )
    if found.status != 201:
        return None
    return str(found.body['token']['user']['domain']['name'])


def _of_another_domain(options: Any, of: str) -> str:
    user, domain = options.service_user, options.service_domain
    where = '[identity] external'
    if options.external == 'Domain':
        where = '[auth] external in keystone.conf'
    return (
        f'{where}: set external = Domain: "{user}" is taken for the one of '
        f'the domain "{of}", not "{domain}"'
    )


def _no_role(
    options: Any, modern: V3, origin: Origin, headers: Mapping[str, str]
) -> str:
    user, project = options.service_user, options.service_project
    if options.system:
        return f'[identity] system: "{user}" has no role on the system'
    theirs = modern.all_projects(origin, headers['X-Subject-Token'])
    if any(p['name'] == project and not p['enabled'] for p in theirs):
        return f'[identity] service_project: "{project}" is disabled'
    names = ', '.join(sorted(p['name'] for p in theirs)) or 'no project'
    return (
        f'[identity] service_project: "{user}" has no role on a project '
        f'"{project}" (it has on: {names})'
    )


def _cause_far(
    conf: cfg.ConfigOpts, origin: Origin, response: Response
) -> str | None:
    if response.status != 401:
        return None
    try:
        remote.Remote(conf, is_scoped=False).issue(origin)
    except faults.Unavailable:
        return (
            '[identity] auth_type: the user is unknown or disabled, or the '
            'password or secret is wrong; Keystone does not say which'
        )
    return (
        '[identity] auth_type: the user and its password are right, but it '
        'has no role in this scope: see project_name and the domains'
    )
