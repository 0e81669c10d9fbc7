"""Prints which drivers ran, and which promises each kept."""

import collections
from typing import Any

import pytest

pytest.register_assert_rewrite(
    'tests.contract.credentials', 'tests.contract.sql_servers'
)

_SUITE = 'tests.contract.credentials'
_Cells = dict[str, dict[str, set[str]]]
_PLACES = pytest.StashKey[dict[str, tuple[str, str]]]()
_CELLS = pytest.StashKey[_Cells]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what the tests tell."""
    config.stash[_PLACES] = {}
    cells: _Cells = collections.defaultdict(
        lambda: collections.defaultdict(set)
    )
    config.stash[_CELLS] = cells
    config.pluginmanager.register(_Table(config), 'drivers-and-promises')


class _Table:
    """Promises down, drivers across."""

    def __init__(self, config: pytest.Config) -> None:
        self._places = config.stash[_PLACES]
        self._cells = config.stash[_CELLS]

    def pytest_itemcollected(self, item: Any) -> None:
        """Remember which driver and which promise a test is about."""
        function = getattr(item, 'function', None)
        if getattr(function, '__module__', None) == _SUITE and item.cls:
            driver = item.cls.__name__.removeprefix('Test')
            self._places[item.nodeid] = driver, item.originalname

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down how a test ended."""
        place = self._places.get(report.nodeid)
        if place and (report.when == 'call' or not report.passed):
            self._cells[place[1]][place[0]].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table."""
        drivers = sorted({driver for driver, _ in self._places.values()})
        if not self._cells:
            return
        terminalreporter.section('promises of a credential store, by driver')
        width = max(map(len, self._cells))
        terminalreporter.write_line(' '.join([' ' * width, *drivers]))
        for promise, told in self._cells.items():
            cells = [
                _cell(told.get(driver)).center(len(driver))
                for driver in drivers
            ]
            terminalreporter.write_line(
                ' '.join([promise.ljust(width), *cells])
            )


def _cell(outcomes: set[str] | None) -> str:
    if outcomes is None:
        return '-'
    if 'failed' in outcomes:
        return 'FAIL'
    return 'skip' if 'skipped' in outcomes else 'ok'
