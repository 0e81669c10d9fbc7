"""[client_address]: the address of the client, behind proxies."""

from oslo_config import cfg
from oslo_config import types

GROUP = 'client_address'
_FORMER_GROUP = 'global_keys'
OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'remote_ip_header',
        deprecated_group=_FORMER_GROUP,
        help='Header in which a proxy sends the address of the client, for '
        'example X-Forwarded-For. It needs trusted_proxies or trusted_hops. '
        'If unset, the address of the client is that of its connection. The '
        'first proxy must replace the header or append to it. uWSGI, and '
        'uvicorn with a2wsgi, also take a header X_Forwarded_For for it: '
        'before those the proxy must drop names with an underscore. nginx '
        'does unless underscores_in_headers is on; HAProxy needs '
        '"http-request del-header X_Forwarded_For".',
    ),
    cfg.ListOpt(
        'trusted_proxies',
        item_type=types.String(),
        default=[],
        deprecated_group=_FORMER_GROUP,
        help='Addresses and networks of the proxies. The header is read from '
        'its right end, past the addresses in this list. It is ignored in a '
        'request from any other address.',
    ),
    cfg.IntOpt(
        'trusted_hops',
        default=0,
        min=0,
        help='Number of proxies before keymw, in place of trusted_proxies '
        'where their addresses change. With 1, the last address in the '
        'header is the client. A request whose header has fewer addresses is '
        'refused. No client may reach keymw without passing all the proxies.',
    ),
]
