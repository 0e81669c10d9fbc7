"""The standard tools of oslo.policy read keymw's rules."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.support.deployment import Deployment

OURS = ('--namespace', 'keymw')


@pytest.fixture
def rules(made: Deployment, tmp_path: pathlib.Path) -> pathlib.Path:
    """The policy file of a deployment."""
    file = tmp_path / 'policy.yaml'
    made.write_conf({'oslo_policy': {'policy_file': str(file)}})
    return file


def tool(made: Deployment, name: str, *words: object) -> tuple[int, str]:
    """The exit code and output of a tool."""
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name(name), *map(str, words)],
        env=os.environ | {'KEYMW_CONFIG_FILE': str(made.conf_file)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert 'Traceback' not in done.stdout
    return done.returncode, done.stdout


def test_validator_generator_and_list_read_our_rules(
    made: Deployment, rules: pathlib.Path
) -> None:
    rules.write_text(
        '"credential:list": "!"\n"credential:get": "rule:admin"\n'
    )
    code, out = tool(made, 'oslopolicy-validator', *OURS)
    assert code == 0, out
    file = ('--config-file', made.conf_file)
    assert tool(made, 'oslopolicy-validator', *OURS, *file)[0] == 0
    code, out = tool(made, 'oslopolicy-policy-generator', *OURS)
    assert (code, '"credential:list": "!"' in out) == (0, True)
    assert '"credential:reset"' in out
    rules.write_text(
        '"credential:add": "rule:admin or (rule:staff and rule:self) or '
        'rule:staff_over"\n"credential:lst": "!"\n'
    )
    code, out = tool(made, 'oslopolicy-list-redundant', *OURS)
    assert (code, 'credential:add' in out) == (0, True)
    code, out = tool(made, 'oslopolicy-validator', *OURS)
    assert (code, 'credential:lst' in out) == (1, True)


def test_checker_runs(
    made: Deployment, rules: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    rules.write_text('"credential:list": "role:admin"\n')
    access = tmp_path / 'access.json'
    roles, user = [{'name': 'admin'}], {'id': 'x', 'domain': {'id': 'y'}}
    access.write_text(json.dumps({'token': {'roles': roles, 'user': user}}))
    words = ('--policy', rules, '--access', access)
    code, out = tool(made, 'oslopolicy-checker', *words)
    assert (code, 'passed: credential:list' in out) == (0, True)
