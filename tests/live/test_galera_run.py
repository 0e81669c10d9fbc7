"""keymw on a Galera cluster, through HTTP, while a node is killed."""

import pathlib

from tests.live import galera
from tests.support.cloud import Cloud


def test_killed_node_loses_no_key(
    tmp_path: pathlib.Path, cloud: Cloud
) -> None:
    outcome = galera.run(tmp_path, cloud, phase=1.5)
    print(outcome)
    assert outcome.strange == []
    assert outcome.stale == 0
    assert set(outcome.lost.values()) == {0}
    assert len(outcome.of(201)) > 10 * galera.CLIENTS
    # At most what each client had under way when the node was killed.
    assert len(outcome.of(503)) <= galera.CLIENTS
