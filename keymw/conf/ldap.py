"""[ldap]: the directory in which the ldap driver stores keys.

Options that Keystone's [ldap] has too have the same name and default, so those
lines can be copied. Only user_id_attribute differs: it is unset here.
"""

from oslo_config import cfg

GROUP = 'ldap'
_NAME = r'^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'url',
        default='ldap://localhost',
        help='URL of the directory: ldap://host, ldaps://host or '
        'ldapi://%2Fsocket. Of several, separated by commas, the first that '
        'responds is used. Each must accept writes: keymw follows no '
        'referral.',
    ),
    cfg.StrOpt(
        'user',
        help='DN that keymw binds as. It must be able to read the attributes '
        'named by the options below, and to write those of keymw and '
        'objectClass; keymw-database.ldif in etc/openldap or etc/389ds shows '
        'the rules.',
    ),
    cfg.StrOpt(
        'password',
        secret=True,
        help='Password of that DN. An empty one is refused, because a '
        'directory treats it as an anonymous bind.',
    ),
    cfg.StrOpt(
        'user_tree_dn',
        help='DN of the entry that contains the entries of the users.',
    ),
    cfg.StrOpt(
        'query_scope',
        default='one',
        choices=[
            ('one', 'users are directly below user_tree_dn'),
            ('sub', 'users are anywhere below it'),
        ],
        help='How deep below user_tree_dn users are searched.',
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
        help='Filter, in parentheses, that the entry of a user must match to '
        'get a key. An existing key is shown and can be deleted whether or '
        'not its entry matches.',
    ),
    cfg.StrOpt(
        'user_id_attribute',
        regex=_NAME,
        help='Attribute that holds the id of the user in Keystone, for '
        'example entryUUID. Set it where Keystone takes its ids unchanged '
        'from this directory; it is the most reliable way to find the entry '
        'of a user. If unset, the entry is found by user_name_attribute.',
    ),
    cfg.StrOpt(
        'user_name_attribute',
        default='sn',
        regex=_NAME,
        help='Attribute that holds the name of the user in Keystone, with '
        'the same case. Exactly one entry must have it.',
    ),
    cfg.IntOpt(
        'page_size',
        default=500,
        min=0,
        help='Number of entries per page of a search, at most what the '
        'directory allows. 0 turns paging off.',
    ),
    cfg.BoolOpt(
        'use_tls',
        default=False,
        help='Start TLS on an ldap:// connection (StartTLS) before binding. '
        'An ldaps:// connection uses TLS from its start and needs this off.',
    ),
    cfg.StrOpt(
        'tls_cacertfile',
        help='File with the CA certificates that verify the certificate of '
        'the directory. If unset, those of the system are used.',
    ),
    cfg.StrOpt(
        'tls_req_cert',
        default='demand',
        choices=[
            ('demand', 'refuse a missing or invalid certificate'),
            ('allow', 'accept a missing or invalid certificate'),
            ('never', 'do not check the certificate'),
        ],
        help='How the certificate of the directory is checked. With anything '
        'but "demand" another machine can pass for the directory and get the '
        'password.',
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
        help='Seconds to wait for a response on a connection, and for a free '
        'connection of the pool.',
    ),
    cfg.IntOpt(
        'pool_size',
        default=10,
        min=1,
        help='Most connections of one worker. Further requests wait for a '
        'free one.',
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
        help='Auxiliary object class of an entry with a key. etc/openldap '
        'and etc/389ds define it, and the attributes below.',
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
        help='Attribute for the name of the user in Keystone at the last '
        'write.',
    ),
    cfg.StrOpt(
        'credential_secret_attribute',
        default='keymwSecret',
        regex=_NAME,
        help='Attribute for the sealed key, an octet string.',
    ),
    cfg.StrOpt(
        'credential_created_at_attribute',
        default='keymwCreatedAt',
        regex=_NAME,
        help='Attribute for the time of the first key of the user.',
    ),
    cfg.StrOpt(
        'credential_updated_at_attribute',
        default='keymwUpdatedAt',
        regex=_NAME,
        help='Attribute for the time of the last write of the key.',
    ),
    cfg.StrOpt(
        'change_objectclass',
        default='keymwChange',
        regex=_NAME,
        help='Auxiliary object class of an entry whose user had a key '
        'written or deleted; it stays after the key is deleted. The same '
        'files define it, and the attributes below.',
    ),
    cfg.StrOpt(
        'change_user_id_attribute',
        default='keymwChangedUserId',
        regex=_NAME,
        help='Attribute for the id of the user whose key was changed.',
    ),
    cfg.StrOpt(
        'changed_at_attribute',
        default='keymwChangedAt',
        regex=_NAME,
        help='Attribute for the time of the last change.',
    ),
    cfg.StrOpt(
        'change_chain_attribute',
        default='keymwChangeChain',
        regex=_NAME,
        help='Attribute for the audit chain of the token that made the last '
        'change.',
    ),
]
