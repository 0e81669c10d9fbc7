"""Policies of the access list, for callers with a token.

Source: doc/contract/ops-manager-global-keys 1.
"""

# An annotation names Operation, and oslo.policy 4.5 does not have it yet.
from __future__ import annotations

from oslo_policy import policy

from keymw.global_keys import paths

LIST = 'access_list:list'
ADD = 'access_list:add'
GET = 'access_list:get'
UPDATE = 'access_list:update'
DELETE = 'access_list:delete'

_OWNER = 'rule:global_owner'


def _operations(method: str, below: str = '') -> list[policy.Operation]:
    return [
        {'method': method, 'path': f'{path}{below}'}
        for path in paths.ACCESS_LISTS
    ]


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
        _operations('GET', paths.ENTRY),
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _OWNER,
        'Change the network or the description of an entry.',
        _operations('PATCH', paths.ENTRY),
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        _OWNER,
        'Remove a network from the access list.',
        _operations('DELETE', paths.ENTRY),
    ),
]
