"""Fixtures that files of functional tests share."""

from collections.abc import Iterator

import pytest

from tests.support.between import Between
from tests.support.cloud import Cloud
from tests.support.cloud import Person
from tests.support.far import Far


@pytest.fixture
def between(cloud: Cloud) -> Between:
    """The real Keystone, whose answers a test may replace."""
    return Between(cloud.app)


@pytest.fixture
def ann(cloud: Cloud) -> Person:
    """A member of the project "demo"."""
    return cloud.with_role('member')


@pytest.fixture
def far(cloud: Cloud) -> Iterator[Far]:
    """The real Keystone, on a port."""
    found = Far(cloud.app)
    found.start()
    yield found
    found.stop()
