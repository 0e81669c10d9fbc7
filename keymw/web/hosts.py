"""The Host header of a client, which is in links and in our own requests."""

from collections.abc import Mapping
import functools
import re
from typing import Any

_NAME = 'HTTP_HOST'
_LABEL = '[A-Za-z0-9_-]{1,63}'
# A name or an address, and maybe a port.
_HOST = re.compile(
    r'(?=.{1,253}\Z)'
    rf'({_LABEL}(\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(:[0-9]{{1,5}})?'
)


def checked(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environ without a Host header that names no host.

    Services fail on such a text. SERVER_NAME is used in its place.
    """
    found = dict(environ)
    if not _is_host(found.get(_NAME, '')):
        found.pop(_NAME, None)
    return found


# Most clients name the same host.
@functools.lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None
