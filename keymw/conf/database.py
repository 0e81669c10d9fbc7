"""[database]: the options of oslo.db that the sql driver uses."""

import copy

from oslo_config import cfg
from oslo_db import options

GROUP = 'database'
USED = (
    'connection',
    'connection_debug',
    'connection_recycle_time',
    'connection_trace',
    'max_overflow',
    'max_pool_size',
    'mysql_sql_mode',
    'mysql_wsrep_sync_wait',
    'pool_timeout',
)
OPTS: list[cfg.Opt] = [
    copy.copy(opt) for opt in options.database_opts if opt.dest in USED
]
cfg.set_defaults(OPTS, connection='sqlite:////var/lib/keymw/keymw.db')
