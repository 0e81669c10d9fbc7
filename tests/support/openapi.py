"""keymw/openapi.yaml, as tests read it."""

from collections.abc import Iterator
import dataclasses
import json
import re
from typing import Any

from keymw import openapi
from tests.support.api_keys import SERVICE

DOCUMENT: dict[str, Any] = json.loads(openapi.document())


# The options that switch on every route.
ALL_ON = {
    'api_keys': {'enabled': 'true'},
    'identity': {
        'service_user': SERVICE,
        'service_project': 'admin',
        'token_cache_ttl': '3600',
    },
    'openapi': {'enabled': 'true'},
    'kskey': {'serve_v1_1': 'true'},
    'global_keys': {'enabled': 'true', 'access_list_required': 'false'},
}


@dataclasses.dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    told: dict[str, Any]

    @property
    def id(self) -> str:
        """The name of the operation."""
        return str(self.told['operationId'])

    @property
    def success(self) -> tuple[int, dict[str, Any]]:
        """The status and the description of what goes well."""
        status = next(s for s in self.told['responses'] if s[0] == '2')
        return int(status), self.told['responses'][status]

    def example(self, media_type: str) -> Any:
        """The body of the request in this format; None: it has no body."""
        content = self.told.get('requestBody', {}).get('content', {})
        return content.get(media_type, {}).get('example')


def operations() -> Iterator[Operation]:
    """Every operation of the file."""
    for path, methods in DOCUMENT['paths'].items():
        for method, told in methods.items():
            yield Operation(method.upper(), path, told)


def plain(path: str) -> str:
    """A path of a table in the spelling of the file."""
    return re.sub(r'\(\?i:([^)]*)\)', r'\1', path)
