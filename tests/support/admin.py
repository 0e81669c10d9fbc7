"""keymw with global keys on, its stores at hand, and keys to ask with."""

from collections.abc import Callable
import contextlib
import datetime
import pathlib
import sqlite3
import time
from typing import Any

import webtest

from keymw import conf
from keymw import factory
from keymw import vault
from keymw.global_keys import keys as global_key
from keymw.global_keys import networks as access_entry
from keymw.storage import load
from tests.support import digest
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.pass_through import Wrapped

ADMIN = '/api/public/v1.0/admin'
KEYS = f'{ADMIN}/apiKeys'
LIST = f'{ADMIN}/accessList'
WHITELIST = f'{ADMIN}/whitelist'
NOBODY = 'f' * 24
OWNER = 'GLOBAL_OWNER'
READER = 'GLOBAL_READ_ONLY'
USER_ADMIN = 'GLOBAL_USER_ADMIN'
HOME = '127.0.0.1'


class Office:
    """A deployment with an owner's key and an entry for where tests are."""

    def __init__(
        self,
        home: pathlib.Path,
        app: Any = None,
        options: Options | None = None,
        clock: Callable[[], float] = time.time,
        entries: tuple[str, ...] = (HOME,),
        **settings: str,
    ) -> None:
        on = {'enabled': 'true', **settings}
        self.deployment = Deployment(
            home, {**(options or {}), 'global_keys': on}
        )
        self.deployment.set_up()
        self.app = app or Wrapped(Content_Type='text/plain')
        self._clock = clock
        file = str(self.deployment.conf_file)
        self.conf = conf.load(file)
        self.vault = vault.load(self.conf.vault.key_repository)
        self.keys = load.global_keys(self.conf)
        self.entries = load.access_list(self.conf)
        self.web = self.another_worker()
        self.owner = self.key(OWNER)
        for entry in entries:
            self.entry(entry)

    def another_worker(self) -> webtest.TestApp:
        """One more that has the same stores and the same keys."""
        if self._clock is time.time:
            return self.deployment.web(self.app)
        file = str(self.deployment.conf_file)
        made = factory.wrap(self.app, file, self._clock)
        return webtest.TestApp(
            webtest.lint.middleware(made), extra_environ={'REMOTE_ADDR': HOME}
        )

    def key(self, *roles: str, description: str = 'of a test') -> 'Key':
        """A new key."""
        made, private_key = global_key.add(
            self.keys, self.vault, description, roles, self._now()
        )
        return Key(self.web, made.id, made.public_key, private_key)

    def entry(self, block: str, description: str = 'of a test') -> str:
        """The id of a new entry."""
        made = access_entry.new(
            self.conf, self.vault, block, description, self._now()
        )
        self.entries.add(made)
        return made.id

    def _now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)


class Key(digest.Client):
    """A client with a key of the office."""

    def __init__(self, web: Any, id_: str, user: str, password: str) -> None:
        super().__init__(web, user, password)
        self.id = id_


def told(response: Any) -> tuple[int, str | None, list[str] | None]:
    """Status, errorCode and parameters of an error that is whole."""
    body = response.json
    assert body['error'] == response.status_int
    assert response.status == f'{body["error"]} {body["reason"]}'
    assert body['detail']
    assert response.headers['Content-Type'] == 'application/json'
    return response.status_int, body.get('errorCode'), body.get('parameters')


def write(office: Office, statement: str, *values: Any) -> None:
    """A change of the database without keymw."""
    file = office.deployment.home / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as to, to:
        assert to.execute(statement, values).rowcount > 0


def write_schema(office: Office, statement: str) -> None:
    """A change of the tables without keymw."""
    file = office.deployment.home / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as to, to:
        to.execute(statement)
