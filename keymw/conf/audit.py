"""[audit]: the lines and events of the audit log."""

from oslo_config import cfg

GROUP = 'audit'
HASH, CUT, CLEAR = 'hash', 'cut', 'clear'
LINE, CADF = 'line', 'cadf'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'login_names',
        default=HASH,
        choices=[
            (HASH, '12 hexadecimal digits'),
            (CUT, 'the first 3 characters'),
            (CLEAR, 'the first 255 characters'),
        ],
        help='How the audit line of a login shows the name or id that the '
        'client sent. A user may type a key in place of a name: only "hash" '
        'hides it. The hash is keyed with the sealing key of [vault]: it is '
        'the same on all nodes with the same keys, and changes when they '
        'are rotated.',
    ),
    cfg.StrOpt(
        'format',
        default=LINE,
        choices=[
            (LINE, 'one line of text'),
            (CADF, 'a CADF event in JSON, in one line'),
        ],
        help='Form of the audit log in the log of the process. Only an event '
        'shows the keyed hash of a wrong key, and how often the name failed '
        'in the last minute: the same hash many times is a client with an '
        'old key, many hashes are guesses.',
    ),
    cfg.StrOpt(
        'file',
        default='',
        help='File that gets each CADF event as one line of JSON as well. '
        'All workers and keymw-manage append to it; it may be moved by '
        'logrotate, with "delaycompress": a worker follows after 0.1 '
        'seconds. While it cannot be written, events are lost with an '
        'ERROR, and requests go on. Empty: no file.',
    ),
    cfg.StrOpt(
        'notification_url',
        default='',
        secret=True,
        help='Transport URL of oslo.messaging, for example '
        'rabbit://user:password@host:5672/, to send each CADF event to as '
        'well, on the topic "notifications". Needs keymw[notifications]. '
        'Events that the broker does not take are dropped with a WARNING. '
        'Empty: no notifications.',
    ),
    cfg.IntOpt(
        'refusals_per_minute',
        default=600,
        min=0,
        help='Most refusals of one operation and status that each worker '
        'writes in a minute. Further ones are counted, and one line tells '
        'their number. 0 writes them all.',
    ),
]
