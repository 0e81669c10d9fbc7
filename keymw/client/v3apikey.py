"""The keystoneauth1 plugin v3apikey: login with an API key, for clients.

It imports only keystoneauth1, none of the server's libraries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any

from keystoneauth1 import exceptions
from keystoneauth1 import loading
from keystoneauth1.identity import v3
from keystoneauth1.loading import opts

if TYPE_CHECKING:
    from keystoneauth1 import session as sessions

    _V3Loader = loading.BaseV3Loader['ApiKey']
else:
    # The class is not generic in older keystoneauth1.
    _V3Loader = loading.BaseV3Loader


# The form of a key that names its owner (doc/contract/api-keys 1).
_NAMES_ITS_OWNER = re.compile('[a-z0-9]{2,8}_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}')


class ApiKeyMethod(v3.AuthMethod):
    """The part of a login that holds an API key, and may name its user."""

    def __init__(
        self,
        *,
        api_key: str,
        user_id: str | None = None,
        username: str | None = None,
        user_domain_id: str | None = None,
        user_domain_name: str | None = None,
    ) -> None:
        self.api_key = api_key
        self.user_id = user_id
        self.username = username
        self.user_domain_id = user_domain_id
        self.user_domain_name = user_domain_name

    def get_auth_data(
        self,
        session: sessions.Session,  # noqa: ARG002
        auth: v3.Auth,  # noqa: ARG002
        headers: dict[str, str],  # noqa: ARG002
        request_kwargs: dict[str, object],  # noqa: ARG002
    ) -> tuple[str, dict[str, object]]:
        """The name of the method, and its member in the request body."""
        user = self._user()
        named: dict[str, object] = {} if user is None else {'user': user}
        return 'api_key', {**named, 'secret': self.api_key}

    def _user(self) -> dict[str, object] | None:
        if not (self.user_id or self.username):
            return None
        if self.user_id:
            return {'id': self.user_id}
        if self.user_domain_id:
            domain = {'id': self.user_domain_id}
        else:
            domain = {'name': self.user_domain_name or ''}
        return {'name': self.username, 'domain': domain}

    def get_cache_id_elements(self) -> dict[str, str | None]:
        """The values that identify this login in a cache of tokens."""
        return {f'api_key_{name}': value for name, value in vars(self).items()}


class ApiKey(v3.Auth):
    """Sign in with a user's API key, to any scope of Identity v3.

    The user is an id, or a name with the id or name of its domain; a key with
    a prefix and an id needs none. scope has the arguments of keystoneauth1's
    own v3 plugins: project_id and so on.
    """

    _auth_method_class = ApiKeyMethod

    def __init__(
        self,
        auth_url: str,
        api_key: str,
        user_id: str | None = None,
        username: str | None = None,
        user_domain_id: str | None = None,
        user_domain_name: str | None = None,
        **scope: Any,
    ) -> None:
        method = self._auth_method_class(
            api_key=api_key,
            user_id=user_id,
            username=username,
            user_domain_id=user_domain_id,
            user_domain_name=user_domain_name,
        )
        super().__init__(auth_url, [method], **scope)


class Loader(_V3Loader):
    """Sign in with a user's API key."""

    @property
    def plugin_class(self) -> type[ApiKey]:
        return ApiKey

    def get_options(self) -> list[opts.Opt]:
        """The options of v3password, with the key in place of the password."""
        return [*super().get_options(), *_options()]

    def load_from_options(self, **given: Any) -> ApiKey:
        """The plugin for the given options.

        :raises OptionError: the key is missing, or the user of a key that
            does not name its owner, or a name has no domain.
        :raises MissingRequiredOptions: the URL is missing.
        """
        known = _with_default_domain(given)
        _check_user(known)
        if not known.get('api_key'):
            raise exceptions.OptionError('Give the api-key of the user.')
        return super().load_from_options(**known)


def _options() -> list[opts.Opt]:
    return [
        opts.Opt('user-id', help="User's user ID"),
        opts.Opt(
            'username',
            help="User's username",
            deprecated=[opts.Opt('user-name')],
        ),
        opts.Opt('user-domain-id', help="User's domain ID"),
        opts.Opt('user-domain-name', help="User's domain name"),
        opts.Opt(
            'default-domain-id',
            help='ID of the domain of user and project where none is given',
        ),
        opts.Opt(
            'default-domain-name',
            help='Name of the domain of user and project where none is given',
        ),
        # Not "required": some clients would stop before they prompt.
        opts.Opt(
            'api-key',
            secret=True,
            prompt='API key: ',
            help="User's API key",
        ),
    ]


def _with_default_domain(given: dict[str, Any]) -> dict[str, Any]:
    known = dict(given)
    default_id = known.pop('default_domain_id', None)
    default_name = known.pop('default_domain_name', None)
    for named, domain in _DOMAINS.items():
        value = known.get(f'{domain}_id') or known.get(f'{domain}_name')
        if known.get(named) and not value:
            known[f'{domain}_id'] = default_id
            known[f'{domain}_name'] = default_name
    return known


# Names that are unique only within a domain.
_DOMAINS = {'username': 'user_domain', 'project_name': 'project_domain'}


def _check_user(known: dict[str, Any]) -> None:
    if known.get('user_id'):
        return
    if not known.get('username'):
        if _NAMES_ITS_OWNER.fullmatch(known.get('api_key') or ''):
            return
        raise exceptions.OptionError('Name the user: user-id or username.')
    if not (known.get('user_domain_id') or known.get('user_domain_name')):
        raise exceptions.OptionError(
            'The name of a user is known in its domain alone: say '
            'user-domain-id or user-domain-name with username.'
        )
