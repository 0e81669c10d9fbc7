"""The keystoneauth1 plugin v3apikey: login with an API key, for clients.

It needs keystoneauth1 alone, not what the server needs.
"""

from __future__ import annotations

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
    # Not generic in the keystoneauth1 of older clouds.
    _V3Loader = loading.BaseV3Loader


class ApiKeyMethod(v3.AuthMethod):
    """The part of a login that names a user and holds the user's API key."""

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
        """The name of the method, and what the body has under that name."""
        return 'api_key', {'user': self._user(), 'secret': self.api_key}

    def _user(self) -> dict[str, object]:
        if self.user_id:
            return {'id': self.user_id}
        if self.user_domain_id:
            domain = {'id': self.user_domain_id}
        else:
            domain = {'name': self.user_domain_name or ''}
        return {'name': self.username, 'domain': domain}

    def get_cache_id_elements(self) -> dict[str, str | None]:
        """What makes this login another one than others."""
        return {f'api_key_{name}': value for name, value in vars(self).items()}


class ApiKey(v3.Auth):
    """Sign in with a user's API key, into any scope of Identity v3.

    The user is an id, or a name and the id or name of its domain; scope
    takes what keystoneauth1's own v3 plugins take: project_id and so on.
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
        """Those of v3password, with the key for the password."""
        return [*super().get_options(), *_options()]

    def load_from_options(self, **given: Any) -> ApiKey:
        """The plugin for what was given.

        :raises OptionError: no user was named, or a name without its domain,
            or there is no key.
        :raises MissingRequiredOptions: there is no URL.
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
        # Were it required, some would refuse to go on before they prompt.
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
        told = known.get(f'{domain}_id') or known.get(f'{domain}_name')
        if known.get(named) and not told:
            known[f'{domain}_id'] = default_id
            known[f'{domain}_name'] = default_name
    return known


# What has a name of its own within a domain alone.
_DOMAINS = {'username': 'user_domain', 'project_name': 'project_domain'}


def _check_user(known: dict[str, Any]) -> None:
    if known.get('user_id'):
        return
    if not known.get('username'):
        raise exceptions.OptionError('Name the user: user-id or username.')
    if not (known.get('user_domain_id') or known.get('user_domain_name')):
        raise exceptions.OptionError(
            'The name of a user is known in its domain alone: say '
            'user-domain-id or user-domain-name with username.'
        )
