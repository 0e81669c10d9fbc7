"""The version document of v2.0, and the 404 for all other paths."""

from keymw.call import Call
from keymw.identity import transport
from keymw.v2_api.bodies import Version
from keymw.web import faults


def get(call: Call[None, object]) -> Version:
    """The version document with the URL that the client used."""
    return shown(f'{transport.v2_url(call.origin)}/')


def shown(url: str) -> Version:
    """The version document of v2.0 with this URL."""
    kind = 'application/vnd.openstack.identity-v2.0'
    return {
        'id': 'v2.0',
        'status': 'stable',
        'updated': '2014-04-17T00:00:00Z',
        'links': [{'rel': 'self', 'href': url}],
        'media-types': [
            {'base': f'application/{name}', 'type': f'{kind}+{name}'}
            for name in ('json', 'xml')
        ],
    }


def nothing(_call: Call[None, object]) -> None:
    """Refuse a path that v2.0 does not have.

    :raises NotFound: always.
    """
    raise faults.NotFound('The resource could not be found.')
