"""[api_keys]: API keys with a name, an end and roles of their own."""

from oslo_config import cfg

GROUP = 'api_keys'
OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled',
        default=False,
        help='Serve /v3/users/{user_id}/api_keys and /v3/api_keys, and logins '
        'with these keys on v3, v2.0 and v1. Each key is a trust of its owner '
        'for [identity] service_user, which must be a user of its own: '
        'whoever can sign in as that user can use every key.',
    ),
    cfg.StrOpt(
        'prefix',
        default='kmw',
        regex=r'^[a-z0-9]{2,8}\Z',
        help='Start of every key, 2 to 8 of a-z and 0-9, by which people and '
        'secret scanners know it. After a change, the keys with the former '
        'prefix no longer work.',
    ),
    cfg.IntOpt(
        'per_user',
        default=25,
        min=1,
        help='Most keys of one user. Disabled and ended ones count.',
    ),
    cfg.IntOpt(
        'max_lifetime',
        min=1,
        help='Most seconds from the creation of a key to its end, and the '
        'lifetime of a key that is made without an end. If unset, a key may '
        'have no end.',
    ),
    cfg.IntOpt(
        'max_grace',
        default=7 * 24 * 3600,
        min=0,
        help='Most seconds for which the former secret of a key may work '
        'after a rotation.',
    ),
    cfg.BoolOpt(
        'allow_unrestricted',
        default=False,
        help='Let users make keys that can do all that their user can, in '
        'every project, and log in with them. There is no trust behind such '
        'a key, so a token bought with it lives on when the key is disabled '
        'or deleted. It needs transport = pipeline.',
    ),
    cfg.FloatOpt(
        'last_used_interval',
        default=60,
        min=0,
        help='Seconds between two writes of the last use of keys. A crash '
        'loses at most the uses of this time. 0 writes with every login.',
    ),
]
