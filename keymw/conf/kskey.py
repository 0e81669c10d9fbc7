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
        'serve_v2',
        default=True,
        help='Where the wrapped application speaks v3 alone, answer what '
        'Identity v2.0 clients ask besides keys: logins with a password or '
        'a token, validating and revoking tokens, tenants, users. Off, only '
        'the routes about keys are there.',
    ),
    cfg.BoolOpt(
        'serve_v1_0',
        default=True,
        help='Answer GET /v1.0, the login of the first Cloud Files clients.',
    ),
    cfg.BoolOpt(
        'serve_v1_1',
        default=False,
        help='Answer POST /v1.1/auth, the login of Cloud Auth 1.1.',
    ),
    cfg.StrOpt(
        'storage_service',
        default='object-store',
        help='Type or name of the service in the catalogue whose URL is the '
        'X-Storage-Url of a v1.0 login.',
    ),
    cfg.StrOpt(
        'cdn_service',
        default='rax:object-cdn',
        help='The same for X-CDN-Management-Url.',
    ),
    cfg.StrOpt(
        'servers_service',
        default='compute',
        help='The same for X-Server-Management-Url.',
    ),
    cfg.BoolOpt(
        'forward_key_like_passwords',
        default=False,
        help='Let a v2.0 login through whose password has the shape of a '
        'generated key, 32 lower-case hex digits. Some clients send a '
        'refused key again as a password, and each time counts for '
        "Keystone's lock-out; off, such a login is refused here.",
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
