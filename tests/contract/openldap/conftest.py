"""Fixtures: a private OpenLDAP, and stores on it as an operator names them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import pathlib
from typing import TYPE_CHECKING

import pytest

from keymw import conf
from keymw.storage import load
from keymw.storage.base import CredentialStore
from tests.contract import directories
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    from tests.support.servers.slapd import Slapd

Connect = Callable[..., CredentialStore]


@pytest.fixture(scope='session')
def slapd() -> Iterator[Slapd]:
    """OpenLDAP with our schema, and the rules for keymw of our example."""
    directories.require_libraries()
    from tests.support.servers import slapd as server

    with server.Slapd() as made:
        made.fill()
        made.load('keymw.ldif', 'keymw-database.ldif')
        yield made


@pytest.fixture
def tree(slapd: Slapd) -> str:
    """The DN below which the users of this test are."""
    return slapd.tree()


@pytest.fixture
def deploy_on(
    slapd: Slapd, tree: str, tmp_path: pathlib.Path
) -> Callable[..., Deployment]:
    """Configure keymw to use the directory: deploy_on(option=value)."""
    return lambda **options: directories.deploy(slapd, tree, tmp_path, options)


@pytest.fixture
def connect(deploy_on: Callable[..., Deployment]) -> Connect:
    """Make a store as keymw does, by a file: connect(option=value)."""

    def make(**options: str) -> CredentialStore:
        made = deploy_on(**options)
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
