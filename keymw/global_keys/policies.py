"""Policies of global keys, for callers with a token.

The rights of a caller with a global key follow from the roles of that key.
Source: doc/contract/ops-manager-global-keys 1 and 7.
"""

from oslo_policy import policy

from keymw.global_keys import paths

LIST = 'global_key:list'
ADD = 'global_key:add'
ROLES = 'global_key:roles'
GET = 'global_key:get'
UPDATE = 'global_key:update'
DELETE = 'global_key:delete'

_OWNER = 'rule:global_owner'

RULES = [
    policy.RuleDefault(
        'global_owner',
        'rule:admin',
        'Who may with a token what a key with GLOBAL_OWNER may. Rules about '
        'global keys and the access list know nothing of a target.',
    ),
    policy.DocumentedRuleDefault(
        LIST,
        _OWNER,
        'List the global keys.',
        [{'method': 'GET', 'path': paths.KEYS}],
    ),
    policy.DocumentedRuleDefault(
        ADD,
        _OWNER,
        'Make a global key.',
        [{'method': 'POST', 'path': paths.KEYS}],
    ),
    policy.DocumentedRuleDefault(
        ROLES,
        _OWNER,
        'List the roles that a global key may have.',
        [{'method': 'GET', 'path': paths.ROLES}],
    ),
    policy.DocumentedRuleDefault(
        GET,
        _OWNER,
        'Show a global key, but for its secret.',
        [{'method': 'GET', 'path': paths.KEY}],
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _OWNER,
        'Change the description or the roles of a global key.',
        [{'method': 'PATCH', 'path': paths.KEY}],
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        _OWNER,
        'Delete a global key.',
        [{'method': 'DELETE', 'path': paths.KEY}],
    ),
]
