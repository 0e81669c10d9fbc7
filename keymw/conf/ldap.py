"""[ldap]: the directory in which the ldap driver keeps keys.

What Keystone's own [ldap] has too is named alike and has its default, so
those lines can be copied; user_id_attribute alone is unset here.
"""

from oslo_config import cfg

GROUP = 'ldap'
_NAME = r'^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'url',
        default='ldap://localhost',
        help='The directory: ldap://host, ldaps://host or ldapi://%2Fsocket. '
        'Of several, apart by commas, the first that answers is taken. Each '
        'must take writes: keymw follows no referral.',
    ),
    cfg.StrOpt(
        'user',
        help='DN that keymw binds as. It needs to read the attributes that '
        'the options below name and to write those of keymw and objectClass; '
        'etc/openldap/keymw-database.ldif shows the rules for OpenLDAP.',
    ),
    cfg.StrOpt(
        'password',
        secret=True,
        help='Password of that DN. An empty one is refused: a directory '
        'takes it for an anonymous bind.',
    ),
    cfg.StrOpt(
        'user_tree_dn',
        help='DN of the entry below which the entries of the users are.',
    ),
    cfg.StrOpt(
        'query_scope',
        default='one',
        choices=[
            ('one', 'users are directly below user_tree_dn'),
            ('sub', 'users are anywhere below it'),
        ],
        help='How deep users are looked for.',
    ),
    cfg.StrOpt(
        'user_objectclass',
        default='inetOrgPerson',
        regex=_NAME,
        help='Object class of the entries of users.',
    ),
    cfg.StrOpt(
        'user_filter',
        default='',
        help='Filter, in its parentheses, that the entry of a user must '
        'pass to be given a key. A key that is there already is shown, and '
        'deleted, whether or not its entry still passes.',
    ),
    cfg.StrOpt(
        'user_id_attribute',
        regex=_NAME,
        help="Attribute that holds the user's id in Keystone, for example "
        'entryUUID. Set it where Keystone takes its ids from this directory '
        'as they are; it is the surest way to the entry of a user. Where it '
        'is unset the entry is found by user_name_attribute.',
    ),
    cfg.StrOpt(
        'user_name_attribute',
        default='sn',
        regex=_NAME,
        help='Attribute that holds the name that Keystone gives a user, '
        'spelt alike, case included. Exactly one entry must have it.',
    ),
    cfg.IntOpt(
        'page_size',
        default=500,
        min=0,
        help='Entries asked for at once where many are read, at most what '
        'the directory allows. 0 asks for all at once.',
    ),
    cfg.BoolOpt(
        'use_tls',
        default=False,
        help='Begin TLS on an ldap:// connection (StartTLS) before binding. '
        'An ldaps:// connection is TLS from its start and needs this off.',
    ),
    cfg.StrOpt(
        'tls_cacertfile',
        help='File of the CA certificates by which the certificate of the '
        'directory is checked; those of the system when unset.',
    ),
    cfg.StrOpt(
        'tls_req_cert',
        default='demand',
        choices=[
            ('demand', 'no connection without a certificate that is right'),
            ('allow', 'take a certificate that is wrong, or none'),
            ('never', 'do not look at the certificate'),
        ],
        help='How the certificate of the directory is checked. Anything but '
        '"demand" lets another machine pass for the directory and be told '
        'the password.',
    ),
    cfg.IntOpt(
        'connection_timeout',
        default=5,
        min=1,
        help='Seconds to wait for a connection to each server of url.',
    ),
    cfg.IntOpt(
        'operation_timeout',
        default=10,
        min=1,
        help='Seconds to wait for an answer on a connection, and for a free '
        'connection of the pool.',
    ),
    cfg.IntOpt(
        'pool_size',
        default=10,
        min=1,
        help='Most connections of one worker; what comes above waits.',
    ),
    cfg.IntOpt(
        'pool_connection_lifetime',
        default=600,
        min=1,
        help='Seconds after which a connection is replaced by a new one.',
    ),
    cfg.StrOpt(
        'credential_objectclass',
        default='keymwCredential',
        regex=_NAME,
        help='Auxiliary object class that an entry with a key is given. '
        'etc/openldap has it for OpenLDAP, and the attributes below.',
    ),
    cfg.StrOpt(
        'credential_user_id_attribute',
        default='keymwUserId',
        regex=_NAME,
        help="Attribute for the user's id in Keystone.",
    ),
    cfg.StrOpt(
        'credential_domain_id_attribute',
        default='keymwDomainId',
        regex=_NAME,
        help="Attribute for the id of the user's domain.",
    ),
    cfg.StrOpt(
        'credential_username_attribute',
        default='keymwUsername',
        regex=_NAME,
        help='Attribute for the name that Keystone gave at the last write.',
    ),
    cfg.StrOpt(
        'credential_secret_attribute',
        default='keymwSecret',
        regex=_NAME,
        help='Attribute for the sealed key, of octets.',
    ),
    cfg.StrOpt(
        'credential_created_at_attribute',
        default='keymwCreatedAt',
        regex=_NAME,
        help='Attribute for the time the user first had a key.',
    ),
    cfg.StrOpt(
        'credential_updated_at_attribute',
        default='keymwUpdatedAt',
        regex=_NAME,
        help='Attribute for the time the key was written.',
    ),
]
