"""Policy rules of API keys (doc/contract/rackspace-identity 5.2)."""

from oslo_policy import policy

from keymw.credentials import paths
from keymw.policy import base

LIST = 'credential:list'
ADD = 'credential:add'
GET = 'credential:get'
UPDATE = 'credential:update'
DELETE = 'credential:delete'
RESET = base.CREDENTIAL_RESET

_READ = 'rule:admin or rule:self or rule:staff_over or rule:account_over'
_WRITE = 'rule:admin or (rule:staff and rule:self) or rule:staff_over'

RULES = [
    policy.DocumentedRuleDefault(
        LIST,
        _READ,
        'List the credentials of a user, API keys in clear.',
        [{'method': 'GET', 'path': paths.CREDENTIALS}],
    ),
    policy.DocumentedRuleDefault(
        ADD,
        _WRITE,
        'Give a user an API key that the caller chose.',
        [{'method': 'POST', 'path': paths.CREDENTIALS}],
    ),
    policy.DocumentedRuleDefault(
        GET,
        _READ,
        'Show the API key of a user.',
        [{'method': 'GET', 'path': paths.KEY}],
    ),
    policy.DocumentedRuleDefault(
        UPDATE,
        _WRITE,
        'Change the API key of a user to one that the caller chose.',
        [{'method': 'POST', 'path': paths.KEY}],
    ),
    policy.DocumentedRuleDefault(
        DELETE,
        'rule:admin or (rule:self and not type:user-admin) '
        'or rule:staff_over or rule:account_over',
        'Delete the API key of a user.',
        [{'method': 'DELETE', 'path': paths.KEY}],
    ),
    policy.DocumentedRuleDefault(
        RESET,
        f"{_READ} or (type:identity-admin and 'identity-admin':%(type)s)",
        'Give a user a new, generated API key.',
        [{'method': 'POST', 'path': paths.RESET}],
    ),
]
