"""What v2.0 says of itself, where the service behind us has none."""

from typing import Any

from keymw import faults
from keymw.handlers.call import Call
from keymw.identity import transport


def get(call: Call) -> dict[str, Any]:
    """The version, and where it is."""
    kind = 'application/vnd.openstack.identity-v2.0'
    return {
        'id': 'v2.0',
        'status': 'stable',
        'updated': '2014-04-17T00:00:00Z',
        'links': [
            {'rel': 'self', 'href': f'{transport.v2_url(call.origin)}/'}
        ],
        'media-types': [
            {'base': f'application/{name}', 'type': f'{kind}+{name}'}
            for name in ('json', 'xml')
        ],
    }


def nothing(_call: Call) -> None:
    """Answer for a path that v2.0 has not.

    :raises NotFound: always.
    """
    raise faults.NotFound('The resource could not be found.')
