"""keymw deployed from files, as an operator would."""

import configparser
import contextlib
import functools
import itertools
import os
import pathlib
import sqlite3
import tempfile
from typing import Any

from paste import deploy
import webtest

from keymw import conf
from keymw import vault
from keymw.storage.sql import database
from keymw.storage.sql import migrate

Options = dict[str, dict[str, str]]

# What a paste ini can name: applications that a test made.
_HANDED: dict[str, Any] = {}
_NUMBERS = itertools.count()


def handed_factory(_global_conf: Any, number: str) -> Any:
    """The application that a test handed to Deployment."""
    return _HANDED[number]


class Deployment:
    """A folder with keymw.conf, a key repository, a database and an ini."""

    def __init__(
        self, home: pathlib.Path, options: Options | None = None
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.conf_file = home / 'keymw.conf'
        self.write_conf(options or {})

    def write_conf(self, options: Options) -> None:
        """Write keymw.conf: what every deployment has, and more."""
        found = configparser.ConfigParser(interpolation=None)
        found.read_dict(
            {
                'database': {
                    'connection': f'sqlite:///{self.home}/keymw.db',
                },
                'vault': {'key_repository': str(self.home / 'vault')},
                'identity': {
                    'service_user': 'admin',
                    'service_project': 'admin',
                    'external': 'Domain',
                    'token_cache_ttl': '0',
                    'user_cache_ttl': '0',
                },
            }
        )
        found.read_dict(options)
        for group in found.sections():
            for name, value in found[group].items():
                if value == '':
                    del found[group][name]
        with self.conf_file.open('w') as stream:
            found.write(stream)
        self._written = found

    def set_up(self) -> None:
        """What "db sync" and "vault setup" do."""
        self.make_database()
        # oslo.config reads all options for one; most tests are set up anew.
        repository = self._written['vault']['key_repository']
        vault.setup(repository)
        # keymw reads one of the last second again for each secret.
        os.utime(repository, (0, 0))

    def make_database(self) -> None:
        """What "db sync" does."""
        file = self.home / 'keymw.db'
        known = self._written.get('database', 'connection', fallback=None)
        if known == f'sqlite:///{file}' and not file.exists():
            file.touch(0o600)
            file.write_bytes(_empty_database())
        else:
            loaded = conf.load(str(self.conf_file))
            migrate.sync(database.Database(loaded))

    def load(self, app: Any) -> Any:
        """keymw in front of an application, loaded from a paste ini."""
        number = str(next(_NUMBERS))
        _HANDED[number] = app
        ini = self.home / 'keymw-paste.ini'
        ini.write_text(
            '[pipeline:main]\n'
            'pipeline = keymw wrapped\n'
            '[filter:keymw]\n'
            'use = egg:keymw#keymw\n'
            f'config_file = {self.conf_file}\n'
            '[app:wrapped]\n'
            'paste.app_factory = tests.support.deployment:handed_factory\n'
            f'number = {number}\n'
        )
        return deploy.loadapp(f'config:{ini}')

    def web(self, app: Any) -> webtest.TestApp:
        """The same, for WebTest; every status is an answer."""
        return webtest.TestApp(
            webtest.lint.middleware(self.load(app)),
            extra_environ={'REMOTE_ADDR': '127.0.0.1'},
        )


def settle(home: pathlib.Path, user_id: str) -> None:
    """Make the last change of a user's keys two seconds older in SQLite.

    A login need not wait then until its token is younger than the key.
    """
    with contextlib.closing(sqlite3.connect(home / 'keymw.db')) as rows:
        rows.execute(
            'UPDATE keymw_key_change SET changed_at = '
            "strftime('%Y-%m-%d %H:%M:%f000', changed_at, '-2 seconds') "
            'WHERE user_id = ?',
            [user_id],
        )
        rows.commit()


@functools.cache
def _empty_database() -> bytes:
    """The file of a SQLite database after "db sync", made once."""
    with tempfile.TemporaryDirectory() as place:
        made = Deployment(pathlib.Path(place))
        migrate.sync(database.Database(conf.load(str(made.conf_file))))
        return (made.home / 'keymw.db').read_bytes()
