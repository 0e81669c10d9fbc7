"""[storage]: the drivers of the stores."""

from oslo_config import cfg

GROUP = 'storage'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'credentials',
        default='sql',
        help='Driver for the API keys of users: "sql"; "ldap", which stores '
        'each key on the entry of its user; or "memory", which loses them '
        'when its process ends and is for tests only.',
    ),
    cfg.StrOpt(
        'api_keys',
        default='sql',
        help='Driver for the API keys that are more than one per user: "sql"; '
        'or "memory", which loses them when its process ends and is for '
        'tests only.',
    ),
    cfg.StrOpt(
        'global_keys',
        default='sql',
        help='Driver for global API keys and their access list: "sql"; or '
        '"memory", which loses them when its process ends and is for tests '
        'only.',
    ),
]
