"""[storage]: which driver keeps what."""

from oslo_config import cfg

GROUP = 'storage'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'credentials',
        default='sql',
        help='Driver for the API keys of users: "sql", or "memory", which '
        'forgets them when its process ends and suits tests alone.',
    ),
]
