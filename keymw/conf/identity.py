"""[identity]: the identity service behind keymw, and access to it."""

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
        help='The identity service that keymw uses. "remote" is for keymw in '
        'front of something else: auth_url and the other options from '
        'auth_type on set the service and the user for look-ups, in place of '
        'service_user. No token can be issued then, so login with API keys '
        'is off.',
    ),
    cfg.StrOpt(
        'api_version',
        default='auto',
        choices=[
            ('auto', 'detect it at the first request'),
            ('v3', 'Keystone of today'),
            ('v2.0', 'Keystone until Pike, Rackspace'),
        ],
        help='Identity API of this service. "auto" detects it at the first '
        'request and keeps only a valid result.',
    ),
    cfg.StrOpt(
        'service_user',
        help='Name of an existing user with the role "admin", with whose '
        'token keymw looks up other users: whether they exist, their names '
        'and roles. Its token comes through the external method of Keystone, '
        'so no password is stored here. If unset, the key of another user is '
        'managed only by callers whom Keystone itself lets read that user.',
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
        help='Scope the token of service_user to the system. Set it where '
        'the user has "admin" on the system and not on a project.',
    ),
    cfg.StrOpt(
        'external',
        default='DefaultDomain',
        choices=[
            ('DefaultDomain', 'users of the default domain alone'),
            ('Domain', 'users of every domain'),
        ],
        help='The value of [auth] external in keystone.conf: which users, '
        'including service_user, can be issued a token.',
    ),
    cfg.StrOpt(
        'default_domain',
        default='default',
        help='Id of the domain in which the user names of Identity v2.0 and '
        'v1 are looked up, because these APIs have no domains: [identity] '
        'default_domain_id of keystone.conf.',
    ),
    cfg.StrOpt(
        'domain_attribute',
        default='RAX-AUTH:domainId',
        help='Member of a v2.0 user that holds its domain. It is not used '
        'for v3 users.',
    ),
    cfg.FloatOpt(
        'token_cache_ttl',
        default=5,
        min=0,
        help='Seconds for which a validated token is cached. A revoked token '
        'may still be accepted for that time. 0 turns the cache off.',
    ),
    cfg.FloatOpt(
        'user_cache_ttl',
        default=5,
        min=0,
        help='Seconds for which a user that was looked up is cached. 0 turns '
        'the cache off. It does not apply to the owner of a key at login.',
    ),
    cfg.FloatOpt(
        'owner_cache_ttl',
        default=0,
        min=0,
        help='Seconds for which the owner of a key is cached after a login, '
        'for the next login. Safe from Keystone 30 on: an older one accepts '
        'the token of a user who was disabled meanwhile. 0 looks the owner '
        'up at each login.',
    ),
    cfg.IntOpt(
        'cache_size',
        default=10000,
        min=1,
        help='Most tokens, and most users, that the caches of a worker hold.',
    ),
    cfg.ListOpt(
        'drop_environ',
        default=[],
        help='Names that are removed from the WSGI environ of every request '
        'before the wrapped application gets it, for example REMOTE_USER '
        'where no front end may set it.',
    ),
    cfg.StrOpt(
        'auth_type',
        help='For transport = remote: how keymw signs in to look up other '
        'users, as a user with the role "admin". "password", '
        '"v3applicationcredential" or another keystoneauth1 plugin that '
        'signs in; each has options of its own.',
    ),
    cfg.StrOpt(
        'auth_url',
        help='URL of the identity service, with or without its version. It '
        'must be the final URL, because redirects are not followed.',
    ),
    cfg.FloatOpt(
        'timeout',
        default=10,
        min=0.1,
        help='Seconds to wait for a connection, and for more of a response. '
        'Signing in takes two requests, and each has half of it.',
    ),
    cfg.BoolOpt(
        'insecure',
        default=False,
        help='Accept any certificate of the identity service. An attacker on '
        'the network can then read the tokens.',
    ),
]
_OF_SESSION = ('cafile', 'certfile', 'keyfile')
OPTS += [
    opt
    for opt in loading.get_session_conf_options()
    if opt.dest in _OF_SESSION
]
# The options of other plugins are read too, but not listed here.
_PLUGINS = ('password', 'v3applicationcredential')
_KNOWN = {
    opt.dest: opt
    for name in _PLUGINS
    for opt in loading.get_auth_plugin_conf_options(name)
}
OPTS += [
    # No option is required here: with another transport none is needed.
    cfg.StrOpt(opt.dest, secret=opt.secret, help=opt.help)
    for opt in _KNOWN.values()
    if opt.dest != 'auth_url'
]
