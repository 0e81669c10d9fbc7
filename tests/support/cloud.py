"""A real Keystone in this process, and what tests do to it."""

import configparser
import dataclasses
import gc
from importlib import metadata
import os
import pathlib
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode
import uuid

from keystone.common import provider_api
from keystone.common import sql
from oslo_context import context
import sqlalchemy
import webtest

from keymw import factory
from tests.support import people
from tests.support import ready

PROVIDERS = provider_api.ProviderAPIs
DEFAULT = {'id': 'default'}

CONF = {
    'DEFAULT': {'log_file': '{home}/keystone.log'},
    'database': {
        'connection': 'sqlite:///{home}/keystone.db',
        'sqlite_synchronous': 'false',
    },
    'auth': {'external': 'Domain'},
    'identity': {'password_hash_rounds': '4'},
    'fernet_tokens': {'key_repository': '{home}/fernet'},
    'fernet_receipts': {'key_repository': '{home}/fernet'},
    # Keystone 27 takes the secret out of a credential that it has cached.
    'credential': {
        'key_repository': '{home}/credential',
        'caching': 'false',
    },
    'cache': {'enabled': 'true', 'backend': 'oslo_cache.dict'},
    # A warning in the log is read by nobody here.
    'api': {'response_validation': 'ignore'},
}

# Users that are made at once.
_BATCH = 16

VERSION = metadata.version('keystone')

_ME = (f'--keystone-user={os.getuid()}', f'--keystone-group={os.getgid()}')
# What keystone-manage does to set up a Keystone, in order.
_WORDS = (
    ('db_sync',),
    ('fernet_setup', *_ME),
    ('credential_setup', *_ME),
    ('bootstrap', '--bootstrap-password=secret'),
)


@dataclasses.dataclass(frozen=True)
class Person:
    """A user of the cloud, with the password "secret"."""

    id: str
    name: str
    domain_id: str = 'default'


