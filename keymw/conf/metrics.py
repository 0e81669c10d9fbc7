"""[metrics]: numbers about requests, for Prometheus."""

from oslo_config import cfg

GROUP = 'metrics'
OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled',
        default=False,
        help='Count requests, failures and times for egg:keymw#metrics. It '
        'needs keymw[metrics]. Where several worker processes serve, set the '
        'environment variable PROMETHEUS_MULTIPROC_DIR to an empty directory '
        'that they share; without it each worker has numbers of its own.',
    ),
]
