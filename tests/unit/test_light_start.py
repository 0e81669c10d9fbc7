"""A worker starts without modules that it does not use."""

import pathlib
import subprocess
import sys

import pytest

from tests.support.deployment import Deployment

# Each is imported by another one of them: alembic takes mako, mako pygments.
HEAVY = (
    *('alembic', 'mako', 'pygments'),
    # The database here is SQLite. oslo.db loads the dialect of MySQL itself.
    'sqlalchemy.dialects.postgresql',
    *('ldap', 'prometheus_client', 'unittest'),
)
START = """
import sys
from keymw import factory
factory.wrap(lambda environ, start_response: [], sys.argv[1])
print(*sys.modules)
"""


@pytest.mark.parametrize('global_keys', ['true', 'false'])
def test_wrap_imports_nothing_in_vain(
    tmp_path: pathlib.Path, global_keys: str
) -> None:
    made = Deployment(
        tmp_path / 'keymw', {'global_keys': {'enabled': global_keys}}
    )
    made.set_up()
    done = subprocess.run(
        [sys.executable, '-c', START, str(made.conf_file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(HEAVY) & set(done.stdout.split()) == set()
    assert 'alembic' not in done.stderr
