"""Tokens of [identity] service_user, issued by the external method."""

from typing import Any

from oslo_config import cfg

from keymw.identity import base
from keymw.identity.external import External
from keymw.identity.service import Issued
from keymw.identity.transport import Origin
from keymw.identity.transport import Response


class ServiceUser:
    """Signs in as service_user (doc/contract/keystone 1)."""

    def __init__(self, external: External, conf: cfg.ConfigOpts) -> None:
        self._external = external
        self._options = conf.identity

    def buy(self, origin: Origin, trust_id: str, query: str) -> Response:
        """Return Keystone's response to a login with a trust."""
        options = self._options
        return self._external.send(
            origin,
            options.service_user,
            options.service_domain,
            {'OS-TRUST:trust': {'id': trust_id}},
            query,
        )

    def issue(self, origin: Origin) -> Issued:
        """Return a token for the project or system of service_user.

        :raises Unavailable: Keystone issues none, or one of another user.
        """
        options = self._options
        response = self._external.send(
            origin,
            options.service_user,
            options.service_domain,
            _scope(options),
            'nocatalog',
        )

        def read(body: dict[str, Any]) -> Issued:
            _check_names(options, body['token']['user'])
            return Issued(
                response.headers['X-Subject-Token'],
                base.moment(body['token']['expires_at']),
                base.text(body['token']['user']['id']),
            )

        return base.understood(
            response, 'for a token of [identity] service_user', read
        )


def _scope(options: Any) -> dict[str, Any]:
    if options.system:
        return {'system': {'all': True}}
    domain = {'name': options.service_domain}
    return {'project': {'name': options.service_project, 'domain': domain}}


def _check_names(options: Any, user: dict[str, Any]) -> None:
    # Keystone's DefaultDomain plugin ignores the domain and issues the token
    # for the user with that name in the default domain.
    found = (user['name'], user['domain']['name'])
    if found != (options.service_user, options.service_domain):
        raise ValueError(found)
