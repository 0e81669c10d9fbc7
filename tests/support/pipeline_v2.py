"""A small Identity v2.0 (doc/contract/rackspace-identity 6.3 to 6.5)."""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import datetime
import json
import time
from typing import Any
import uuid
from wsgiref.types import StartResponse
from wsgiref.types import WSGIApplication
from wsgiref.types import WSGIEnvironment

from tests.support.between import reply

DOMAIN = 'RAX-AUTH:domainId'
HOUR = 3600


@dataclasses.dataclass(frozen=True)
class Project:
    """A tenant of the service."""

    id: str
    name: str
    enabled: bool = True


@dataclasses.dataclass
class Account:
    """A user of the service, with the password "secret".

    Without a tenant in the login, a token is for default, if it is set.
    """

    name: str
    roles: tuple[str, ...] = ()
    tenants: tuple[Project, ...] = ()
    default: Project | None = None
    domain_id: str | None = None
    id: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
    enabled: bool = True

    def shown(self) -> dict[str, Any]:
        """The user as the service shows it."""
        found: dict[str, Any] = {'id': self.id, 'name': self.name}
        return found | ({DOMAIN: self.domain_id} if self.domain_id else {})

    def shown_roles(self) -> list[dict[str, str]]:
        """Its roles; old services give them no id."""
        return [{'name': role} for role in self.roles]


class PipelineV2:
    """Users, tokens, and the requests that they may send.

    A token may ask about itself, and one of a user with the role "admin"
    about all users. As in a Keystone of 2013, REMOTE_USER is a sign-in.
    A response to a sign-in holds what is in adds besides.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, tuple[Account, dict[str, Any]]] = {}
        self.adds: dict[str, Any] = {}
        self.account('admin', 'admin', tenants=(Project('1', 'admin'),))

    def account(self, name: str, *roles: str, **more: Any) -> Account:
        """Make a user."""
        made = Account(name, roles, **more)
        self.accounts[made.id] = made
        return made

    def token(
        self,
        account: Account,
        life: float = HOUR,
        text: str | None = None,
        access: dict[str, Any] | None = None,
    ) -> str:
        """Make a token; access holds what its response has besides."""
        token = text or uuid.uuid4().hex
        end = datetime.datetime.fromtimestamp(
            self._clock() + life, datetime.UTC
        )
        said = {
            'token': {'id': token, 'expires': end.isoformat()},
            'user': account.shown() | {'roles': account.shown_roles()},
        }
        self.tokens[token] = (account, said | (access or {}))
        return token

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        return self._answer(environ)(environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> WSGIApplication:
        method, path = environ['REQUEST_METHOD'], environ['PATH_INFO']
        asking = environ.get('HTTP_X_AUTH_TOKEN', '')
        if (method, path) == ('POST', '/v2.0/tokens'):
            return self._sign_in(environ)
        if (method, path) == ('GET', '/v2.0/tenants'):
            return self._tenants(asking)
        if path.startswith('/v2.0/tokens/'):
            return self._validate(asking, path.removeprefix('/v2.0/tokens/'))
        if path.startswith('/v2.0/users/'):
            return self._user(asking, path.removeprefix('/v2.0/users/'))
        return reply(404, b'<html>Not here</html>')

    def _sign_in(self, environ: WSGIEnvironment) -> WSGIApplication:
        length = int(environ.get('CONTENT_LENGTH') or 0)
        body = environ['wsgi.input'].read(length)
        auth = json.loads(body)['auth'] if body else {}
        name = environ.get('REMOTE_USER')
        said = auth.get('passwordCredentials')
        if said:
            name = said['username'] if said['password'] == 'secret' else None
        for account in self.accounts.values():
            if account.name == name:
                return self._answer_sign_in(account, auth)
        return fault(401, 'unauthorized')

    def _answer_sign_in(
        self, account: Account, auth: dict[str, Any]
    ) -> WSGIApplication:
        asked = {auth.get('tenantId'), auth.get('tenantName')} - {None}
        found = account.default
        if asked:
            fit = [t for t in account.tenants if asked & {t.id, t.name}]
            found = fit[0] if fit and fit[0].enabled else None
        if asked and found is None:
            return fault(401, 'unauthorized')
        _, access = self.tokens[self.token(account)]
        token = access['token'] | self.adds
        if found is not None:
            token['tenant'] = {'id': found.id, 'name': found.name}
        return reply(200, {'access': access | {'token': token}})

    def _tenants(self, asking: str) -> WSGIApplication:
        if asking not in self.tokens:
            return fault(401, 'unauthorized')
        account, _ = self.tokens[asking]
        shown = [dataclasses.asdict(tenant) for tenant in account.tenants]
        return reply(200, {'tenants': shown, 'tenants_links': []})

    def _validate(self, asking: str, subject: str) -> WSGIApplication:
        refusal = None if asking == subject else self._refusal(asking)
        if refusal or subject not in self.tokens:
            return refusal or fault(404, 'itemNotFound')
        account, access = self.tokens[subject]
        if not account.enabled:
            return fault(403, 'userDisabled')
        return reply(200, {'access': access})

    def _user(self, asking: str, rest: str) -> WSGIApplication:
        user_id, _, what = rest.partition('/')
        account = self.accounts.get(user_id)
        refusal = self._refusal(asking)
        if refusal or account is None:
            return refusal or fault(404, 'itemNotFound')
        if what == 'roles':
            return reply(200, {'roles': account.shown_roles()})
        shown = account.shown() | {'enabled': account.enabled}
        return reply(200, {'user': shown})

    def _refusal(self, asking: str) -> WSGIApplication | None:
        if asking not in self.tokens:
            return fault(401, 'unauthorized')
        account, _ = self.tokens[asking]
        return None if 'admin' in account.roles else fault(403, 'forbidden')


def fault(
    code: int, name: str, retry_after: str | None = None
) -> WSGIApplication:
    """An application that answers with a fault."""
    said = {name: {'code': code, 'message': 'As told.'}}
    return reply(code, said, retry_after)


def factory(_global_conf: Any) -> PipelineV2:
    """What a paste ini can name: a service of its own."""
    return PipelineV2()
