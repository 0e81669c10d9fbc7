"""Rules that the rules of the operations are made of (contract, 5)."""

from oslo_policy import policy

ADMIN = 'type:admin'
OVER = 'True:%(over)s'

_FACTS = """Has the role of [kskey] admin_role: may do all.

What a rule may read. Of the caller: user_id, domain_id, role, and type, which
is the highest of admin, service-admin, identity-admin, user-admin, user-manage
and default that its roles come to; without any of these roles it is default
where [kskey] self_service is on, else none. Of the target: user_id, domain_id,
type, and over, which is True where the type of the caller is above that of the
target, or both are user-manage.
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
