"""Fixtures: a real Keystone, keymw before it, and the two formats."""

from collections.abc import Callable
import pathlib
from typing import Any

import pytest
import webtest

from tests.support import wire as wires
from tests.support.cloud import VERSION
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment
from tests.support.deployment import Options


def pytest_report_header() -> str:
    """Name the Keystone of this environment."""
    return f'keystone: {VERSION}'


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order of files: pytest-xdist would put long ones last."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what waits for servers, so that no worker ends alone."""
    order = ('live', 'contract', 'functional', 'unit')
    tests = pathlib.Path(__file__).parent
    items.sort(
        key=lambda item: order.index(item.path.relative_to(tests).parts[0])
    )


@pytest.fixture(scope='session')
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """The one real Keystone of this process."""
    return Cloud(tmp_path_factory.mktemp('keystone'))


@pytest.fixture(scope='module')
def cloud(keystone: Cloud) -> Cloud:
    """The one real Keystone, which has forgotten what it revoked.

    A token that another file revoked is valid again.
    """
    keystone.forget_revocations()
    return keystone


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """Files of keymw, all set up."""
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    return found


@pytest.fixture
def deploy(tmp_path: pathlib.Path) -> Callable[..., webtest.TestApp]:
    """Make keymw before an application, by files: deploy(app, options)."""

    def make(app: Any, options: Options | None = None) -> webtest.TestApp:
        number = len(list(tmp_path.iterdir()))
        made = Deployment(tmp_path / f'keymw-{number}', options)
        made.set_up()
        return made.web(app)

    return make


@pytest.fixture
def web(
    deploy: Callable[..., webtest.TestApp], cloud: Cloud
) -> webtest.TestApp:
    """keymw before the real Keystone, with nothing cached."""
    return deploy(cloud.app)


@pytest.fixture(scope='module')
def bob(cloud: Cloud) -> Person:
    """A user without any role, whom no test changes in Keystone."""
    return cloud.person()


@pytest.fixture
def zoe(cloud: Cloud) -> Person:
    """A user without any role, whom the test may change in Keystone."""
    return cloud.person()


@pytest.fixture(params=wires.WIRES, ids=lambda wire: str(wire.name))
def wire(request: pytest.FixtureRequest) -> wires.Wire:
    """JSON, then XML."""
    found: wires.Wire = request.param
    return found


@pytest.fixture
def send(web: webtest.TestApp, cloud: Cloud, wire: wires.Wire) -> Any:
    """Send a request in the format of the test, as admin by default."""

    def ask(
        method: str, path: str, body: bytes | None = None, **more: Any
    ) -> Any:
        token = more.pop('token', cloud.admin)
        headers = {'Accept': wire.media_type} | more.pop('headers', {})
        if token is not None:
            headers['X-Auth-Token'] = token
        if body is not None:
            headers.setdefault('Content-Type', wire.media_type)
        return more.pop('web', web).request(
            path,
            method=method,
            headers=headers,
            expect_errors=True,
            **({} if body is None else {'body': body}),
            **more,
        )

    return ask
