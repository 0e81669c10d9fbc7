"""Fixtures: a private OpenLDAP, and stores on it as an operator names them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import importlib.util
import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from keymw import conf
from keymw.storage import load
from keymw.storage.base import CredentialStore
from tests.deployment import Deployment

if TYPE_CHECKING:
    from tests.servers.slapd import Slapd

Connect = Callable[..., CredentialStore]


@pytest.fixture(scope='session')
def slapd() -> Iterator[Slapd]:
    """OpenLDAP with our schema, and the rules for keymw of our example."""
    _require_libraries()
    from tests.servers import slapd as server

    with server.Slapd() as made:
        made.fill()
        made.load('keymw.ldif', 'keymw-database.ldif')
        yield made


def _require_libraries() -> None:
    for name in ('ldap', 'ldappool'):
        if importlib.util.find_spec(name) is None:
            why = f'OpenLDAP: the Python library {name} is not installed'
            if os.environ.get('KEYMW_REQUIRE_SERVERS') == '1':
                pytest.fail(why)
            pytest.skip(why)


@pytest.fixture
def tree(slapd: Slapd) -> str:
    """The DN below which the users of this test are."""
    return slapd.tree()


@pytest.fixture
def connect(slapd: Slapd, tree: str, tmp_path: pathlib.Path) -> Connect:
    """Make a store as keymw does, by a file: connect(option=value)."""
    from tests.servers import slapd as server

    def make(**options: str) -> CredentialStore:
        given = {
            'url': slapd.url,
            'user': server.USER,
            'password': server.PASSWORD,
            'user_tree_dn': tree,
            'user_name_attribute': 'uid',
            'operation_timeout': '1',
            'connection_timeout': '1',
        }
        home = tmp_path / f'keymw-{len(list(tmp_path.iterdir()))}'
        made = Deployment(
            home, {'storage': {'credentials': 'ldap'}, 'ldap': given | options}
        )
        return load.credentials(conf.load(str(made.conf_file)))

    return make


@pytest.fixture
def store(connect: Connect) -> CredentialStore:
    """A store that finds the entries of users by their names."""
    return connect()


@pytest.fixture
def person(slapd: Slapd, tree: str) -> Callable[..., str]:
    """Make a user in the directory: person(name, attribute=value)."""
    return lambda name, **more: slapd.person(tree, name, **more)
