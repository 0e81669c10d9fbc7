"""Fixtures: a private 389 Directory Server, and stores on it."""

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
    from tests.support.servers.dirsrv import Dirsrv

Connect = Callable[..., CredentialStore]


@pytest.fixture(scope='session')
def dirsrv() -> Iterator[Dirsrv]:
    """389 with our schema, and the rules for keymw of our example."""
    directories.require_libraries()
    from tests.support.servers import dirsrv as server

    with server.Dirsrv() as made:
        made.fill()
        made.load()
        yield made


@pytest.fixture
def tree(dirsrv: Dirsrv) -> str:
    """The DN below which the users of this test are."""
    return dirsrv.tree()


@pytest.fixture
def deploy_on(
    dirsrv: Dirsrv, tree: str, tmp_path: pathlib.Path
) -> Callable[..., Deployment]:
    """Configure keymw to use the directory: deploy_on(option=value)."""
    return lambda **options: directories.deploy(
        dirsrv, tree, tmp_path, options
    )


@pytest.fixture
def connect(deploy_on: Callable[..., Deployment]) -> Connect:
    """Make a store as keymw does, by a file: connect(option=value)."""

    def make(**options: str) -> CredentialStore:
        made = deploy_on(**options)
        return load.credentials(conf.load(str(made.conf_file)))

    return make
