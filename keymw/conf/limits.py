"""[limits]: bounds on what one request may cost."""

from oslo_config import cfg

GROUP = 'limits'
OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'max_body_size',
        default=65536,
        min=1024,
        help='Bytes of a request body that keymw reads. A longer one is '
        'answered 413 before it is parsed. Requests that are passed on are '
        'not limited.',
    ),
]
