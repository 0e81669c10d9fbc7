"""What callers with a token may do with global keys (ops-manager, 1 and 7).

A caller with a global key is judged by the roles of that key instead.
"""

from oslo_policy import policy

LIST = 'global_key:list'
ADD = 'global_key:add'
ROLES = 'global_key:roles'
GET = 'global_key:get'
UPDATE = 'global_key:update'
DELETE = 'global_key:delete'

_BASE = '/api/public/v1.0/admin/apiKeys'
_KEY = f'{_BASE}/{{apiKeyId}}'
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
        [{'method': 'GET', 'path': _BASE}],
    ),
    policy.DocumentedRuleDefault(
        ADD,
        _OWNER,
        'Make a global key.',
        [{'method': 'POST', 'path': _BASE}],
    ),
    policy.DocumentedRuleDefault(
        ROLES,
        _OWNER,
        'List the roles that a global key may have.',
        [{'method': 'GET', 'path': f'{_BASE}/roles'}],
    ),
    policy.DocumentedRuleDefault(
        GET,
        _OWNER,
        'Show a global key, but for its secret.',
        [{'method': 'GET', 'path': _KEY}],
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _OWNER,
        'Change the description or the roles of a global key.',
        [{'method': 'PATCH', 'path': _KEY}],
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        _OWNER,
        'Delete a global key.',
        [{'method': 'DELETE', 'path': _KEY}],
    ),
]
