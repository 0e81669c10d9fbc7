"""[identity]: how keymw asks the identity service it stands before."""

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = 'identity'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'transport',
        default='pipeline',
        choices=[
            ('pipeline', 'the wrapped application, in this process'),
            ('remote', 'the service at auth_url, over the network'),
        ],
        help='Which identity service keymw asks. "remote" is for keymw in '
        'front of something else: the options from auth_type on say where '
        'the service is and as whom it is asked about others, in place of '
        'service_user. No token can be issued then, so login with API keys '
        'is off.',
    ),
    cfg.StrOpt(
        'api_version',
        default='auto',
        choices=[
            ('auto', 'find out'),
            ('v3', 'Keystone of today'),
            ('v2.0', 'Keystone until Pike, Rackspace'),
        ],
        help='Identity API that this service speaks. "auto" asks it at the '
        'first request and remembers only a good answer.',
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
        'default_domain',
        default='default',
        help='Id of the domain in which the user names of Identity v2.0 and '
        'v1 are looked up, which know no domains: [identity] '
        'default_domain_id of keystone.conf.',
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
    cfg.StrOpt(
        'auth_type',
        help='For transport = remote: how keymw signs in to ask about '
        'others, as a user with the role "admin". "password", '
        '"v3applicationcredential" or another plugin of '
        'keystoneauth1 that signs in; each takes options of its own.',
    ),
    cfg.StrOpt(
        'auth_url',
        help='URL of the identity service, with or without its version. It '
        'must be the last one: no redirect is followed.',
    ),
    cfg.FloatOpt(
        'timeout',
        default=10,
        min=0.1,
        help='Seconds to wait for a connection, and for more of an answer. '
        'Signing in takes two questions, and each has half of it.',
    ),
    cfg.BoolOpt(
        'insecure',
        default=False,
        help='Take any certificate that the identity service shows, so '
        'anybody in between can read the tokens.',
    ),
]
_OF_SESSION = ('cafile', 'certfile', 'keyfile')
OPTS += [
    opt
    for opt in loading.get_session_conf_options()
    if opt.dest in _OF_SESSION
]
# What other plugins take besides is read all the same.
_PLUGINS = ('password', 'v3applicationcredential')
_KNOWN = {
    opt.dest: opt
    for name in _PLUGINS
    for opt in loading.get_auth_plugin_conf_options(name)
}
OPTS += [
    # None is required, as long as the transport is another.
    cfg.StrOpt(opt.dest, secret=opt.secret, help=opt.help)
    for opt in _KNOWN.values()
    if opt.dest != 'auth_url'
]
