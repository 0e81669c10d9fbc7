"""The roles of a user, from the lists of Identity v3."""

from collections.abc import Callable
from typing import Any
from typing import Protocol
from typing import TypeVar
from urllib.parse import quote

from keymw.identity import base

T = TypeVar('T')


class Ask(Protocol):
    """Sends one request about roles."""

    def __call__(self, path: str, read: Callable[[dict[str, Any]], T]) -> T:
        """The result of read for the body of the response at path.

        :raises Forbidden, Unauthorized, Unavailable: there is no such body.
        """


def held(send: Ask, user_id: str) -> frozenset[str]:
    """The names of all roles of a user anywhere. Raises as ask does."""
    theirs = send(assignments_path(user_id), _assigned)
    there = _on_the_system(send, user_id)
    if not there:
        return theirs
    return theirs | _with_implied(there, send('/v3/role_inferences', _implied))


def _on_the_system(send: Ask, user_id: str) -> frozenset[str]:
    """The roles that Keystone's effective assignments omit.

    They are read by actor: the list for all actors is cached past a new
    grant (doc/contract/keystone 2.7).
    """
    who = quote(user_id, safe='')
    paths = [f'/v3/system/users/{who}/roles']
    for group_id in send(f'/v3/users/{who}/groups', _group_ids):
        paths.append(f'/v3/system/groups/{quote(group_id, safe="")}/roles')
    return frozenset().union(*(send(path, _granted) for path in paths))


def assignments_path(user_id: str) -> str:
    """The path of a user's effective role assignments, without the system."""
    who = quote(user_id, safe='')
    return f'/v3/role_assignments?include_names&effective&user.id={who}'


def _assigned(body: dict[str, Any]) -> frozenset[str]:
    return frozenset(
        base.text(item['role']['name']) for item in body['role_assignments']
    )


def _granted(body: dict[str, Any]) -> frozenset[str]:
    return frozenset(base.text(role['name']) for role in body['roles'])


def _implied(body: dict[str, Any]) -> dict[str, set[str]]:
    """The names of the roles that each role implies."""
    return {
        base.text(item['prior_role']['name']): {
            base.text(role['name']) for role in item['implies']
        }
        for item in body['role_inferences']
    }


def _with_implied(
    roles: frozenset[str], implied: dict[str, set[str]]
) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    new = roles
    while new:
        found |= new
        far = (implied.get(near, set()) for near in new)
        new = frozenset().union(*far) - found
    return found


def _group_ids(body: dict[str, Any]) -> list[str]:
    return [base.text(group['id']) for group in body['groups']]
