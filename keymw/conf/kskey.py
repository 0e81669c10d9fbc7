"""[kskey]: the API keys of users (RAX-KSKEY)."""

from oslo_config import cfg

GROUP = 'kskey'
OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled',
        default=True,
        help='Serve the RAX-KSKEY routes.',
    ),
    cfg.BoolOpt(
        'self_service',
        default=True,
        help='Let a user without an identity role list, get, reset and '
        'delete the key of their own.',
    ),
    cfg.StrOpt(
        'admin_role',
        default='admin',
        help='Role that may do everything, above the five roles below.',
    ),
    cfg.StrOpt(
        'service_admin_role',
        default='identity:service-admin',
        help='The first of the five roles of Rackspace, highest first.',
    ),
    cfg.StrOpt(
        'identity_admin_role',
        default='identity:admin',
        help='The second of the five roles.',
    ),
    cfg.StrOpt(
        'user_admin_role',
        default='identity:user-admin',
        help='The third: owner of an account, within its domain.',
    ),
    cfg.StrOpt(
        'user_manage_role',
        default='identity:user-manage',
        help='The fourth: manages users within its domain.',
    ),
    cfg.StrOpt(
        'default_role',
        default='identity:default',
        help='The fifth: a sub-user.',
    ),
    cfg.StrOpt(
        'www_authenticate_uri',
        help='When set, a 401 carries WWW-Authenticate: Keystone uri="…" '
        'with this value.',
    ),
]
