"""[global_keys]: API keys that belong to no user, and their access list."""

from oslo_config import cfg
from oslo_config import types

GROUP = 'global_keys'
OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled',
        default=False,
        help='Serve apiKeys, accessList and whitelist of Ops Manager under '
        '/api/public/v1.0/admin. Make the first key and the first entry of '
        'the list with keymw-manage.',
    ),
    cfg.ListOpt(
        'algorithms',
        item_type=types.String(choices=['MD5', 'SHA-256']),
        default=['MD5'],
        help='Digest algorithms that are offered. All known clients support '
        'MD5. "MD5, SHA-256" offers both; SHA-256 alone locks out clients '
        'that lack it.',
    ),
    cfg.IntOpt(
        'nonce_lifetime',
        default=300,
        min=1,
        help='Seconds for which a client may use the nonce of a challenge.',
    ),
    cfg.StrOpt(
        'replays',
        default='storage',
        secret=True,
        help='Where used Digest responses are recorded, so that a captured '
        'one is not accepted again. "storage": those of writes in the '
        'database of the global keys, for all workers and nodes, and those '
        'of reads in each worker. memcached://host:port, redis://host:port, '
        'rediss://… or redis+unix://…: all of them in that cache, shared by '
        'all workers; it must refuse writes when it is full: memcached -M, '
        'Redis with noeviction. memory://: all of them in each worker alone, '
        'for tests and for a single worker, because every other worker '
        'accepts a captured write once more.',
    ),
    cfg.StrOpt(
        'public_prefix',
        default='',
        regex=r'^(/[^?#]+)?\Z',
        help='Prefix of the path that clients see and a proxy removes, for '
        'example /om. Digest responses may contain the path with or without '
        'it, and links contain it.',
    ),
    cfg.BoolOpt(
        'access_list_required',
        default=True,
        help='Refuse all global keys while the access list is empty. If '
        'false, an empty list admits every address.',
    ),
    cfg.BoolOpt(
        'access_list_for_tokens',
        default=False,
        help='Apply the access list to callers with a token of Keystone too.',
    ),
    cfg.BoolOpt(
        'refuse_zero_prefix',
        default=False,
        help='Refuse entries for the whole of IPv4 or IPv6, such as '
        '0.0.0.0/0.',
    ),
    cfg.IntOpt(
        'key_not_found_status',
        default=400,
        help='Status for a key that does not exist: 400 as in Ops Manager, '
        'or 404.',
        choices=[400, 404],
    ),
    cfg.IntOpt(
        'role_denied_status',
        default=401,
        help='Status for a key that lacks the role: 401 without a challenge '
        'as in Ops Manager, or 403.',
        choices=[401, 403],
    ),
    cfg.BoolOpt(
        'user_admin_writes',
        default=False,
        help='Let keys with GLOBAL_USER_ADMIN write too. They can neither '
        'grant GLOBAL_OWNER nor change a key that has it.',
    ),
    cfg.IntOpt(
        'last_used_grain',
        default=60,
        min=1,
        help='Seconds by which the recorded last use of an entry may lag '
        'behind.',
    ),
]