class Cloud:
    """Keystone 3 with an administrator, asked over WSGI without keymw."""

    def __init__(self, home: pathlib.Path) -> None:
        self.conf_file = _set_up(home)
        self.app = factory.keystone_factory({}, config_file=self.conf_file)
        _start_afresh(self.app)
        self.web = webtest.TestApp(self.app)
        self._ids: dict[tuple[str, str], str] = {}
        self._spare: dict[str | None, list[Person]] = {}
        _keep_connections()
        self.admin = self.token('admin', project='admin')
        # Keystone 27 leaves a read open that locks out the first write.
        gc.collect()

    def forget_revocations(self) -> None:
        """Delete what Keystone goes through each time it checks a token."""
        with _engine().begin() as rows:
            rows.exec_driver_sql('DELETE FROM revocation_event')

    def token(
        self,
        name: str,
        *,
        project: str | None = None,
        domain: dict[str, str] = DEFAULT,
        **more: Any,
    ) -> str:
        """A token for a name and the password, unscoped by default."""
        user = {'name': name, 'domain': domain, 'password': 'secret'}
        scope: Any = 'unscoped'
        if project:
            scope = {'project': {'name': project, 'domain': DEFAULT}}
        return self.sign_in(
            {'methods': ['password'], 'password': {'user': user}},
            scope=scope,
            **more,
        )

    def sign_in(self, identity: dict[str, Any], **auth: Any) -> str:
        """The token that Keystone gives for an identity."""
        answer = self.web.post_json(
            '/v3/auth/tokens',
            {'auth': {'identity': identity, **auth}},
            status=201,
        )
        return str(answer.headers['X-Subject-Token'])

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        status: Any = None,
    ) -> Any:
        """The response to a request, as the administrator by default."""
        headers = {'X-Auth-Token': token or self.admin}
        call = getattr(self.web, f'{method.lower()}_json', None)
        if call is None:
            return self.web.get(path, headers=headers, status=status)
        if body is None:
            call = getattr(self.web, method.lower())
            return call(path, headers=headers, status=status)
        return call(path, body, headers=headers, status=status)

    def make(self, kind: str, **members: Any) -> Any:
        """Make one of something, for example a role."""
        answer = self.ask('POST', f'/v3/{kind}s', {kind: members})
        return answer.json[kind]

    def person(
        self, name: str | None = None, domain_id: str = 'default'
    ) -> Person:
        """A new user: a copy, unless the name or the domain is given."""
        if name is None and domain_id == 'default':
            return self._new(None)
        return self._make_person(name, domain_id)

    def _new(self, role: str | None) -> Person:
        """A new user, perhaps with a role on the project "demo"."""
        spare = self._spare.setdefault(role, [])
        if not spare:
            spare += self._batch(role)
        return spare.pop()

    def _batch(self, role: str | None) -> list[Person]:
        first = self._make_person(None, 'default')
        if role is not None:
            self.grant(first, role)
        found = people.copies(_engine(), first.id, _BATCH - 1)
        return [first, *(Person(*one) for one in found.items())]

    def _make_person(self, name: str | None, domain_id: str) -> Person:
        name = name or f'user-{uuid.uuid4().hex[:8]}'
        made = self.make(
            'user', name=name, password='secret', domain_id=domain_id
        )
        return Person(made['id'], name, domain_id)

    def domain(self) -> str:
        """The id of a new domain."""
        made = self.make('domain', name=f'domain-{uuid.uuid4().hex[:8]}')
        return str(made['id'])

    def role(self, name: str) -> str:
        """The id of a role; makes it if it is missing."""
        return self._id('role', name)

    def project(self, name: str) -> str:
        """The id of a project; makes it if it is missing."""
        return self._id('project', name, domain_id='default')

    def _id(self, kind: str, name: str, **members: str) -> str:
        # No test deletes or renames one of these.
        if (kind, name) not in self._ids:
            members = {'name': name, **members}
            path = f'/v3/{kind}s?{urlencode(members)}'
            found = self.ask('GET', path).json[f'{kind}s']
            one = found[0] if found else self.make(kind, **members)
            self._ids[kind, name] = one['id']
        return self._ids[kind, name]

    def grant(self, person: Person, role: str, project: str = 'demo') -> None:
        """Give a user a role on a project."""
        PROVIDERS.assignment_api.create_grant(
            self.role(role),
            user_id=person.id,
            project_id=self.project(project),
        )

    def change(self, kind: str, id_: str, **members: Any) -> None:
        """Change something, for example a user."""
        self.ask('PATCH', f'/v3/{kind}s/{id_}', {kind: members})

    def token_of(self, person: Person, project: str | None = None) -> str:
        """A token of a user, as Keystone issues it after a password."""
        made = PROVIDERS.token_provider_api.issue_token(
            person.id,
            ['password'],
            project_id=project and self.project(project),
        )
        return str(made.id)

    def with_role(self, role: str, domain_id: str = 'default') -> Person:
        """A new user with a role on the project "demo"."""
        if domain_id == 'default':
            return self._new(role)
        person = self.person(domain_id=domain_id)
        self.grant(person, role)
        return person


def _start_afresh(keystone: Any) -> None:
    """Let each request start with an empty cache of its own.

    Keystone looks up a token in the cache that the last request in the thread
    left behind: a token that this one revoked would be valid.
    """
    serve = keystone.wsgi_app

    def call(environ: Any, start_response: Any) -> Any:
        context.RequestContext()
        return serve(environ, start_response)

    keystone.wsgi_app = call


def _engine() -> Any:
    return sql.core._get_main_context_manager().writer.get_engine()


def _keep_connections() -> None:
    """Let Keystone keep its connections to SQLite.

    oslo.db opens one for each read, 65 in a request, and SQLite parses all
    tables for each.
    """
    engine = _engine()
    engine.pool = sqlalchemy.QueuePool(
        engine.pool._creator,
        max_overflow=-1,
        dialect=engine.dialect,
        _dispatch=engine.pool.dispatch,
    )


def _set_up(home: pathlib.Path) -> str:
    """A configured Keystone in home; its tables and keys are copies."""
    recipe = f'{CONF} {_WORDS}'
    ready.copy(f'keystone-{VERSION}', recipe, home, _make)
    return str(_configure(home))


def _make(home: pathlib.Path) -> None:
    file = _configure(home)
    for words in _WORDS:
        _manage(file, *words)


def _configure(home: pathlib.Path) -> pathlib.Path:
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_dict(
        {
            group: {k: v.format(home=home) for k, v in options.items()}
            for group, options in CONF.items()
        }
    )
    file = home / 'keystone.conf'
    with file.open('w') as stream:
        conf.write(stream)
    return file


def _manage(conf: pathlib.Path, *arguments: str) -> None:
    command = pathlib.Path(sys.executable).with_name('keystone-manage')
    subprocess.run(
        [command, '--config-file', conf, *arguments],
        check=True,
        capture_output=True,
    )
