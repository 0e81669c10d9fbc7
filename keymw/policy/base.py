"""Base rules, which the rules of the operations refer to.

Source: doc/contract/rackspace-identity 5.
"""

from oslo_policy import policy

# This rule has its own messages of refusal.
CREDENTIAL_RESET = 'credential:reset'
ADMIN = 'type:admin'
OVER = 'True:%(over)s'

_FACTS = """Has the role of [kskey] admin_role: may do all.

What a rule may read. Of the caller: user_id, domain_id, role, and type, which
is the highest of admin, service-admin, identity-admin, user-admin, user-manage
and default that its roles come to; without any of these roles it is default
where [kskey] self_service is on, else none. Of the target: user_id, domain_id,
type, and over, which is True where the type of the caller is above that of the
target, or both are user-manage. The type of a target is one of those, none
where all its roles are in [kskey] ordinary_roles, or other, which comes after
admin and above service-admin, where one of its roles is not known.
"""

RULES = [
    policy.RuleDefault('admin', ADMIN, _FACTS),
    policy.RuleDefault(
        'self',
        'user_id:%(user_id)s and not type:none',
        'The target is the caller.',
    ),
    policy.RuleDefault(
        'staff',
        'type:service-admin or type:identity-admin',
        'The two types that are not limited to a domain.',
    ),
    policy.RuleDefault(
        'staff_over',
        f'rule:staff and {OVER}',
        'Staff, for a target below.',
    ),
    policy.RuleDefault(
        'account_over',
        f'(type:user-admin or type:user-manage) and {OVER} '
        'and domain_id:%(domain_id)s',
        'Who manages an account, for a target below in the same domain.',
    ),
]
