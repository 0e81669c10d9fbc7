"""What callers with a token may do with the access list (ops-manager, 1)."""

from oslo_policy import policy

LIST = 'access_list:list'
ADD = 'access_list:add'
GET = 'access_list:get'
UPDATE = 'access_list:update'
DELETE = 'access_list:delete'

_BASES = [
    '/api/public/v1.0/admin/accessList',
    '/api/public/v1.0/admin/whitelist',
]
_OWNER = 'rule:global_owner'


def _operations(method: str, below: str = '') -> list[policy.Operation]:
    return [{'method': method, 'path': f'{base}{below}'} for base in _BASES]


RULES = [
    policy.DocumentedRuleDefault(
        LIST,
        _OWNER,
        'List the networks that global keys may be used from.',
        _operations('GET'),
    ),
    policy.DocumentedRuleDefault(
        ADD,
        _OWNER,
        'Add a network to the access list.',
        _operations('POST'),
    ),
    policy.DocumentedRuleDefault(
        GET,
        _OWNER,
        'Show an entry of the access list.',
        _operations('GET', '/{accessListId}'),
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _OWNER,
        'Change the network or the description of an entry.',
        _operations('PATCH', '/{accessListId}'),
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        _OWNER,
        'Remove a network from the access list.',
        _operations('DELETE', '/{accessListId}'),
    ),
]
