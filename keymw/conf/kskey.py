"""[kskey]: the API keys of users (RAX-KSKEY)."""

from oslo_config import cfg

from keymw.key_length import MAX_API_KEY_LENGTH

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
        help='Where the wrapped application speaks v3 alone, serve the other '
        'requests of Identity v2.0 clients: logins with a password or a '
        'token, validating and revoking tokens, their endpoints, tenants, '
        'users and their roles. If false, only the routes about keys are '
        'served.',
    ),
    cfg.BoolOpt(
        'advertise_v2',
        default=False,
        help='Name v2.0 in the list of versions in the response of the '
        'wrapped application to GET /, for clients that look there for the '
        'version they speak: openstackclient 2 and 3 with '
        '--os-identity-api-version 2, auth_token 4 with auth_version = v2.0. '
        'It needs serve_v2. A client that accepts any version may then '
        'choose v2.0. If false, the list is not changed.',
    ),
    cfg.BoolOpt(
        'validate_with_catalog',
        default=True,
        help='Include the catalogue in the response to GET /v2.0/tokens/{id} '
        'if the token is for a tenant. Services that act for a user find the '
        'other services in it. If false, the response is shorter and costs '
        'Keystone less.',
    ),
    cfg.BoolOpt(
        'serve_v1_0',
        default=True,
        help='Serve GET /v1.0, the login of the first Cloud Files clients.',
    ),
    cfg.BoolOpt(
        'serve_v1_1',
        default=False,
        help='Serve POST /v1.1/auth, the login of Cloud Auth 1.1.',
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
        help='Pass on v2.0 logins whose password has the shape of a '
        'generated key, 32 lower-case hex digits. Some clients send a refused '
        'key again as a password, and Keystone counts each as a failed login, '
        'which may lock the user out. If false, keymw refuses such a login.',
    ),
    cfg.IntOpt(
        'min_key_length',
        default=16,
        min=1,
        max=MAX_API_KEY_LENGTH,
        help='Fewest characters of a key that a caller chooses, or that '
        '"credential import" reads in clear. A shorter one can be guessed. '
        'Keys that are stored already still work.',
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
        help='Role that may do everything. It ranks above the five roles '
        'below.',
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
        help='The third role: owner of an account, within its domain.',
    ),
    cfg.StrOpt(
        'user_manage_role',
        default='identity:user-manage',
        help='The fourth role: manages users within its domain.',
    ),
    cfg.StrOpt(
        'default_role',
        default='identity:default',
        help='The fifth role: a sub-user.',
    ),
    cfg.ListOpt(
        'ordinary_roles',
        default=['member', 'reader'],
        help='Roles that are ignored when a caller manages the key of a user '
        'who has them. A user with a role that is neither one of these nor '
        'one of the six above, for example "service" or "manager", ranks '
        'above service_admin_role: only admin_role manages the key, and the '
        'user. Case and spaces at the ends do not matter.',
    ),
    cfg.StrOpt(
        'stale_tokens',
        default='refuse',
        choices=[
            ('refuse', 'they may use no key route: 403'),
            ('allow', 'they may use keys as before'),
        ],
        help='How to treat a token that was issued for a key (the methods '
        '"external", or "external" and "token") if the key of its user was '
        'changed or deleted since. Set "allow" where people sign in by '
        'REMOTE_USER (Kerberos, X.509): such a token looks the same.',
    ),
    cfg.IntOpt(
        'tombstone_ttl',
        default=48 * 3600,
        min=1,
        help='Seconds for which a change of a key counts against a token '
        'that was derived from another token and does not show its age. It '
        'must be at least the lifetime of a token in Keystone, [token] '
        'expiration of keystone.conf; doctor compares them.',
    ),
    cfg.StrOpt(
        'www_authenticate_uri',
        help='If set, a 401 carries WWW-Authenticate: Keystone uri="…" with '
        'this value.',
    ),
]
