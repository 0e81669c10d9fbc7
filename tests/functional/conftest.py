"""Fixtures that files of functional tests share."""

import pathlib

import pytest

from tests.support.between import Between
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.deployment import Deployment


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Deployment:
    """Files of keymw, all set up."""
    found = Deployment(tmp_path / 'keymw')
    found.set_up()
    return found


@pytest.fixture
def between(cloud: Cloud) -> Between:
    """The real Keystone, whose answers a test may replace."""
    return Between(cloud.app)


@pytest.fixture
def ann(cloud: Cloud) -> Person:
    """A member of the project "demo"."""
    return cloud.with_role('member')
