"""The rules: who may do what, as documented defaults for operators."""

from oslo_policy import policy

from keymw.policies import access_list
from keymw.policies import base
from keymw.policies import credentials
from keymw.policies import global_keys


def list_rules() -> list[policy.RuleDefault]:
    """Every rule, for the enforcer and for oslopolicy-sample-generator."""
    return [
        *base.RULES,
        *credentials.RULES,
        *global_keys.RULES,
        *access_list.RULES,
    ]
