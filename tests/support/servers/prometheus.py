"""A private Prometheus."""

import json
from typing import Any
from typing import ClassVar
import urllib.error
import urllib.parse
import urllib.request

from tests.support import servers
from tests.support.servers import ports


class Prometheus(servers.Server):
    """Prometheus that scrapes one address every half second."""

    name = 'Prometheus'
    user = 'prometheus'
    programs: ClassVar[tuple[str, ...]] = ('prometheus', 'promtool')

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._at = f'127.0.0.1:{ports.free()}'

    def set_up(self) -> None:
        configuration = {
            'global': {'scrape_interval': '500ms'},
            'scrape_configs': [
                {
                    'job_name': 'keymw',
                    'static_configs': [{'targets': [self._target]}],
                }
            ],
        }
        self.write('prometheus.yml', json.dumps(configuration))

    def command(self) -> list[str]:
        return [
            *('prometheus', '--config.file=prometheus.yml'),
            *('--storage.tsdb.path=data', f'--web.listen-address={self._at}'),
        ]

    def answers(self) -> bool:
        try:
            return bool(self.query('up') or True)
        except OSError:
            return False

    def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        query = urllib.parse.urlencode({'query': expression})
        url = f'http://{self._at}/api/v1/query?{query}'
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[Any] = json.load(answer)['data']['result']
        return found
