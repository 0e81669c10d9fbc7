"""[limits]: bounds on the cost of a request, and on guesses of keys."""

from oslo_config import cfg

GROUP = 'limits'
MEMORY = 'memory://'
OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'max_body_size',
        default=65536,
        min=1024,
        help='Most bytes of a request body that keymw reads. A longer one '
        'gets 413 before it is parsed. Requests that are passed on are not '
        'limited.',
    ),
    cfg.IntOpt(
        'failures_per_minute',
        default=30,
        min=0,
        help='Wrong keys that one client address may send in a minute, over '
        'all logins and HTTP Digest. Further attempts from that address are '
        'refused with 413 (v2.0, v1.0, v1.1) or 429 before their key is '
        'looked at, until a minute after the first of these failures. Right '
        'keys are not counted, and no user is ever locked out at another '
        'address. The addresses of a /64 network of IPv6 count as one. 0 '
        'switches the limit off.',
    ),
    cfg.BoolOpt(
        'direct_clients',
        default=False,
        help='Limit private addresses too where [client_address] is not set: '
        'all clients connect to keymw without a proxy. If false, only public '
        'addresses are limited then, because a proxy would make all its '
        'clients one address.',
    ),
    cfg.StrOpt(
        'storage',
        default=MEMORY,
        secret=True,
        help='Where failures are counted. memory://: in each worker, so an '
        'address has the limit once for each worker. memcached://host:port, '
        'redis://host:port, rediss://… or redis+unix://…: in that cache, for '
        'all workers and nodes. While the cache cannot answer, each worker '
        'counts alone.',
    ),
]
