"""The policies of keymw for oslopolicy-validator and related tools."""

import argparse
import os
import sys

from oslo_config import cfg
from oslo_policy import opts
from oslo_policy import policy

from keymw import conf as configuration
from keymw import families
from keymw.policy import files


def enforcer() -> policy.Enforcer:
    """Return the enforcer for oslopolicy-validator and related tools.

    They read the policy file that the global CONF names.
    """
    conf = configuration.load(_config_files(sys.argv))
    file = files.policy_file(conf)
    opts.set_defaults(cfg.CONF, policy_file=file)
    made = policy.Enforcer(cfg.CONF)
    made.register_defaults(families.list_rules())
    return made


def _config_files(arguments: list[str]) -> list[str]:
    """Return the files of --config-file, else the default of keymw."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--config-file', action='append', default=[])
    named: list[str] = parser.parse_known_args(arguments)[0].config_file
    default = configuration.default_file()
    return named or ([default] if os.path.exists(default) else [])
