"""[global_keys]: API keys that belong to no user, and their access list."""

from oslo_config import cfg
from oslo_config import types

GROUP = 'global_keys'
OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled',
        default=False,
        help='Serve apiKeys, accessList and whitelist of Ops Manager under '
        '/api/public/v1.0/admin. The first key and the first entry of the '
        'list are made by commands.',
    ),
    cfg.ListOpt(
        'algorithms',
        item_type=types.String(choices=['MD5', 'SHA-256']),
        default=['MD5'],
        help='Digest algorithms that are offered. MD5 is the only one that '
        'all known clients have. "MD5, SHA-256" offers both; SHA-256 alone '
        'locks out those that lack it.',
    ),
    cfg.IntOpt(
        'nonce_lifetime',
        default=300,
        min=1,
        help='Seconds for which a client may answer the same challenge.',
    ),
    cfg.StrOpt(
        'replays',
        default='memory://',
        secret=True,
        help='Where the answers to challenges are remembered, so that none '
        'is taken twice: memcached://host:port, redis://host:port, '
        'rediss://… or redis+unix://…, shared by all workers; or memory://, '
        'where each worker knows its own alone. A shared one must refuse '
        'what it has no room for: memcached -M, Redis with noeviction.',
    ),
    cfg.StrOpt(
        'public_prefix',
        default='',
        regex=r'^(/[^?#]+)?\Z',
        help='What clients have before the path, where a proxy takes that '
        'off: /om, for example. Both spellings are taken in answers to '
        'challenges, and links carry it.',
    ),
    cfg.BoolOpt(
        'access_list_required',
        default=True,
        help='Refuse all global keys while the access list is empty. Off, '
        'an empty list lets them come from everywhere.',
    ),
    cfg.BoolOpt(
        'access_list_for_tokens',
        default=False,
        help='Hold callers with a token of Keystone to the access list too.',
    ),
    cfg.BoolOpt(
        'refuse_zero_prefix',
        default=False,
        help='Refuse entries for the whole of IPv4 or IPv6, as 0.0.0.0/0.',
    ),
    cfg.StrOpt(
        'remote_ip_header',
        help='Header in which a proxy tells the address of the client, as '
        'X-Forwarded-For. It is read only from trusted_proxies; the one that '
        'clients reach must write it anew or add to it. Not set, clients are '
        'known by the address of the connection.',
    ),
    cfg.ListOpt(
        'trusted_proxies',
        item_type=types.String(),
        default=[],
        help='Addresses and networks whose remote_ip_header is believed. It '
        'is read from its right end, past those that are trusted.',
    ),
    cfg.IntOpt(
        'key_not_found_status',
        default=400,
        help='Status for a key that is not there: 400 as in Ops Manager, or '
        '404.',
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
        help='Let GLOBAL_USER_ADMIN write too. It can neither grant '
        'GLOBAL_OWNER nor change a key that has it.',
    ),
    cfg.IntOpt(
        'last_used_grain',
        default=60,
        min=1,
        help='Seconds for which the time an entry was last used may be '
        'behind.',
    ),
]
