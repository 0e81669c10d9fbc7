"""Rules that the rules of the operations are made of (contract, 5).

Of the caller a rule may read user_id, domain_id, roles, and type: the highest
of admin, service-admin, identity-admin, user-admin, user-manage and default
that the caller's roles come to; default as well for a caller without any when
[kskey] self_service is on, else none. Of the target: user_id, domain_id, type,
and over, which is True where the caller's type is above the target's, or both
are user-manage.
"""

from oslo_policy import policy

ADMIN = 'type:admin'
OVER = 'True:%(over)s'

RULES = [
    policy.RuleDefault(
        'admin', ADMIN, 'Has the role of [kskey] admin_role: may do all.'
    ),
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
