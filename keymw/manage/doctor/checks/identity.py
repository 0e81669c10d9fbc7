"""Checks of the identity service, service_user and login."""

import uuid

from keymw import conf as configuration
from keymw.conf import ConfigError
from keymw.identity import base
from keymw.identity import load as identity_load
from keymw.identity import v3
from keymw.identity.external import External
from keymw.identity.transport import Pipeline
from keymw.manage import pipeline
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped
from keymw.web import faults


def _keystone(at: Installation) -> str:
    name = 'v3' if isinstance(at.dialect, v3.V3) else 'v2.0'
    with pipeline.asking(at.conf):
        speaks = at.dialect.speaks(pipeline.origin())
    if not speaks:
        raise ConfigError(
            f'[identity] api_version: what {pipeline.place(at.conf)} names '
            f'speaks no {name}'
        )
    return f'speaks {name}'


def _service_user(at: Installation) -> str:
    identity_load.check_options(at.conf)
    if not (at.conf.identity.service_user or identity_load.is_remote(at.conf)):
        raise Skipped(
            '[identity] service_user is not set: keys of others are managed '
            'only by callers whom Keystone lets read that user'
        )
    origin = pipeline.origin()
    user = pipeline.check_service_user(at.conf, at.dialect, origin)
    with pipeline.asking(at.conf, at.dialect):
        # Only an admin may make this request.
        at.dialect.roles(origin, user.id, None)
    return (
        f'a token for "{user.name}" is issued, is its own, and is an admin\'s'
    )


def _login(at: Installation) -> str:
    """Whether Keystone issues a token for the owner of a key."""
    no_login = identity_load.why_no_login(at.conf)
    if no_login is not None:
        raise Skipped(f'login with API keys is off: {no_login}')
    origin = pipeline.origin()
    user = pipeline.check_service_user(at.conf, at.dialect, origin)
    with pipeline.asking(at.conf, at.dialect):
        owner = at.dialect.owner(origin, user.id)
        _issue(at, owner)
    if isinstance(at.dialect, v3.V3):
        _compare_external(at.conf.identity.external, _external_there(at))
    return f'a token is issued for "{user.name}" as for the owner of a key'


def _issue(at: Installation, owner: base.Owner) -> None:
    try:
        # issue() compares the id of the owner with that in the token.
        at.dialect.issue(pipeline.origin(), owner, None)
    except faults.LoginRefused:
        raise ConfigError(
            '[identity] external: the identity service issues no token for '
            f'"{owner.name}" (id {owner.id}); with -v the reason is shown'
        ) from None


def _external_there(at: Installation) -> str | None:
    """Return [auth] external of Keystone; None if it does not show."""
    probe = configuration.load(at.config_files)
    probe.set_override('external', 'Domain', group='identity')
    # Only "Domain" fails for a domain that does not exist.
    with pipeline.asking(at.conf):
        response = External(Pipeline(at.app), probe).send(
            pipeline.origin(),
            at.conf.identity.service_user,
            f'no domain {uuid.uuid4()}',
            None,
            'nocatalog',
        )
    return {201: 'DefaultDomain', 401: 'Domain'}.get(response.status)


def _compare_external(here: str, there: str | None) -> None:
    if there in (here, None):
        return
    others = 'users of other domains than the default one cannot log in'
    if here == 'Domain':
        raise ConfigError(
            f'[identity] external: it is Domain, but {others}: set external '
            '= Domain in [auth] of keystone.conf, or DefaultDomain here'
        )
    raise ConfigError(
        f'[identity] external: it is DefaultDomain, so {others}: set it to '
        'Domain, as [auth] external of keystone.conf is'
    )


CHECKS = (
    Check('Keystone', _keystone),
    Check('service_user', _service_user, needs=('Keystone',)),
    Check('login', _login, needs=('service_user',)),
)
