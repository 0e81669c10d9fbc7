"""The URLs of logins."""

from collections.abc import Iterator

from keymw.conf import Options
from keymw.web.paths import V2
from keymw.web.paths import guard

V2_TOKENS = f'{V2}/tokens'
V3_TOKENS = '/v3/auth/tokens'
V1_0 = '/v1.0'
V1_1 = '/v1.1/auth'


def guarded(options: Options) -> Iterator[str]:
    """Prefixes of the guarded paths of logins; options are [kskey]."""
    yield guard(V2_TOKENS)
    if options.serve_v1_0:
        yield f'{guard(V1_0)}(?![^/])'
    if options.serve_v1_1:
        yield guard(V1_1)
