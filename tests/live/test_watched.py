"""What an operator sees of served workers: metrics, board and health."""

from collections.abc import Iterator
import contextlib
import json
import pathlib
import sqlite3
import subprocess
from typing import Any

import pytest

from bench import identity
from tests.live import watched
from tests.support import servers
from tests.support.servers.haproxy import HAProxy
from tests.support.servers.postgresql import PostgreSQL
from tests.support.servers.prometheus import Prometheus

ETC = watched.ROOT / 'etc'
BOARD: dict[str, Any] = json.loads(
    (ETC / 'grafana' / 'keymw.json').read_text()
)
EXPRESSIONS = [
    pytest.param(target['expr'], id=panel['title'])
    for panel in BOARD['panels']
    for target in panel['targets']
]
ON = {
    'metrics': {'enabled': 'true'},
    'limits': {'max_body_size': '2048'},
    'identity': {'token_cache_ttl': '60'},
}


def use(node: watched.Node) -> None:
    """Send requests of every kind, good and bad."""
    assert {node.add(number) for number in range(8)} <= {200, 201}
    for number in range(8):
        assert node.show(number) == 200
        assert node.sign_in(number) == 200
        assert node.sign_in(number, 'wrong') == 401
    assert node.sign_in(1, 'x' * 3000) == 413


def spoil(node: watched.Node) -> None:
    """Make one value in the store one that cannot be opened."""
    file = node.made.home / 'keymw.db'
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            'UPDATE keymw_credential SET secret = substr(secret, 1, 9) '
            'WHERE user_id = ?',
            (identity.user_id(7),),
        )


@pytest.fixture(scope='module')
def scraped(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Prometheus, watched.Node]]:
    """A Prometheus that scrapes three workers, and the page of metrics."""
    servers.require(Prometheus.name, Prometheus.programs)
    home = tmp_path_factory.mktemp('scraped')
    node = watched.Node(home, ON)
    page = watched.Node(home, ON)
    shared = {'PROMETHEUS_MULTIPROC_DIR': str(home / 'metrics')}
    hooks = str(ETC / 'gunicorn.conf.py')
    with (
        node.served('--config', hooks, '--workers', '3', **shared),
        page.served(app='metrics', **shared),
        Prometheus(f'127.0.0.1:{page.port}') as prometheus,
    ):
        use(node)
        servers.until(lambda: prometheus.query('keymw_requests_total'))
        use(node)
        spoil(node)
        assert node.show(7) == 503
        yield prometheus, page


@pytest.mark.parametrize('expression', EXPRESSIONS)
def test_panel_of_the_board_has_data(
    scraped: tuple[Prometheus, watched.Node], expression: str
) -> None:
    prometheus, _ = scraped
    asked = expression.replace('$__rate_interval', '1m')
    servers.until(lambda: prometheus.query(asked), lambda: asked, 20)


def test_page_has_the_sum_of_all_workers(
    scraped: tuple[Prometheus, watched.Node],
) -> None:
    prometheus, page = scraped
    logins = 'sum(keymw_requests_total{family="login",status="200"})'

    def counted() -> bool:
        ((_, value),) = [row['value'] for row in prometheus.query(logins)]
        return float(value) == 16

    servers.until(counted)
    status, text = page.send('GET', '/metrics')
    assert status == 200
    done = subprocess.run(
        ['promtool', 'check', 'metrics'], input=text, capture_output=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b'')


def test_alerts_are_good_rules() -> None:
    servers.require(Prometheus.name, Prometheus.programs)
    rules = ETC / 'prometheus' / 'keymw.rules.yml'
    command = ['promtool', 'check', 'rules', '--lint-fatal', str(rules)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_balancer_leaves_out_a_node_while_its_store_is_away(
    tmp_path: pathlib.Path,
) -> None:
    servers.require(HAProxy.name, HAProxy.programs)
    with PostgreSQL() as store:
        url = store.url(store.database())
        first = watched.Node(
            tmp_path / 'one', {'database': {'connection': url}}
        )
        second = watched.Node(tmp_path / 'two', {})
        nodes = {'one': first.port, 'two': second.port}
        with first.served(), second.served(), HAProxy(nodes) as balancer:

            def reach(**states: str) -> None:
                servers.until(
                    lambda: balancer.states() == states,
                    lambda: str(balancer.states()),
                )

            reach(one='UP', two='UP')
            store.kill()
            reach(one='DOWN', two='UP')
            # The process itself lives, and says so.
            assert first.send('GET', '/healthz')[0] == 200
            store.start()
            reach(one='UP', two='UP')
            store.freeze()
            reach(one='DOWN', two='UP')
            store.thaw()
            reach(one='UP', two='UP')
