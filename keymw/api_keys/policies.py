"""Policy rules of API keys (doc/contract/api-keys 3)."""

from oslo_policy import policy

CREATE = 'api_key:create'
LIST = 'api_key:list'
GET = 'api_key:get'
UPDATE = 'api_key:update'
ROTATE = 'api_key:rotate'
DELETE = 'api_key:delete'
LIST_ALL = 'api_key:list_all'

_BASE = '/v3/users/{user_id}/api_keys'
_KEY = f'{_BASE}/{{id}}'
_OWNER = 'rule:owner'
_OWNER_OR_ADMIN = 'rule:owner or rule:admin'

RULES = [
    policy.RuleDefault(
        'owner',
        'user_id:%(user_id)s',
        'The target is the caller, of whatever type.',
    ),
    policy.DocumentedRuleDefault(
        CREATE,
        _OWNER,
        'Make an API key. Keystone lets only the owner make the trust behind '
        'it, so a wider rule has no effect.',
        [{'method': 'POST', 'path': _BASE}],
    ),
    policy.DocumentedRuleDefault(
        LIST,
        _OWNER_OR_ADMIN,
        'List the API keys of a user, without their secrets.',
        [{'method': 'GET', 'path': _BASE}],
    ),
    policy.DocumentedRuleDefault(
        GET,
        _OWNER_OR_ADMIN,
        'Show an API key, without its secret. Who may not do this gets 404 '
        'for the key from all operations.',
        [{'method': 'GET', 'path': _KEY}],
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _OWNER_OR_ADMIN,
        'Change the name, the description or the networks of an API key, '
        'disable or enable it. What an admin disabled, only an admin enables.',
        [{'method': 'PATCH', 'path': _KEY}],
    ),
    policy.DocumentedRuleDefault(
        ROTATE,
        _OWNER,
        'Give an API key a new secret.',
        [{'method': 'POST', 'path': f'{_KEY}/rotate'}],
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        _OWNER_OR_ADMIN,
        'Delete an API key.',
        [{'method': 'DELETE', 'path': _KEY}],
    ),
    policy.DocumentedRuleDefault(
        LIST_ALL,
        'rule:admin',
        'List the API keys of all users. The rule knows nothing of a target.',
        [{'method': 'GET', 'path': '/v3/api_keys'}],
    ),
]
