"""[identity]: how keymw asks the identity service it stands before."""

from oslo_config import cfg

GROUP = 'identity'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'api_version',
        default='auto',
        choices=[
            ('auto', 'find out'),
            ('v3', 'Keystone of today'),
            ('v2.0', 'Keystone until Pike, Rackspace'),
        ],
        help='Identity API that the wrapped application speaks. "auto" asks '
        'it at the first request and remembers only a good answer.',
    ),
    cfg.StrOpt(
        'service_user',
        help='Name of an existing user with the role "admin" as whom keymw '
        'asks about others: whether a user exists, what it is called, which '
        'roles it has. Its token comes through the external method of '
        'Keystone, so no password is kept here. Without it a key of somebody '
        'else is managed only by callers whom Keystone itself lets read that '
        'user.',
    ),
    cfg.StrOpt(
        'service_domain',
        default='Default',
        help='Name of the domain of service_user and of service_project.',
    ),
    cfg.StrOpt(
        'service_project',
        help='Name of the project on which service_user has "admin". Set '
        'this or system.',
    ),
    cfg.BoolOpt(
        'system',
        default=False,
        help='Scope the token of service_user to the system, where it has '
        '"admin" there and not on a project.',
    ),
    cfg.StrOpt(
        'external',
        default='DefaultDomain',
        choices=[
            ('DefaultDomain', 'users of the default domain alone'),
            ('Domain', 'users of every domain'),
        ],
        help='The value of [auth] external in keystone.conf: which users '
        'can be issued a token, service_user among them.',
    ),
    cfg.StrOpt(
        'domain_attribute',
        default='RAX-AUTH:domainId',
        help='Member of a v2.0 user that holds its domain. A v3 user has its '
        'own.',
    ),
    cfg.FloatOpt(
        'token_cache_ttl',
        default=5,
        min=0,
        help='Seconds for which a validated token is not validated again; '
        'so long a revoked one may still be taken. 0 turns the cache off.',
    ),
    cfg.FloatOpt(
        'user_cache_ttl',
        default=5,
        min=0,
        help='Seconds for which a user that was looked up is not looked up '
        'again. 0 turns the cache off.',
    ),
    cfg.IntOpt(
        'cache_size',
        default=10000,
        min=1,
        help='Most tokens, and most users, that a worker remembers.',
    ),
    cfg.ListOpt(
        'drop_environ',
        default=[],
        help='Names taken out of the WSGI environ of every request before '
        'the wrapped application sees it, for example REMOTE_USER where no '
        'front end may set it.',
    ),
]
