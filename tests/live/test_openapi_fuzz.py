"""schemathesis, by keymw/openapi.yaml, on the demo: no status from 500 up."""

from collections.abc import Iterator
import pathlib
import subprocess
import sys

import pytest

from tests.live.demo import Demo
from tests.live.demo import cached_demo

# For each operation.
REQUESTS = 1
# They end the token of the run.
_ENDS = ('revokeOwnToken', 'revokeToken')


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with cached_demo(tmp_path_factory.mktemp('fuzz')) as made:
        yield made


def test_no_request_is_an_error_of_the_server(
    demo: Demo, tmp_path: pathlib.Path
) -> None:
    skipped = [f'--exclude-operation-id={name}' for name in _ENDS]
    ran = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name('schemathesis'),
            *('run', f'{demo.url}/keymw/openapi.json', '--url', demo.url),
            f'--header=X-Auth-Token: {demo.token}',
            # A busy machine is no error of the server; the default is 10.
            '--request-timeout=60',
            '--checks=not_a_server_error',
            '--phases=fuzzing',
            '--suppress-health-check=all',
            f'--max-examples={REQUESTS}',
            '--workers=2',
            '--seed=1',
            '--no-color',
            *skipped,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
