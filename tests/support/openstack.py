"""The real openstack, run in this process."""

import io

from openstackclient import shell
import pytest

from tests.support import logs


def run(patch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    out, err = io.StringIO(), io.StringIO()
    # The shell sets the level of all logs to DEBUG.
    with logs.kept(), patch.context() as here:
        here.setattr('sys.stdout', out)
        here.setattr('sys.stderr', err)
        try:
            code = shell.main([*words])
        except SystemExit as end:
            code = int(str(end.code))
    return code, out.getvalue(), err.getvalue()
