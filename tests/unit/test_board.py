"""The board and the alerts use numbers that keymw counts."""

import json
import pathlib
import re
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard
import prometheus_client as client
import pytest

from keymw.observe.metrics_prometheus import Prometheus

ETC = pathlib.Path(__file__).parents[2] / 'etc'
BOARD = ETC / 'grafana' / 'keymw.json'
RULES = ETC / 'prometheus' / 'keymw.rules.yml'
_SUFFIXES = {'counter': ('_total',), 'histogram': ('_bucket', '_count')}


def counted() -> set[str]:
    """The names of all series."""
    registry = client.CollectorRegistry()
    Prometheus(registry)
    return {'keymw_vault_key_made_timestamp_seconds'} | {
        f'{metric.name}{suffix}'
        for metric in registry.collect()
        for suffix in _SUFFIXES[metric.type]
    }


@pytest.mark.parametrize('file', [BOARD, RULES], ids=['board', 'alerts'])
def test_names_are_those_of_the_metrics(file: pathlib.Path) -> None:
    used = set(re.findall(r'\bkeymw_\w+', file.read_text()))
    assert used
    assert used <= counted()


def test_board_is_one_that_grafana_reads() -> None:
    told: dict[str, Any] = json.loads(BOARD.read_text())
    board = Dashboard.from_json(told)
    assert board.uid == 'keymw'
    panels: list[Any] = list(board.panels or [])
    assert len({panel.id_val for panel in panels}) == len(panels)
    for panel in panels:
        assert panel.title
        assert [target.to_json()['expr'] for target in panel.targets]
