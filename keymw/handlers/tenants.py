"""Identity v2.0 tenants, where the service behind us speaks v3 alone."""

from typing import Any

from keymw.handlers.call import Call
from keymw.identity.transport import Question


def list_(call: Call) -> list[dict[str, Any]]:
    """The tenants that the caller's token could be for.

    :raises Relayed: Keystone does not take the token.
    """
    answer = call.relay(Question('GET', '/v3/auth/projects', call.own_token()))
    return call.read(
        answer, lambda body: [_shown(item) for item in body['projects']]
    )


def _shown(project: dict[str, Any]) -> dict[str, Any]:
    return {
        'id': project['id'],
        'name': project['name'],
        'description': project.get('description') or '',
        'enabled': project['enabled'],
    }
