"""Projects, and the roles of users on them, read as service_user."""

import dataclasses
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

from keymw.identity import base
from keymw.identity.service import Others
from keymw.identity.transport import Origin
from keymw.identity.transport import Response


@dataclasses.dataclass(frozen=True)
class Held:
    """The ids of the roles of a user on a project.

    assigned are given to the user or a group, here or by inheritance. all has
    those too that others of them imply. Keystone leaves out roles of a domain.
    """

    assigned: frozenset[str]
    all: frozenset[str]


class ProjectRoles:
    """Reads projects, roles and assignments.

    Every method raises Unavailable if Keystone fails or service_user may not.
    """

    def __init__(self, others: Others) -> None:
        self._others = others

    def is_open(self, origin: Origin, project_id: str) -> bool:
        """Whether a project exists, and is enabled with its domain."""
        project = self._one(origin, 'project', project_id)
        if project is None or not project['enabled']:
            return False
        domain = self._one(origin, 'domain', project['domain_id'])
        return domain is not None and bool(domain['enabled'])

    def held(self, origin: Origin, user_id: str, project_id: str) -> Held:
        """The roles of a user on a project."""
        query = urlencode({'user.id': user_id, 'scope.project.id': project_id})
        response = self._ask(origin, f'/v3/role_assignments?effective&{query}')
        return base.understood(response, 'for the roles of a user', _held)

    def id_of(self, origin: Origin, name: str) -> str | None:
        """The id of the global role with a name, or None."""
        response = self._ask(origin, f'/v3/roles?{urlencode({"name": name})}')
        found = base.understood(response, 'for a role', _names)
        return next((id_ for id_ in found if found[id_] == name), None)

    def names(
        self, origin: Origin, role_ids: frozenset[str]
    ) -> dict[str, str | None]:
        """The present names of roles by id; None: the role is gone."""
        if not role_ids:
            return {}
        response = self._ask(origin, '/v3/roles')
        known = base.understood(response, 'for the roles', _names)
        return {
            id_: known[id_] if id_ in known else self.name_of(origin, id_)
            for id_ in role_ids
        }

    def name_of(self, origin: Origin, role_id: str) -> str | None:
        """The name of a role, also of one of a domain; None: it is gone."""
        role = self._one(origin, 'role', role_id)
        return None if role is None else base.text(role['name'])

    def _one(
        self, origin: Origin, kind: str, id_: str
    ) -> dict[str, Any] | None:
        if not base.is_segment(id_):
            return None
        response = self._ask(origin, f'/v3/{kind}s/{quote(id_, safe="")}')
        if response.status == 404 and 'error' in response.body:
            return None
        return base.understood(
            response, f'for a {kind}', lambda body: {**body[kind]}
        )

    def _ask(self, origin: Origin, path: str) -> Response:
        response = self._others.send(origin, path, None)
        self._others.refuse(response)
        return response


def _held(body: dict[str, Any]) -> Held:
    found = body['role_assignments']
    return Held(
        frozenset(
            base.text(item['role']['id'])
            for item in found
            if 'prior_role' not in item['links']
        ),
        frozenset(base.text(item['role']['id']) for item in found),
    )


def _names(body: dict[str, Any]) -> dict[str, str]:
    return {
        base.text(role['id']): base.text(role['name'])
        for role in body['roles']
    }
