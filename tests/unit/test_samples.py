"""The samples that operators start from are made of our own declarations."""

import pathlib
import re

from oslo_config import cfg
from oslo_config import generator as config_generator
from oslo_policy import generator as policy_generator
from oslo_policy import policy
import pytest

from keymw import conf
from keymw import families

OPTIONS = [
    pytest.param(group, opt, id=f'{group}.{opt.name}')
    for group, opts in conf.list_opts()
    for opt in opts
]


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """What "make samples" writes into keymw.conf.sample."""
    file = tmp_path_factory.mktemp('config') / 'keymw.conf.sample'
    config_generator.main(
        [
            *('--namespace', 'keymw'),
            *('--namespace', 'oslo.policy'),
            *('--namespace', 'oslo.log'),
            *('--output-file', str(file)),
        ]
    )
    return file


@pytest.fixture(scope='module')
def groups(config: pathlib.Path) -> dict[str, str]:
    """The sample by group."""
    parts = re.split(r'^\[(\w+)\]$', config.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(('group', 'opt'), OPTIONS)
def test_option_is_in_the_sample(
    groups: dict[str, str], group: str, opt: cfg.Opt
) -> None:
    assert re.search(f'^#{opt.name} =', groups[group], flags=re.M)


@pytest.mark.parametrize(('group', 'opt'), OPTIONS)
def test_option_is_explained(
    groups: dict[str, str], group: str, opt: cfg.Opt
) -> None:
    assert opt.help
    said = ' '.join(groups[group].replace('#', ' ').split())
    assert ' '.join(opt.help.replace('#', ' ').split()) in said


def test_groups_are_those_of_the_design(groups: dict[str, str]) -> None:
    needed = {'identity', 'storage', 'database', 'vault', 'kskey', 'limits'}
    assert needed | {'oslo_policy'} <= set(groups)


def test_sample_says_what_the_defaults_are(
    config: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    taken = tmp_path / 'keymw.conf'
    empty = tmp_path / 'empty.conf'
    empty.touch()
    taken.write_text(
        re.sub(
            r'^#(\w+ = (?!<None>)\S)', r'\1', config.read_text(), flags=re.M
        )
    )
    found, defaults = conf.load(str(taken)), conf.load(str(empty))
    for group, opts in conf.list_opts():
        for opt in opts:
            if not isinstance(opt, cfg.MultiOpt):
                assert found[group][opt.dest] == defaults[group][opt.dest]


@pytest.fixture(scope='module')
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What "make samples" writes into policy.yaml.sample."""
    file = tmp_path_factory.mktemp('policy') / 'policy.yaml.sample'
    policy_generator.generate_sample(
        ['--namespace', 'keymw', '--output-file', str(file)],
        conf=cfg.ConfigOpts(),
    )
    return file.read_text()


RULES = [pytest.param(rule, id=rule.name) for rule in families.list_rules()]


@pytest.mark.parametrize('rule', RULES)
def test_rule_is_in_the_sample_and_explained(
    rules: str, rule: policy.RuleDefault
) -> None:
    assert f'#"{rule.name}": "{rule.check_str}"' in rules
    assert rule.description
    said = ' '.join(rules.replace('#', ' ').split())
    assert ' '.join(rule.description.split()) in said


@pytest.mark.parametrize('rule', RULES)
def test_rule_of_an_operation_tells_its_requests(
    rules: str, rule: policy.RuleDefault
) -> None:
    if ':' not in rule.name:
        assert not isinstance(rule, policy.DocumentedRuleDefault)
        return
    assert isinstance(rule, policy.DocumentedRuleDefault)
    for operation in rule.operations:
        assert f'{operation["method"]}  {operation["path"]}' in rules
