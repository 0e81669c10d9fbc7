"""Identity v2.0 users, where the service behind us speaks v3 alone."""

from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

from keymw import faults
from keymw.handlers.call import Call
from keymw.identity.transport import Question

Shown = dict[str, Any]


def get(call: Call) -> Shown:
    """The user with an id.

    :raises Relayed: Keystone does not show it to this caller.
    """
    path = f'/v3/users/{quote(call.path["user_id"], safe="")}'
    answer = call.relay(Question('GET', path, call.own_token()))
    return call.read(answer, lambda body: _shown(body['user']))


def find(call: Call) -> Shown | list[Shown]:
    """The user of the name in the query, or without one all of them.

    :raises NotFound: there is none of that name.
    """
    wanted = {'domain_id': call.parts.default_domain}
    name = call.query.get('name')
    if name is not None:
        wanted['name'] = name
    answer = call.relay(
        Question('GET', f'/v3/users?{urlencode(wanted)}', call.own_token())
    )
    found = call.read(answer, lambda body: list(map(_shown, body['users'])))
    if name is None:
        return found
    if not found:
        raise faults.NotFound(f'User {name} not found')
    return found[0]


def _shown(user: dict[str, Any]) -> Shown:
    made = {
        'id': user['id'],
        'name': user['name'],
        'username': user['name'],
        'enabled': user['enabled'],
    }
    email = user.get('email')
    return made | ({'email': email} if email else {})
