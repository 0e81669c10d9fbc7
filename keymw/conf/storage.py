"""[storage]: which driver keeps what."""

from oslo_config import cfg

GROUP = 'storage'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'credentials',
        default='sql',
        help='Driver for the API keys of users: "sql"; "ldap", which keeps '
        'each on the entry of its user; or "memory", which forgets them when '
        'its process ends and suits tests alone.',
    ),
    cfg.StrOpt(
        'global_keys',
        default='sql',
        help='Driver for global API keys and the access list that guards '
        'them: "sql"; or "memory", which forgets them when its process ends '
        'and suits tests alone.',
    ),
]
