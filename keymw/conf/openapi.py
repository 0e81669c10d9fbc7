"""[openapi]: the description of all routes."""

from oslo_config import cfg

GROUP = 'openapi'
OPTS = (
    cfg.BoolOpt(
        'enabled',
        default=False,
        help='Whether GET /keymw/openapi.json answers, without a token, with '
        'the OpenAPI 3.1 description of all routes of keymw, also of those '
        'that are off. It holds nothing of this installation.',
    ),
)
