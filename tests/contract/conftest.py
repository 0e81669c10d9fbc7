"""Prints which drivers ran, and which promises each kept."""

import collections
import dataclasses
from typing import Any

import pytest


@dataclasses.dataclass(frozen=True)
class _Suite:
    """The subject of a suite, and the start of its class names by driver."""

    store: str
    prefix: str


_SUITES = {
    'tests.contract.credentials': _Suite('a credential store', 'Test'),
    'tests.contract.global_keys': _Suite(
        'a global key store', 'TestGlobalKeys'
    ),
    'tests.contract.access_list': _Suite(
        'an access list store', 'TestAccessList'
    ),
    'tests.contract.api_keys': _Suite('an API key store', 'TestApiKeys'),
    'tests.contract.used_nonces': _Suite(
        'a used nonce store', 'TestUsedNonces'
    ),
}
pytest.register_assert_rewrite(*_SUITES, 'tests.contract.sql_servers')

# By suite and promise, and then by driver.
_Cells = dict[tuple[str, str], dict[str, set[str]]]
_PLACES = pytest.StashKey[dict[str, tuple[str, str, str]]]()
_CELLS = pytest.StashKey[_Cells]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the results of the tests."""
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
        """Record the driver and the promise of a test."""
        module = getattr(getattr(item, 'function', None), '__module__', None)
        suite = _SUITES.get(str(module))
        if suite is not None and item.cls:
            driver = item.cls.__name__.removeprefix(suite.prefix)
            place = suite.store, item.originalname, driver
            self._places[item.nodeid] = place

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down how a test ended."""
        place = self._places.get(report.nodeid)
        if place and (report.when == 'call' or not report.passed):
            store, promise, driver = place
            self._cells[store, promise][driver].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print a table for each suite."""
        for suite in _SUITES.values():
            told = {
                promise: cells
                for (store, promise), cells in self._cells.items()
                if store == suite.store
            }
            if told:
                terminalreporter.section(
                    f'promises of {suite.store}, by driver'
                )
                self._print(terminalreporter, suite.store, told)

    def _print(
        self, terminalreporter: Any, suite: str, told: dict[str, Any]
    ) -> None:
        drivers = sorted(
            {d for store, _, d in self._places.values() if store == suite}
        )
        width = max(map(len, told))
        terminalreporter.write_line(' '.join([' ' * width, *drivers]))
        for promise, outcomes in told.items():
            cells = [
                _cell(outcomes.get(driver)).center(len(driver))
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
